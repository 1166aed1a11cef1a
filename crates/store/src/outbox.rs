//! What other servers are still to be told: events, and other news that must arrive.
//!
//! A row is removed when its server has taken it, and not before. How it stands with a server is in `destinations.rs`.

use ruma::{OwnedEventId, OwnedRoomId, OwnedServerName, OwnedUserId, ServerName, UserId};

use crate::{
    EventNid, Result, RoomNid, StreamPos, Tx,
    value::{Row, Value, params},
};

/// An event of the stream, with what decides who is told of it.
#[derive(Clone, Debug)]
pub struct StreamedEvent {
    /// The event.
    pub nid: EventNid,
    /// Its room.
    pub room: RoomNid,
    /// Who sent it.
    pub sender: OwnedUserId,
    /// Member events: its state key, and its JSON.
    pub member: Option<(String, String)>,
    /// Whether this server passes it on though it is of another one (`true`), or another one does so with an event of
    /// ours (`false`). `None`: its sender's server tells the others.
    pub passed_by_us: Option<bool>,
}

/// An event that a server is to be told.
#[derive(Clone, Copy, Debug)]
pub struct NewOutboxEvent<'a> {
    /// The server.
    pub destination: &'a ServerName,
    /// The room.
    pub room: RoomNid,
    /// The event.
    pub event: EventNid,
    /// It puts one of their users out of the room, so they are told though they may not be there any more.
    pub about_them: bool,
}

/// An event that waits for a server.
#[derive(Clone, Debug)]
pub struct OutboxEvent {
    /// The event.
    pub event: EventNid,
    /// It, as it is kept now: its room, its id, and its JSON. `None`: it is there no more.
    pub kept: Option<(OwnedRoomId, OwnedEventId, String)>,
}

/// Other news that a server is to be told.
#[derive(Clone, Copy, Debug)]
pub struct NewOutboxEdu<'a> {
    /// The server.
    pub destination: &'a ServerName,
    /// Takes the place of what waits with the same subject; empty: of nothing.
    pub subject: &'a str,
    /// A JSON object: `edu_type`, `content`.
    pub edu: &'a str,
}

/// Other news that waits for a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEdu {
    /// Its number: those that were written later have a higher one.
    pub nid: i64,
    /// A JSON object: `edu_type`, `content`.
    pub edu: String,
}

/// Users who began or stopped typing: room, user, until when (ms since the epoch).
type Typing = Vec<(RoomNid, OwnedUserId, i64)>;

