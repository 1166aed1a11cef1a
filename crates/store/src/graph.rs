//! The graph that the events of a room make, where servers wrote at the same time: its ends, its gaps, and events that are
//! known before they have a place in the timeline.

use ruma::{EventId, OwnedEventId};

use crate::{
    EventNid, EventStatus, NewEventRow, Result, RoomNid, RoomRow, StateNid, StreamPos, Tx,
    value::{Value, params},
};

/// What is found out later about an event that was known.
#[derive(Clone, Copy, Debug)]
pub struct Settled {
    /// Its place in the timeline.
    pub pos: Option<StreamPos>,
    /// The room's state before it.
    pub state_before: StateNid,
    /// What became of it.
    pub status: EventStatus,
    /// State events: the state event whose place it takes.
    pub replaces: Option<EventNid>,
}

impl Tx<'_> {
    /// Takes so many positions; answers the first.
    pub async fn pos_take(&mut self, count: u32) -> Result<StreamPos> {
        if let Some(first) = self.held_pos_next() {
            for _ in 1..count {
                self.held_pos_next();
            }
            return Ok(first);
        }
        let sql = "UPDATE stream SET pos = pos + $1 WHERE id = 1 RETURNING pos";
        let last: StreamPos = self.query_one(sql, params![count]).await?.get(0)?;
        Ok(StreamPos(last.0 - i64::from(count) + 1))
    }

    /// Keeps events that have no place in the timeline.
    pub async fn event_insert_outliers(&mut self, room: RoomNid, new: &[NewEventRow<'_>]) -> Result<()> {
        let sql = "INSERT INTO events (nid, room_nid, event_id, pos, kind, state_key, sender, origin_server_ts, \
                   state_before, status, redacted_by, txn_device, txn_id, replaces_nid, json) \
                   VALUES ($1, $2, $3, NULL, $4, $5, $6, $7, $8, $9, NULL, NULL, NULL, NULL, $10)";
        let rows: Vec<Vec<Value<'_>>> = new
            .iter()
            .map(|new| {
                params![
                    new.nid,
                    room,
                    new.event_id,
                    new.kind,
                    new.state_key,
                    new.sender,
                    new.origin_server_ts,
                    new.state_before.0,
                    new.status.to_int(),
                    new.json
                ]
                .to_vec()
            })
            .collect();
        self.execute_each(sql, &rows).await
    }

    /// Notes what was found out about an event that was known. One that comes into the timeline now is found there by
    /// those who follow the stream.
    pub async fn event_settle(&mut self, room: RoomNid, event: EventNid, settled: &Settled) -> Result<()> {
        self.event_settle_older(room, event, settled).await?;
        match settled.pos.filter(|pos| pos.0 != event.0) {
            Some(pos) => {
                let sql = "INSERT INTO late_events (pos, room_nid, event_nid) VALUES ($1, $2, $3)";
                self.put(sql, params![pos, room, event]).await
            }
            None => Ok(()),
        }
    }

    /// The same for one that comes before what is in the timeline: nobody who follows the stream is told.
    pub async fn event_settle_older(
        &mut self,
        room: RoomNid,
        event: EventNid,
        settled: &Settled,
    ) -> Result<()> {
        let sql = "UPDATE events SET pos = $3, state_before = $4, status = $5, replaces_nid = $6 \
                   WHERE nid = $2 AND room_nid = $1";
        let values = params![
            room,
            event,
            settled.pos,
            settled.state_before.0,
            settled.status.to_int(),
            settled.replaces
        ];
        self.put(sql, values).await
    }

    /// Of these events of a room those that are known, with their numbers, in the given order.
    pub async fn event_numbers<'i>(
        &mut self,
        room: RoomNid,
        event_ids: impl IntoIterator<Item = &'i EventId>,
    ) -> Result<Vec<(OwnedEventId, EventNid)>> {
        let sql = "SELECT event_id, nid FROM events WHERE room_nid = $1 AND event_id = $2";
        let keys: Vec<Vec<Value<'_>>> = event_ids
            .into_iter()
            .map(|event_id| vec![room.into(), event_id.into()])
            .collect();
        let found = self.query_each(sql, &keys).await?;
        let rows = found.iter().flatten();
        rows.map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// Of these events of a room those that are known, with their numbers and what became of them, in the given order.
    pub async fn event_standings<'i>(
        &mut self,
        room: RoomNid,
        event_ids: impl IntoIterator<Item = &'i EventId>,
    ) -> Result<Vec<(OwnedEventId, EventNid, EventStatus)>> {
        let sql = "SELECT event_id, nid, status FROM events WHERE room_nid = $1 AND event_id = $2";
        let keys: Vec<Vec<Value<'_>>> = event_ids
            .into_iter()
            .map(|event_id| vec![room.into(), event_id.into()])
            .collect();
        let found = self.query_each(sql, &keys).await?;
        let rows = found.iter().flatten();
        rows.map(|row| Ok((row.get(0)?, row.get(1)?, EventStatus::from_int(row.get(2)?)?)))
            .collect()
    }

    /// Moves the head of a room: new tag, state, depth and positions, and these forward extremities.
    pub async fn room_advance_to(
        &mut self,
        room: &RoomRow,
        extremities: &[(EventNid, OwnedEventId)],
    ) -> Result<()> {
        let update = "UPDATE rooms SET tag = $2, state_nid = $3, depth = $4, last_pos = $5, bump_pos = $7, \
                      ever_encrypted = CASE WHEN ever_encrypted = 1 THEN 1 ELSE $6 END WHERE nid = $1";
        let values = params![
            room.nid,
            room.tag,
            room.state.0,
            room.depth,
            room.last_pos,
            room.ever_encrypted,
            room.bump_pos
        ];
        self.put(update, values).await?;
        let delete = "DELETE FROM forward_extremities WHERE room_nid = $1";
        self.put(delete, params![room.nid]).await?;
        let insert = "INSERT INTO forward_extremities (room_nid, event_nid, event_id) VALUES ($1, $2, $3)";
        let rows: Vec<Vec<Value<'_>>> = extremities
            .iter()
            .map(|(nid, id)| params![room.nid, *nid, id].to_vec())
            .collect();
        self.execute_each(insert, &rows).await
    }

    /// Notes events that others in the timeline follow and that aren't there themselves.
    pub async fn backward_extremity_put(&mut self, room: RoomNid, event_ids: &[OwnedEventId]) -> Result<()> {
        let sql = "INSERT INTO backward_extremities (room_nid, event_id) VALUES ($1, $2) \
                   ON CONFLICT (room_nid, event_id) DO NOTHING";
        let rows: Vec<Vec<Value<'_>>> = event_ids
            .iter()
            .map(|event_id| params![room, event_id].to_vec())
            .collect();
        self.execute_each(sql, &rows).await
    }

    /// Whether events in the timeline follow this one, which isn't there.
    pub async fn backward_extremity_has(&mut self, room: RoomNid, event_id: &EventId) -> Result<bool> {
        let sql = "SELECT 1 FROM backward_extremities WHERE room_nid = $1 AND event_id = $2";
        Ok(self.query_opt(sql, params![room, event_id]).await?.is_some())
    }

    /// An event came into the timeline.
    pub async fn backward_extremity_delete(&mut self, room: RoomNid, event_id: &EventId) -> Result<()> {
        let sql = "DELETE FROM backward_extremities WHERE room_nid = $1 AND event_id = $2";
        self.put(sql, params![room, event_id]).await
    }

    /// Where older history of a room would begin.
    pub async fn backward_extremity_list(&mut self, room: RoomNid, limit: u32) -> Result<Vec<OwnedEventId>> {
        let sql = "SELECT event_id FROM backward_extremities WHERE room_nid = $1 ORDER BY event_id LIMIT $2";
        let rows = self.query(sql, params![room, limit]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Notes a redaction of an event that hasn't come yet.
    pub async fn early_redaction_put(
        &mut self,
        room: RoomNid,
        target: &EventId,
        redaction: EventNid,
    ) -> Result<()> {
        let sql = "INSERT INTO early_redactions (room_nid, event_id, redaction_nid) VALUES ($1, $2, $3) \
                   ON CONFLICT (room_nid, event_id, redaction_nid) DO NOTHING";
        self.put(sql, params![room, target, redaction]).await
    }

    /// Those of these events whose redactions came before them.
    pub async fn early_redaction_targets(
        &mut self,
        room: RoomNid,
        event_ids: &[&EventId],
    ) -> Result<Vec<OwnedEventId>> {
        let sql = "SELECT event_id FROM early_redactions WHERE room_nid = $1 AND event_id = $2 LIMIT 1";
        let keys: Vec<Vec<Value<'_>>> = event_ids.iter().map(|id| params![room, *id].to_vec()).collect();
        let found = self.query_each(sql, &keys).await?;
        found.iter().flatten().map(|row| row.get(0)).collect()
    }

    /// Redactions that came before this event.
    pub async fn early_redaction_list(&mut self, room: RoomNid, target: &EventId) -> Result<Vec<EventNid>> {
        let sql = "SELECT redaction_nid FROM early_redactions WHERE room_nid = $1 AND event_id = $2 \
                   ORDER BY redaction_nid LIMIT 20";
        let rows = self.query(sql, params![room, target]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }
}
