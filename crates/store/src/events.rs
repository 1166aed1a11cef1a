//! Events, each with its room: there is no way to look one up without naming the room.

use ruma::{DeviceId, EventId, OwnedDeviceId, OwnedEventId, OwnedUserId, RoomId, UserId};

use crate::{
    EventNid, Result, RoomNid, StateNid, StoreError, StreamPos, Tx,
    value::{Row, Value, params},
};

/// What became of an event when it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventStatus {
    /// Part of the room.
    Accepted,
    /// Allowed where it was made, but not now: kept for the graph, shown to nobody.
    SoftFailed,
    /// Not allowed.
    Rejected,
}

impl EventStatus {
    pub(crate) fn to_int(self) -> i64 {
        match self {
            Self::Accepted => 0,
            Self::SoftFailed => 1,
            Self::Rejected => 2,
        }
    }

    pub(crate) fn from_int(int: i64) -> Result<Self> {
        match int {
            0 => Ok(Self::Accepted),
            1 => Ok(Self::SoftFailed),
            2 => Ok(Self::Rejected),
            _ => Err(StoreError::inconsistent("events", "status", "unknown status")),
        }
    }
}

/// The device and transaction id that one of our users sent an event with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnRef {
    /// The device.
    pub device_id: OwnedDeviceId,
    /// Its transaction id.
    pub txn_id: String,
}

/// A stored event.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// The number it is stored under.
    pub nid: EventNid,
    /// Its identifier.
    pub event_id: OwnedEventId,
    /// Its place in the room's timeline.
    pub pos: Option<StreamPos>,
    /// Its type.
    pub kind: String,
    /// Its state key, for state events.
    pub state_key: Option<String>,
    /// Who sent it.
    pub sender: OwnedUserId,
    /// The room's state before it.
    pub state_before: StateNid,
    /// What became of it.
    pub status: EventStatus,
    /// The redaction that was applied to it.
    pub redacted_by: Option<OwnedEventId>,
    /// How one of our users sent it.
    pub txn: Option<TxnRef>,
    /// State events: the state event whose place it took.
    pub replaces: Option<EventNid>,
    /// Canonical JSON with hashes and signatures.
    pub json: String,
}

/// An event to be stored.
#[derive(Clone, Debug)]
pub struct NewEventRow<'a> {
    /// The number it gets: a position of the stream.
    pub nid: EventNid,
    /// Its identifier.
    pub event_id: &'a EventId,
    /// Its place in the timeline; `None`: known, but not part of it.
    pub pos: Option<StreamPos>,
    /// Its type.
    pub kind: &'a str,
    /// Its state key, for state events.
    pub state_key: Option<&'a str>,
    /// Who sent it.
    pub sender: &'a UserId,
    /// As its server says, ms since the epoch.
    pub origin_server_ts: i64,
    /// The room's state before it.
    pub state_before: StateNid,
    /// What became of it.
    pub status: EventStatus,
    /// How one of our users sent it.
    pub txn: Option<(&'a DeviceId, &'a str)>,
    /// State events: the state event whose place it takes.
    pub replaces: Option<EventNid>,
    /// Canonical JSON.
    pub json: &'a str,
}

