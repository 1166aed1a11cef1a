//! What events relate to, found by the event that is related to.

use ruma::{EventId, OwnedEventId, OwnedUserId, UserId};

use crate::{
    EventNid, Result, RoomNid, StateNid, StreamPos, Tx,
    value::{Row, Value, params},
};

/// Parents that one statement asks for. Its text names them all.
const PARENTS: usize = 16;

macro_rules! parents {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ",
            $after
        )
    };
}

/// An event that relates to another, to be noted.
#[derive(Clone, Debug)]
pub struct NewRelation<'a> {
    /// The event that it relates to.
    pub parent_id: &'a EventId,
    /// Its place in the timeline.
    pub pos: StreamPos,
    /// Its number.
    pub event: EventNid,
    /// Its identifier.
    pub event_id: &'a EventId,
    /// How it relates.
    pub rel_type: &'a str,
    /// Its type.
    pub kind: &'a str,
    /// Who sent it.
    pub sender: &'a UserId,
    /// As its server says, ms since the epoch.
    pub origin_server_ts: i64,
    /// The key of an annotation.
    pub annotation: Option<&'a str>,
}

/// Which of the events that relate to another are wanted.
#[derive(Clone, Debug)]
pub struct RelationQuery<'a> {
    /// The event that they relate to.
    pub parent_id: &'a EventId,
    /// How they relate; empty: in any way.
    pub rel_type: &'a str,
    /// Of which type; empty: of any.
    pub kind: &'a str,
    /// Over how many relations, each of which passes `rel_type` and `kind`; 1: directly.
    pub depth: u32,
    /// After this place.
    pub after: StreamPos,
    /// Up to and including this place.
    pub upto: StreamPos,
    /// Newest first.
    pub is_backward: bool,
    /// How many at most.
    pub limit: u32,
}

/// What one sender wrote in one thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadPart {
    /// The thread's root.
    pub root_id: OwnedEventId,
    /// Who wrote.
    pub sender: OwnedUserId,
    /// How many events.
    pub count: i64,
    /// Where the newest of them is.
    pub last: StreamPos,
}

/// An event that relates to another.
#[derive(Clone, Debug)]
pub struct Related {
    /// The event that it relates to.
    pub parent_id: OwnedEventId,
    /// Its number.
    pub event: EventNid,
    /// Its identifier.
    pub event_id: OwnedEventId,
    /// Its place in the timeline.
    pub pos: StreamPos,
    /// Who sent it.
    pub sender: OwnedUserId,
    /// The room's state before it.
    pub state_before: StateNid,
}

fn related(row: &Row) -> Result<Related> {
    Ok(Related {
        parent_id: row.get(0)?,
        event: row.get(1)?,
        event_id: row.get(2)?,
        pos: row.get(3)?,
        sender: row.get(4)?,
        state_before: StateNid(row.get(5)?),
    })
}

/// Parameter lists for statements that name [`PARENTS`] parents: the room, then the parents, the last of them
/// repeated until the list is full.
fn lists<'v>(room: RoomNid, parents: &[&'v EventId]) -> Vec<Vec<Value<'v>>> {
    let list = |chunk: &[&'v EventId]| {
        let mut values = vec![room.into()];
        let padding = chunk.iter().cycle().take(PARENTS - chunk.len());
        values.extend(chunk.iter().chain(padding).map(|parent| Value::from(*parent)));
        values
    };
    parents.chunks(PARENTS).map(list).collect()
}

