//! Rooms and their heads: where the next event goes.

use ruma::{OwnedEventId, OwnedRoomId, RoomId, RoomVersionId};

use crate::{
    EventNid, Listing, Result, RoomNid, StateNid, StoreError, StreamPos, Tx,
    value::{Row, params},
};

/// A room, with what changes at each event.
#[derive(Clone, Debug)]
pub struct RoomRow {
    /// The number it is stored under.
    pub nid: RoomNid,
    /// Its identifier.
    pub room_id: OwnedRoomId,
    /// Its version.
    pub version: RoomVersionId,
    /// The create event's `type`, such as `m.space`.
    pub kind: Option<String>,
    /// Random; changes with every event.
    pub tag: i64,
    /// The current state.
    pub state: StateNid,
    /// Depth of the deepest event.
    pub depth: i64,
    /// Position of the newest event.
    pub last_pos: StreamPos,
    /// Was encrypted at some time. Never goes back.
    pub ever_encrypted: bool,
    /// Listed in the directory.
    pub is_public: bool,
    /// Position of the newest event that people wrote, for sorting rooms.
    pub bump_pos: StreamPos,
}

/// What a new room starts with.
#[derive(Clone, Debug)]
pub struct NewRoom {
    /// Its identifier.
    pub room_id: OwnedRoomId,
    /// Its version.
    pub version: RoomVersionId,
    /// The create event's `type`.
    pub kind: Option<String>,
    /// Listed in the directory.
    pub is_public: bool,
}

fn room(row: &Row) -> Result<RoomRow> {
    let version: String = row.get(2)?;
    Ok(RoomRow {
        nid: row.get(0)?,
        room_id: row.get(1)?,
        version: version
            .as_str()
            .try_into()
            .map_err(|_| StoreError::inconsistent("rooms", "version", "empty"))?,
        kind: row.get(3)?,
        tag: row.get(4)?,
        state: StateNid(row.get(5)?),
        depth: row.get(6)?,
        last_pos: row.get(7)?,
        ever_encrypted: row.get(8)?,
        is_public: row.get(9)?,
        bump_pos: row.get(10)?,
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT nid, room_id, version, kind, tag, state_nid, depth, last_pos, ever_encrypted, is_public, \
             bump_pos FROM rooms ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// A room.
    pub async fn room_get(&mut self, room_id: &RoomId) -> Result<Option<RoomRow>> {
        self.query_opt(select!("WHERE room_id = $1"), params![room_id])
            .await?
            .as_ref()
            .map(room)
            .transpose()
    }

    /// A room, by its number.
    pub async fn room_get_by_nid(&mut self, nid: RoomNid) -> Result<Option<RoomRow>> {
        self.query_opt(select!("WHERE nid = $1"), params![nid])
            .await?
            .as_ref()
            .map(room)
            .transpose()
    }

    /// A room, kept from changing by others until the commit.
    pub async fn room_lock(&mut self, room_id: &RoomId) -> Result<Option<RoomRow>> {
        let sql = self.choose(
            select!("WHERE room_id = $1"),
            select!("WHERE room_id = $1 FOR UPDATE"),
        );
        self.query_opt(sql, params![room_id])
            .await?
            .as_ref()
            .map(room)
            .transpose()
    }

    /// Makes a room without events.
    ///
    /// # Errors
    /// When there is a room of this id already.
    pub async fn room_insert(&mut self, new: &NewRoom) -> Result<RoomNid> {
        let sql = "INSERT INTO rooms (room_id, version, kind, tag, state_nid, depth, last_pos, ever_encrypted, is_public) \
                   VALUES ($1, $2, $3, 0, 0, 0, 0, 0, $4) RETURNING nid";
        let version = new.version.as_str();
        self.query_one(
            sql,
            params![&new.room_id, version, new.kind.as_ref(), new.is_public],
        )
        .await?
        .get(0)
    }

    /// Moves the head of a room behind an event: new tag, state, depth, position, and this event as its only
    /// forward extremity.
    pub async fn room_advance(
        &mut self,
        room: &RoomRow,
        event: EventNid,
        event_id: &ruma::EventId,
    ) -> Result<()> {
        let update = "UPDATE rooms SET tag = $2, state_nid = $3, depth = $4, last_pos = $5, bump_pos = $7, \
                      ever_encrypted = CASE WHEN ever_encrypted = 1 THEN 1 ELSE $6 END WHERE nid = $1";
        self.execute_all(&[
            (
                update,
                params![
                    room.nid,
                    room.tag,
                    room.state.0,
                    room.depth,
                    room.last_pos,
                    room.ever_encrypted,
                    room.bump_pos
                ],
            ),
            (
                "DELETE FROM forward_extremities WHERE room_nid = $1",
                params![room.nid],
            ),
            (
                "INSERT INTO forward_extremities (room_nid, event_nid, event_id) VALUES ($1, $2, $3)",
                params![room.nid, event, event_id],
            ),
        ])
        .await
    }

    /// Notes another version and type of a room of which nothing but an invitation is known.
    pub async fn room_set_version(
        &mut self,
        room: RoomNid,
        version: &RoomVersionId,
        kind: Option<&str>,
    ) -> Result<()> {
        let sql = "UPDATE rooms SET version = $2, kind = $3 WHERE nid = $1 AND state_nid = 0";
        self.put(sql, params![room, version.as_str(), kind]).await
    }

    /// The events that nothing follows yet, in the order of their numbers.
    pub async fn room_extremities(&mut self, room: RoomNid) -> Result<Vec<(EventNid, OwnedEventId)>> {
        let sql =
            "SELECT event_nid, event_id FROM forward_extremities WHERE room_nid = $1 ORDER BY event_nid";
        let rows = self.query(sql, params![room]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// Lists or unlists a room.
    pub async fn room_set_public(&mut self, room: RoomNid, is_public: bool) -> Result<()> {
        self.put(
            "UPDATE rooms SET is_public = $2 WHERE nid = $1",
            params![room, is_public],
        )
        .await
    }

    /// Rooms of a list with the number of their joined members, largest first.
    pub async fn room_list_public(
        &mut self,
        list: Listing<'_>,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<(RoomRow, i64)>> {
        macro_rules! select {
            ($which:literal) => {
                concat!(
                    "SELECT r.nid, r.room_id, r.version, r.kind, r.tag, r.state_nid, r.depth, r.last_pos, \
                     r.ever_encrypted, r.is_public, r.bump_pos, (SELECT COUNT(*) FROM memberships m \
                     WHERE m.room_nid = r.nid AND m.membership = 'join') AS joined FROM rooms r WHERE ",
                    $which,
                    " ORDER BY joined DESC, r.nid LIMIT $2 OFFSET $1"
                )
            };
        }
        let rows = match list {
            Listing::Own => {
                self.query(select!("r.is_public = 1"), params![offset, limit])
                    .await?
            }
            Listing::All => {
                let sql = select!(
                    "(r.is_public = 1 OR EXISTS (SELECT 1 FROM appservice_listings l WHERE l.room_nid = r.nid))"
                );
                self.query(sql, params![offset, limit]).await?
            }
            Listing::Network { service, network } => {
                let sql = select!(
                    "EXISTS (SELECT 1 FROM appservice_listings l WHERE l.room_nid = r.nid AND l.appservice_id = $3 \
                     AND l.network_id = $4)"
                );
                self.query(sql, params![offset, limit, service, network]).await?
            }
        };
        rows.iter().map(|row| Ok((room(row)?, row.get(11)?))).collect()
    }
}
