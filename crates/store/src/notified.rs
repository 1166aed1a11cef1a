//! Events that notified people with pushers, until they are read.

use ruma::{OwnedUserId, UserId, events::room::member::MembershipState};

use crate::{
    EventNid, Result, RoomNid, StreamPos, Tx,
    value::{Row, Value, params},
};

/// An event that notified somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifiedRow {
    /// Whom.
    pub user_id: OwnedUserId,
    /// The event's room.
    pub room: RoomNid,
    /// The event.
    pub event: EventNid,
    /// The root of its thread; empty: the main timeline.
    pub thread: String,
    /// With emphasis.
    pub highlight: bool,
    /// With this sound; `None`: silently.
    pub sound: Option<String>,
    /// When it was found to notify, ms since the epoch.
    pub ts: i64,
}

/// Somebody who may have to be told of what happens in a room.
#[derive(Clone, Debug)]
pub struct PushRecipient {
    /// Who.
    pub user_id: OwnedUserId,
    /// `join` or `invite`.
    pub membership: MembershipState,
    /// Since when.
    pub since: StreamPos,
    /// When their push rules last changed; zero: never.
    pub rules: StreamPos,
    /// When their list of ignored users last changed; zero: never.
    pub ignored: StreamPos,
}

/// A receipt as work that follows the stream sees it.
#[derive(Clone, Debug)]
pub struct ReadUpto {
    /// Who read.
    pub user_id: OwnedUserId,
    /// Where.
    pub room: RoomNid,
    /// `None`: all threads; empty: the main timeline; else the root of a thread.
    pub thread: Option<String>,
    /// Up to where.
    pub upto: StreamPos,
}

fn notified(row: &Row) -> Result<NotifiedRow> {
    Ok(NotifiedRow {
        user_id: row.get(0)?,
        room: row.get(1)?,
        event: EventNid(row.get(2)?),
        thread: row.get(3)?,
        highlight: row.get(4)?,
        sound: row.get(5)?,
        ts: row.get(6)?,
    })
}