impl Tx<'_> {
    /// Accepted events after `after` up to and including `upto` that servers other than `own` may have to be told, in the
    /// order of the stream: those of rooms where others are or were lately, and all member events, since one of those may be
    /// about somebody who never was in the room. For work that follows the stream.
    pub async fn outbox_stream(
        &mut self,
        own: &ServerName,
        after: StreamPos,
        upto: StreamPos,
        limit: u32,
    ) -> Result<Vec<StreamedEvent>> {
        let sql = "SELECT e.nid, e.room_nid, e.sender, CASE WHEN e.kind = 'm.room.member' THEN e.state_key END, \
                   CASE WHEN e.kind = 'm.room.member' THEN e.json END, p.by_us \
                   FROM events e LEFT JOIN passed_events p ON p.event_nid = e.nid \
                   WHERE e.nid > $1 AND e.nid <= $2 AND e.pos > $1 AND e.status = 0 AND (e.kind = 'm.room.member' \
                   OR EXISTS (SELECT 1 FROM room_servers s WHERE s.room_nid = e.room_nid AND s.server <> $3) \
                   OR EXISTS (SELECT 1 FROM room_servers_left l WHERE l.room_nid = e.room_nid)) \
                   ORDER BY e.nid LIMIT $4";
        let rows = self.query(sql, params![after, upto, own.as_str(), limit]).await?;
        let event = |row: &Row| {
            let (user, json): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
            Ok(StreamedEvent {
                nid: row.get(0)?,
                room: row.get(1)?,
                sender: row.get(2)?,
                member: user.zip(json),
                passed_by_us: row.get::<Option<i64>>(5)?.map(|by_us| by_us == 1),
            })
        };
        rows.iter().map(event).collect()
    }

    /// Notes that an event goes another way than usual. `by_us`: it is of another server, which handed it to this one so
    /// that this one tells the others (an event from `send_join`, `send_leave` or `send_knock`). Else: it is ours, and
    /// another server tells the others. In the same unit that keeps the event.
    pub async fn outbox_pass(&mut self, event: EventNid, by_us: bool) -> Result<()> {
        let sql = "INSERT INTO passed_events (event_nid, by_us) VALUES ($1, $2) \
                   ON CONFLICT (event_nid) DO UPDATE SET by_us = excluded.by_us";
        self.put(sql, params![event, by_us]).await
    }

    /// Forgets which events went another way, up to and including `upto`.
    pub async fn outbox_pass_forget(&mut self, upto: StreamPos) -> Result<()> {
        let sql = "DELETE FROM passed_events WHERE event_nid <= $1";
        self.put(sql, params![upto]).await
    }

    /// Users who began or stopped typing after `after` up to and including `upto`.
    pub async fn typing_stream(&mut self, after: StreamPos, upto: StreamPos, limit: u32) -> Result<Typing> {
        let sql = "SELECT room_nid, user_id, until_ts FROM typing WHERE pos > $1 AND pos <= $2 ORDER BY pos LIMIT $3";
        let rows = self.query(sql, params![after, upto, limit]).await?;
        let typing = |row: &Row| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        rows.iter().map(typing).collect()
    }

    /// Users whose devices or identity changed after `after` up to and including `upto`, and when.
    pub async fn device_list_stream(
        &mut self,
        after: StreamPos,
        upto: StreamPos,
    ) -> Result<Vec<(OwnedUserId, StreamPos)>> {
        let sql = "SELECT user_id, pos FROM device_list_changes WHERE pos > $1 AND pos <= $2 ORDER BY pos";
        let rows = self.query(sql, params![after, upto]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// What other servers were told last of a user's devices and identity: hashes by device id, that of the identity
    /// under the empty one; and the number of the last news.
    pub async fn told_devices(&mut self, user_id: &UserId) -> Result<(Vec<(String, Vec<u8>)>, Option<i64>)> {
        let sql = "SELECT device_id, hash FROM told_devices WHERE user_id = $1";
        let rows = self.query(sql, params![user_id]).await?;
        let told = rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?)));
        let told = told.collect::<Result<_>>()?;
        let sql = "SELECT stream_id FROM told_device_lists WHERE user_id = $1";
        let last = self.query_opt(sql, params![user_id]).await?;
        Ok((told, last.map(|row| row.get(0)).transpose()?))
    }

    /// Notes what other servers are told of a user's devices and identity; a hash that is `None` is of something that is
    /// gone.
    pub async fn told_devices_put(
        &mut self,
        user_id: &UserId,
        told: &[(String, Option<Vec<u8>>)],
        stream_id: i64,
    ) -> Result<()> {
        let put = "INSERT INTO told_devices (user_id, device_id, hash) VALUES ($1, $2, $3) \
                   ON CONFLICT (user_id, device_id) DO UPDATE SET hash = excluded.hash";
        let delete = "DELETE FROM told_devices WHERE user_id = $1 AND device_id = $2";
        let (mut puts, mut deletes): (Vec<Vec<Value<'_>>>, Vec<Vec<Value<'_>>>) = (Vec::new(), Vec::new());
        for (device, hash) in told {
            match hash {
                Some(hash) => puts.push(vec![user_id.into(), device.into(), hash.into()]),
                None => deletes.push(vec![user_id.into(), device.into()]),
            }
        }
        self.execute_each(put, &puts).await?;
        self.execute_each(delete, &deletes).await?;
        let sql = "INSERT INTO told_device_lists (user_id, stream_id) VALUES ($1, $2) \
                   ON CONFLICT (user_id) DO UPDATE SET stream_id = excluded.stream_id";
        self.put(sql, params![user_id, stream_id]).await
    }

    /// Keeps events for servers. The same again changes nothing.
    pub async fn outbox_event_insert(&mut self, new: &[NewOutboxEvent<'_>]) -> Result<()> {
        let sql = "INSERT INTO outbox_events (destination, event_nid, room_nid, about_them) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (destination, event_nid) DO NOTHING";
        let rows: Vec<Vec<Value<'_>>> = new
            .iter()
            .map(|new| {
                vec![
                    new.destination.as_str().into(),
                    new.event.into(),
                    new.room.into(),
                    new.about_them.into(),
                ]
            })
            .collect();
        self.execute_each(sql, &rows).await?;
        self.destination_wait(new.iter().map(|new| new.destination)).await
    }

    /// Keeps other news for servers.
    pub async fn outbox_edu_insert(&mut self, new: &[NewOutboxEdu<'_>], now_ts: i64) -> Result<()> {
        let instead = "DELETE FROM outbox_edus WHERE destination = $1 AND subject = $2 AND subject <> ''";
        let rows: Vec<Vec<Value<'_>>> = new
            .iter()
            .filter(|new| !new.subject.is_empty())
            .map(|new| vec![new.destination.as_str().into(), new.subject.into()])
            .collect();
        self.execute_each(instead, &rows).await?;
        let sql = "INSERT INTO outbox_edus (destination, subject, created_ts, edu) VALUES ($1, $2, $3, $4)";
        let rows: Vec<Vec<Value<'_>>> = new
            .iter()
            .map(|new| {
                vec![
                    new.destination.as_str().into(),
                    new.subject.into(),
                    now_ts.into(),
                    new.edu.into(),
                ]
            })
            .collect();
        self.execute_each(sql, &rows).await?;
        self.destination_wait(new.iter().map(|new| new.destination)).await
    }

    /// The first events that wait for a server, up to and including `upto`.
    pub async fn outbox_event_list(
        &mut self,
        destination: &ServerName,
        upto: EventNid,
        limit: u32,
    ) -> Result<Vec<OutboxEvent>> {
        let sql = "SELECT o.event_nid, r.room_id, e.event_id, e.json FROM outbox_events o \
                   LEFT JOIN events e ON e.nid = o.event_nid AND e.room_nid = o.room_nid \
                   LEFT JOIN rooms r ON r.nid = e.room_nid \
                   WHERE o.destination = $1 AND o.event_nid <= $2 ORDER BY o.event_nid LIMIT $3";
        let rows = self
            .query(sql, params![destination.as_str(), upto, limit])
            .await?;
        let event = |row: &Row| {
            let room_id = row.get::<Option<String>>(1)?;
            Ok(OutboxEvent {
                event: row.get(0)?,
                kept: match room_id.is_some() {
                    true => Some((row.get(1)?, row.get(2)?, row.get(3)?)),
                    false => None,
                },
            })
        };
        rows.iter().map(event).collect()
    }

    /// The first other news that wait for a server, up to and including the one with the number `upto`.
    pub async fn outbox_edu_list(
        &mut self,
        destination: &ServerName,
        upto: i64,
        limit: u32,
    ) -> Result<Vec<OutboxEdu>> {
        let sql =
            "SELECT nid, edu FROM outbox_edus WHERE destination = $1 AND nid <= $2 ORDER BY nid LIMIT $3";
        let rows = self
            .query(sql, params![destination.as_str(), upto, limit])
            .await?;
        let edu = |row: &Row| {
            Ok(OutboxEdu {
                nid: row.get(0)?,
                edu: row.get(1)?,
            })
        };
        rows.iter().map(edu).collect()
    }

    /// Whether more than `many` events wait for a server.
    pub async fn outbox_event_more_than(&mut self, destination: &ServerName, many: u32) -> Result<bool> {
        let sql = "SELECT 1 FROM outbox_events WHERE destination = $1 ORDER BY event_nid LIMIT 1 OFFSET $2";
        let row = self.query_opt(sql, params![destination.as_str(), many]).await?;
        Ok(row.is_some())
    }

    /// Leaves of the events that wait for a server the newest of each room where it is, and those that are about its
    /// users. Answers how many went.
    pub async fn outbox_event_thin(&mut self, destination: &ServerName) -> Result<u64> {
        let sql = "DELETE FROM outbox_events WHERE destination = $1 AND about_them = 0 AND (NOT EXISTS \
                   (SELECT 1 FROM room_servers s WHERE s.room_nid = outbox_events.room_nid AND s.server = $1) \
                   OR EXISTS (SELECT 1 FROM outbox_events n WHERE n.destination = $1 \
                   AND n.room_nid = outbox_events.room_nid AND n.event_nid > outbox_events.event_nid))";
        self.execute(sql, params![destination.as_str()]).await
    }

    /// Removes what a server has taken, or will never be told.
    pub async fn outbox_delete(
        &mut self,
        destination: &ServerName,
        events: &[EventNid],
        edus: &[i64],
    ) -> Result<()> {
        let sql = "DELETE FROM outbox_events WHERE destination = $1 AND event_nid = $2";
        let rows: Vec<Vec<Value<'_>>> = events
            .iter()
            .map(|event| vec![destination.as_str().into(), (*event).into()])
            .collect();
        self.execute_each(sql, &rows).await?;
        let sql = "DELETE FROM outbox_edus WHERE nid = $1";
        let rows: Vec<Vec<Value<'_>>> = edus.iter().map(|nid| vec![(*nid).into()]).collect();
        self.execute_each(sql, &rows).await
    }

    /// Removes news of before `before_ts` that nobody took.
    pub async fn outbox_edu_delete_old(&mut self, before_ts: i64) -> Result<u64> {
        let sql = "DELETE FROM outbox_edus WHERE created_ts < $1";
        self.execute(sql, params![before_ts]).await
    }

    /// The servers for which rows wait, for tests and figures.
    pub async fn outbox_destinations(&mut self, limit: u32) -> Result<Vec<OwnedServerName>> {
        let sql = "SELECT server FROM destinations WHERE waiting = 1 ORDER BY server LIMIT $1";
        let rows = self.query(sql, params![limit]).await?;
        rows.iter()
            .map(|row| crate::room_servers::server_name(row, 0))
            .collect()
    }
}