impl Tx<'_> {
    /// Notes that an event relates to another. Nothing changes when it is noted already.
    pub async fn relation_put(&mut self, room: RoomNid, new: &NewRelation<'_>) -> Result<()> {
        let sql = "INSERT INTO relations (room_nid, parent_id, pos, event_nid, event_id, rel_type, kind, sender, \
                   origin_server_ts, annotation) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                   ON CONFLICT (room_nid, parent_id, pos) DO NOTHING";
        let values = params![
            room,
            new.parent_id,
            new.pos,
            new.event,
            new.event_id,
            new.rel_type,
            new.kind,
            new.sender,
            new.origin_server_ts,
            new.annotation
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Forgets that the event at this place relates to another.
    pub async fn relation_delete(
        &mut self,
        room: RoomNid,
        parent_id: &EventId,
        pos: StreamPos,
    ) -> Result<()> {
        let sql = "DELETE FROM relations WHERE room_nid = $1 AND parent_id = $2 AND pos = $3";
        self.execute(sql, params![room, parent_id, pos]).await?;
        Ok(())
    }

    /// Whether a user annotated an event with this key by an event of this type.
    pub async fn relation_is_annotated(
        &mut self,
        room: RoomNid,
        parent_id: &EventId,
        sender: &UserId,
        kind: &str,
        key: &str,
    ) -> Result<bool> {
        let sql = "SELECT 1 FROM relations WHERE room_nid = $1 AND parent_id = $2 AND rel_type = 'm.annotation' \
                   AND sender = $3 AND kind = $4 AND annotation = $5 LIMIT 1";
        let values = params![room, parent_id, sender, kind, key];
        Ok(self.query_opt(sql, values).await?.is_some())
    }

    /// Events that relate to another, in the order of the timeline.
    pub async fn relation_list(
        &mut self,
        room: RoomNid,
        wanted: &RelationQuery<'_>,
    ) -> Result<Vec<EventNid>> {
        macro_rules! list {
            ($order:literal) => {
                concat!(
                    "WITH RECURSIVE related (event_id, event_nid, pos, depth) AS ( \
                     SELECT event_id, event_nid, pos, 1 FROM relations WHERE room_nid = $1 AND parent_id = $2 \
                     AND ($3 = '' OR rel_type = $3) AND ($4 = '' OR kind = $4) \
                     UNION ALL \
                     SELECT c.event_id, c.event_nid, c.pos, p.depth + 1 FROM related p \
                     JOIN relations c ON c.room_nid = $1 AND c.parent_id = p.event_id \
                     WHERE p.depth < $5 AND ($3 = '' OR c.rel_type = $3) AND ($4 = '' OR c.kind = $4)) \
                     SELECT event_nid FROM related WHERE pos > $6 AND pos <= $7 ORDER BY pos ",
                    $order,
                    " LIMIT $8"
                )
            };
        }
        let sql = match wanted.is_backward {
            true => list!("DESC"),
            false => list!("ASC"),
        };
        let values = params![
            room,
            wanted.parent_id,
            wanted.rel_type,
            wanted.kind,
            wanted.depth,
            wanted.after,
            wanted.upto,
            wanted.limit
        ];
        let rows = self.query(sql, values).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Who wrote how much in the threads of these roots.
    pub async fn relation_thread_parts(
        &mut self,
        room: RoomNid,
        roots: &[&EventId],
    ) -> Result<Vec<ThreadPart>> {
        let sql = parents!(
            "SELECT parent_id, sender, COUNT(*), MAX(pos) FROM relations WHERE room_nid = $1 AND parent_id IN",
            "AND rel_type = 'm.thread' GROUP BY parent_id, sender"
        );
        let part = |row: &Row| {
            Ok(ThreadPart {
                root_id: row.get(0)?,
                sender: row.get(1)?,
                count: row.get(2)?,
                last: row.get(3)?,
            })
        };
        let found = self.query_each(sql, &lists(room, roots)).await?;
        found.iter().flatten().map(part).collect()
    }

    /// The newest replacement of each of these events by its own sender and of its own type, by time and then by
    /// id. None for redacted events and state.
    pub async fn relation_replacements(
        &mut self,
        room: RoomNid,
        parents: &[&EventId],
    ) -> Result<Vec<(OwnedEventId, EventNid)>> {
        let sql = parents!(
            "SELECT parent_id, event_nid FROM (SELECT r.parent_id, r.event_nid, ROW_NUMBER() OVER \
             (PARTITION BY r.parent_id ORDER BY r.origin_server_ts DESC, r.event_id DESC) AS place \
             FROM relations r JOIN events p ON p.room_nid = r.room_nid AND p.event_id = r.parent_id \
             WHERE r.room_nid = $1 AND r.parent_id IN",
            "AND r.rel_type = 'm.replace' AND p.sender = r.sender AND p.kind = r.kind AND p.state_key IS NULL \
             AND p.redacted_by IS NULL) AS replacement WHERE place = 1"
        );
        let found = self.query_each(sql, &lists(room, parents)).await?;
        let rows = found.iter().flatten();
        rows.map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// Events that reference these, in the order of the timeline; at most 1,000 for each 16 of them.
    pub async fn relation_references(&mut self, room: RoomNid, parents: &[&EventId]) -> Result<Vec<Related>> {
        let sql = parents!(
            "SELECT r.parent_id, r.event_nid, r.event_id, r.pos, r.sender, e.state_before FROM relations r \
             JOIN events e ON e.nid = r.event_nid WHERE r.room_nid = $1 AND r.parent_id IN",
            "AND r.rel_type = 'm.reference' AND e.status = 0 ORDER BY r.pos LIMIT 1000"
        );
        let found = self.query_each(sql, &lists(room, parents)).await?;
        found.iter().flatten().map(related).collect()
    }

    /// The newest events of a thread, newest first.
    pub async fn relation_thread_newest(
        &mut self,
        room: RoomNid,
        root_id: &EventId,
        limit: u32,
    ) -> Result<Vec<Related>> {
        let sql = "SELECT r.parent_id, r.event_nid, r.event_id, r.pos, r.sender, e.state_before FROM relations r \
                   JOIN events e ON e.nid = r.event_nid WHERE r.room_nid = $1 AND r.parent_id = $2 \
                   AND r.rel_type = 'm.thread' AND e.status = 0 ORDER BY r.pos DESC LIMIT $3";
        let rows = self.query(sql, params![room, root_id, limit]).await?;
        rows.iter().map(related).collect()
    }
}