impl Tx<'_> {
    /// The local users with pushers who are joined or invited to a room.
    pub async fn push_recipients(&mut self, room: RoomNid) -> Result<Vec<PushRecipient>> {
        let sql = "SELECT m.user_id, m.membership, m.since_pos, COALESCE(r.pos, 0), COALESCE(i.pos, 0) \
                   FROM memberships m \
                   LEFT JOIN account_data r ON r.user_id = m.user_id AND r.room_nid = 0 AND r.kind = 'm.push_rules' \
                   LEFT JOIN account_data i ON i.user_id = m.user_id AND i.room_nid = 0 AND i.kind = 'm.ignored_user_list' \
                   WHERE m.room_nid = $1 AND m.membership IN ('join', 'invite') AND m.is_local = 1 \
                   AND EXISTS (SELECT 1 FROM pushers p WHERE p.user_id = m.user_id) ORDER BY m.user_id";
        let rows = self.query(sql, params![room]).await?;
        rows.iter()
            .map(|row| {
                Ok(PushRecipient {
                    user_id: row.get(0)?,
                    membership: row.get::<String>(1)?.into(),
                    since: row.get(2)?,
                    rules: row.get(3)?,
                    ignored: row.get(4)?,
                })
            })
            .collect()
    }

    /// Receipts of users with pushers that came after `after` up to and including `upto`.
    pub async fn push_receipts(&mut self, after: StreamPos, upto: StreamPos) -> Result<Vec<ReadUpto>> {
        let sql = "SELECT r.user_id, r.room_nid, r.thread, r.event_pos FROM receipts r WHERE r.pos > $1 AND r.pos <= $2 \
                   AND EXISTS (SELECT 1 FROM pushers p WHERE p.user_id = r.user_id) ORDER BY r.pos LIMIT 100000";
        let rows = self.query(sql, params![after, upto]).await?;
        rows.iter()
            .map(|row| {
                let thread = match row.get::<String>(2)?.as_str() {
                    "" => None,
                    "main" => Some(String::new()),
                    root => Some(root.to_owned()),
                };
                Ok(ReadUpto {
                    user_id: row.get(0)?,
                    room: row.get(1)?,
                    thread,
                    upto: row.get(3)?,
                })
            })
            .collect()
    }

    /// Keeps that events notified people; those that are there stay as they are.
    pub async fn notified_insert(&mut self, new: &[NotifiedRow]) -> Result<()> {
        let sql = "INSERT INTO notified (user_id, room_nid, pos, thread, highlight, sound, ts) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (user_id, room_nid, pos) DO NOTHING";
        let rows: Vec<Vec<Value<'_>>> = new
            .iter()
            .map(|new| {
                params![
                    &new.user_id,
                    new.room,
                    new.event,
                    &new.thread,
                    new.highlight,
                    new.sound.as_ref(),
                    new.ts
                ]
                .to_vec()
            })
            .collect();
        self.execute_each(sql, &rows).await
    }

    /// Removes what was read.
    pub async fn notified_read(&mut self, read: &[ReadUpto]) -> Result<()> {
        let all = "DELETE FROM notified WHERE user_id = $1 AND room_nid = $2 AND pos <= $3";
        let one = "DELETE FROM notified WHERE user_id = $1 AND room_nid = $2 AND pos <= $3 AND thread = $4";
        let of = |threaded: bool| read.iter().filter(move |read| read.thread.is_some() == threaded);
        let everywhere: Vec<Vec<Value<'_>>> = of(false)
            .map(|read| params![&read.user_id, read.room, read.upto].to_vec())
            .collect();
        let in_threads: Vec<Vec<Value<'_>>> = of(true)
            .map(|read| params![&read.user_id, read.room, read.upto, read.thread.as_ref()].to_vec())
            .collect();
        self.execute_each(all, &everywhere).await?;
        self.execute_each(one, &in_threads).await
    }

    /// Removes an event that was taken back, for everybody in its room.
    pub async fn notified_delete_event(&mut self, room: RoomNid, event: EventNid) -> Result<()> {
        let sql = "DELETE FROM notified WHERE room_nid = $1 AND pos = $2 AND user_id IN \
                   (SELECT user_id FROM memberships WHERE room_nid = $1)";
        self.execute(sql, params![room, event]).await?;
        Ok(())
    }

    /// What notified a user after `after` up to and including `upto`, and not before `since_ts`: the newest, oldest
    /// first.
    pub async fn notified_list(
        &mut self,
        user_id: &UserId,
        after: StreamPos,
        upto: StreamPos,
        since_ts: i64,
        limit: u32,
    ) -> Result<Vec<NotifiedRow>> {
        let sql = "SELECT user_id, room_nid, pos, thread, highlight, sound, ts FROM notified \
                   WHERE user_id = $1 AND pos > $2 AND pos <= $3 AND ts >= $4 ORDER BY pos DESC LIMIT $5";
        let rows = self
            .query(sql, params![user_id, after, upto, since_ts, limit])
            .await?;
        rows.iter().rev().map(notified).collect()
    }

    /// The rooms in which something that notified a user is unread.
    pub async fn notified_rooms(&mut self, user_id: &UserId, limit: u32) -> Result<Vec<RoomNid>> {
        let sql = "SELECT DISTINCT room_nid FROM notified WHERE user_id = $1 LIMIT $2";
        let rows = self.query(sql, params![user_id, limit]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Removes what is older than `before_ts`, or belongs to people who have no pusher any more.
    pub async fn notified_delete_old(&mut self, before_ts: i64) -> Result<()> {
        let sql = "DELETE FROM notified WHERE ts < $1 OR NOT EXISTS \
                   (SELECT 1 FROM pushers p WHERE p.user_id = notified.user_id)";
        self.execute(sql, params![before_ts]).await?;
        Ok(())
    }
}