fn event(row: &Row) -> Result<EventRow> {
    let (txn_device, txn_id): (Option<OwnedDeviceId>, Option<String>) = (row.get(9)?, row.get(10)?);
    Ok(EventRow {
        nid: row.get(0)?,
        event_id: row.get(1)?,
        pos: row.get(2)?,
        kind: row.get(3)?,
        state_key: row.get(4)?,
        sender: row.get(5)?,
        state_before: StateNid(row.get(6)?),
        status: EventStatus::from_int(row.get(7)?)?,
        redacted_by: row.get(8)?,
        txn: txn_device
            .zip(txn_id)
            .map(|(device_id, txn_id)| TxnRef { device_id, txn_id }),
        replaces: row.get(11)?,
        json: row.get(12)?,
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT nid, event_id, pos, kind, state_key, sender, state_before, status, redacted_by, txn_device, txn_id, \
             replaces_nid, json FROM events ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Keeps an event.
    pub async fn event_insert(&mut self, room: RoomNid, new: &NewEventRow<'_>) -> Result<()> {
        let sql = "INSERT INTO events (nid, room_nid, event_id, pos, kind, state_key, sender, origin_server_ts, \
                   state_before, status, redacted_by, txn_device, txn_id, replaces_nid, json) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, $11, $12, $13, $14)";
        let (device, txn_id) = new.txn.unzip();
        let values = params![
            new.nid,
            room,
            new.event_id,
            new.pos,
            new.kind,
            new.state_key,
            new.sender,
            new.origin_server_ts,
            new.state_before.0,
            new.status.to_int(),
            device,
            txn_id,
            new.replaces,
            new.json
        ];
        self.put(sql, values).await
    }

    /// An event of a room.
    pub async fn event_get(&mut self, room: RoomNid, event_id: &EventId) -> Result<Option<EventRow>> {
        let sql = select!("WHERE room_nid = $1 AND event_id = $2");
        self.query_opt(sql, params![room, event_id])
            .await?
            .as_ref()
            .map(event)
            .transpose()
    }

    /// Events of a room by their numbers, in the given order; unknown ones are left out.
    pub async fn event_get_many(&mut self, room: RoomNid, nids: &[EventNid]) -> Result<Vec<EventRow>> {
        let sql = select!("WHERE nid = $2 AND room_nid = $1");
        let keys: Vec<Vec<Value<'_>>> = nids.iter().map(|nid| vec![room.into(), (*nid).into()]).collect();
        self.query_each(sql, &keys)
            .await?
            .iter()
            .flatten()
            .map(event)
            .collect()
    }

    /// Events of a room by their ids, in the given order; unknown ones are left out.
    pub async fn event_get_each<'i>(
        &mut self,
        room: RoomNid,
        event_ids: impl IntoIterator<Item = &'i EventId>,
    ) -> Result<Vec<EventRow>> {
        let sql = select!("WHERE room_nid = $1 AND event_id = $2");
        let keys: Vec<Vec<Value<'_>>> = event_ids
            .into_iter()
            .map(|event_id| vec![room.into(), event_id.into()])
            .collect();
        let found = self.query_each(sql, &keys).await?;
        found.iter().flatten().map(event).collect()
    }

    /// Events of a room by their places in its timeline, in the given order; unknown ones are left out.
    pub async fn event_get_at(&mut self, room: RoomNid, places: &[StreamPos]) -> Result<Vec<EventRow>> {
        let sql = select!("WHERE room_nid = $1 AND pos = $2 AND status = 0");
        let keys: Vec<Vec<Value<'_>>> = places
            .iter()
            .map(|pos| vec![room.into(), (*pos).into()])
            .collect();
        let found = self.query_each(sql, &keys).await?;
        found.iter().flatten().map(event).collect()
    }

    /// Timeline events after `after` up to and including `upto`, newest first. Only accepted ones.
    pub async fn event_list_back(
        &mut self,
        room: RoomNid,
        after: StreamPos,
        upto: StreamPos,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let sql = select!(
            "WHERE room_nid = $1 AND pos > $2 AND pos <= $3 AND status = 0 ORDER BY pos DESC LIMIT $4"
        );
        self.query(sql, params![room, after, upto, limit])
            .await?
            .iter()
            .map(event)
            .collect()
    }

    /// Timeline events after `after` up to and including `upto`, oldest first. Only accepted ones.
    pub async fn event_list_forward(
        &mut self,
        room: RoomNid,
        after: StreamPos,
        upto: StreamPos,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let sql =
            select!("WHERE room_nid = $1 AND pos > $2 AND pos <= $3 AND status = 0 ORDER BY pos LIMIT $4");
        self.query(sql, params![room, after, upto, limit])
            .await?
            .iter()
            .map(event)
            .collect()
    }

    /// Timeline events of a moment or before, newest first; of those of the moment itself, the ones before `pos`.
    /// Only accepted ones.
    pub async fn event_list_before(
        &mut self,
        room: RoomNid,
        origin_server_ts: i64,
        pos: StreamPos,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let sql = select!(
            "WHERE room_nid = $1 AND origin_server_ts <= $2 AND (origin_server_ts < $2 OR pos < $3) \
             AND pos IS NOT NULL AND status = 0 ORDER BY origin_server_ts DESC, pos DESC LIMIT $4"
        );
        self.query(sql, params![room, origin_server_ts, pos, limit])
            .await?
            .iter()
            .map(event)
            .collect()
    }

    /// Timeline events of a moment or after, oldest first; of those of the moment itself, the ones after `pos`.
    /// Only accepted ones.
    pub async fn event_list_since(
        &mut self,
        room: RoomNid,
        origin_server_ts: i64,
        pos: StreamPos,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let sql = select!(
            "WHERE room_nid = $1 AND origin_server_ts >= $2 AND (origin_server_ts > $2 OR pos > $3) \
             AND pos IS NOT NULL AND status = 0 ORDER BY origin_server_ts, pos LIMIT $4"
        );
        self.query(sql, params![room, origin_server_ts, pos, limit])
            .await?
            .iter()
            .map(event)
            .collect()
    }

    /// State events of the timeline after `after` up to and including `upto`, oldest first.
    pub async fn event_list_state(
        &mut self,
        room: RoomNid,
        after: StreamPos,
        upto: StreamPos,
    ) -> Result<Vec<EventRow>> {
        let sql = select!(
            "WHERE room_nid = $1 AND pos > $2 AND pos <= $3 AND state_key IS NOT NULL AND status = 0 ORDER BY pos"
        );
        self.query(sql, params![room, after, upto])
            .await?
            .iter()
            .map(event)
            .collect()
    }

    /// The current state events of a room that have this type, in the order of their state keys.
    pub async fn event_list_current(
        &mut self,
        room: RoomNid,
        kind: &str,
        limit: u32,
    ) -> Result<Vec<EventRow>> {
        let sql = select!(
            "WHERE room_nid = $1 AND nid IN (SELECT event_nid FROM current_state \
             WHERE room_nid = $1 AND kind = $2 ORDER BY state_key LIMIT $3) ORDER BY state_key"
        );
        self.query(sql, params![room, kind, limit])
            .await?
            .iter()
            .map(event)
            .collect()
    }

    /// Replaces an event by its redacted form.
    pub async fn event_redact(
        &mut self,
        room: RoomNid,
        target: EventNid,
        json: &str,
        by: &EventId,
    ) -> Result<()> {
        let sql = "UPDATE events SET json = $3, redacted_by = $4 WHERE nid = $2 AND room_nid = $1";
        self.put(sql, params![room, target, json, by]).await
    }

    /// Accepted events of all rooms that came after `after` up to and including `upto`, in the order of the stream.
    /// For work that follows the stream.
    pub async fn event_list_stream(
        &mut self,
        after: StreamPos,
        upto: StreamPos,
        limit: u32,
    ) -> Result<Vec<(RoomNid, EventRow)>> {
        let sql = "SELECT nid, event_id, pos, kind, state_key, sender, state_before, status, redacted_by, txn_device, \
                   txn_id, replaces_nid, json, room_nid FROM events WHERE nid > $1 AND nid <= $2 AND pos = nid \
                   AND status = 0 ORDER BY nid LIMIT $3";
        // Those that were known before they came: their place isn't their number.
        let late = "SELECT e.nid, e.event_id, e.pos, e.kind, e.state_key, e.sender, e.state_before, e.status, \
                    e.redacted_by, e.txn_device, e.txn_id, e.replaces_nid, e.json, e.room_nid FROM late_events l \
                    CROSS JOIN events e WHERE l.pos > $1 AND l.pos <= $2 AND e.nid = l.event_nid AND e.status = 0 \
                    ORDER BY l.pos LIMIT $3";
        let mut rows = self.query(sql, params![after, upto, limit]).await?;
        rows.extend(self.query(late, params![after, upto, limit]).await?);
        let mut events: Vec<(RoomNid, EventRow)> = rows
            .iter()
            .map(|row| Ok((row.get(13)?, event(row)?)))
            .collect::<Result<_>>()?;
        events.sort_by_key(|(_, row)| row.pos);
        events.truncate(limit as usize);
        Ok(events)
    }

    /// The rooms with timeline events after `after` up to and including `upto`, among those the user is joined
    /// to, one or the other twice. Meant for short stretches of the stream.
    pub async fn event_rooms_between(
        &mut self,
        user_id: &UserId,
        after: StreamPos,
        upto: StreamPos,
    ) -> Result<Vec<RoomNid>> {
        // SQLite keeps the order of a CROSS JOIN: a short stretch of the stream, then whether the user is there.
        let sql = "SELECT DISTINCT e.room_nid FROM events e CROSS JOIN memberships m WHERE m.room_nid = e.room_nid \
                   AND e.nid > $2 AND e.nid <= $3 AND e.pos > $2 AND m.user_id = $1 AND m.membership = 'join'";
        let late = "SELECT DISTINCT l.room_nid FROM late_events l CROSS JOIN memberships m WHERE m.room_nid = l.room_nid \
                    AND l.pos > $2 AND l.pos <= $3 AND m.user_id = $1 AND m.membership = 'join'";
        let mut rows = self.query(sql, params![user_id, after, upto]).await?;
        rows.extend(self.query(late, params![user_id, after, upto]).await?);
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The room an event of this id is in, if the asking code may know of the room; only for finding out whether
    /// an id is free.
    pub async fn event_exists(&mut self, room_id: &RoomId, event_id: &EventId) -> Result<bool> {
        let sql = "SELECT 1 FROM events e JOIN rooms r ON r.nid = e.room_nid WHERE r.room_id = $1 AND e.event_id = $2";
        Ok(self.query_opt(sql, params![room_id, event_id]).await?.is_some())
    }
}
