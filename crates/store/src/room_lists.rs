//! The rooms of a user as a list: what they are sorted and chosen by.

use ruma::{OwnedRoomId, RoomId, UserId, events::room::member::MembershipState};

use crate::{
    MemberRow, Result, RoomNid, StreamPos, Tx,
    value::{Row, Value, params},
};

/// A room in somebody's list.
#[derive(Clone, Debug)]
pub struct ListedRoom {
    /// How the user stands to it.
    pub member: MemberRow,
    /// Position of its newest event.
    pub last_pos: StreamPos,
    /// The create event's `type`, such as `m.space`.
    pub kind: Option<String>,
    /// Is or was encrypted.
    pub ever_encrypted: bool,
}

fn listed(row: &Row) -> Result<ListedRoom> {
    Ok(ListedRoom {
        member: MemberRow {
            user_id: row.get(0)?,
            room: row.get(1)?,
            membership: MembershipState::from(row.get::<String>(2)?),
            event: row.get(3)?,
            sender: row.get(4)?,
            pos: row.get(5)?,
            since: row.get(6)?,
            forgotten: row.get(7)?,
        },
        last_pos: row.get(8)?,
        kind: row.get(9)?,
        ever_encrypted: row.get(10)?,
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT m.user_id, m.room_nid, m.membership, m.event_nid, m.sender, m.pos, m.since_pos, m.forgotten, \
             r.last_pos, r.kind, r.ever_encrypted FROM memberships m JOIN rooms r ON r.nid = m.room_nid ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// All rooms that belong into a user's list: joined, invited to, knocked on, and those that somebody else sent
    /// them out of. Without forgotten ones.
    pub async fn room_list_of(&mut self, user_id: &UserId) -> Result<Vec<ListedRoom>> {
        let sql = select!(
            "WHERE m.user_id = $1 AND m.forgotten = 0 \
             AND (m.membership IN ('join', 'invite', 'knock') OR m.sender <> m.user_id)"
        );
        self.query(sql, params![user_id])
            .await?
            .iter()
            .map(listed)
            .collect()
    }

    /// Some rooms of a user, whatever the membership; rooms without one are left out.
    pub async fn room_list_some(&mut self, user_id: &UserId, rooms: &[RoomNid]) -> Result<Vec<ListedRoom>> {
        let sql = select!("WHERE m.user_id = $1 AND m.room_nid = $2");
        let keys: Vec<Vec<Value<'_>>> = rooms
            .iter()
            .map(|room| vec![user_id.into(), (*room).into()])
            .collect();
        self.query_each(sql, &keys)
            .await?
            .iter()
            .flatten()
            .map(listed)
            .collect()
    }

    /// The numbers of rooms by their ids; unknown ones are left out. Says nothing about who may know of them.
    pub async fn room_numbers(&mut self, room_ids: &[&RoomId]) -> Result<Vec<(OwnedRoomId, RoomNid)>> {
        let sql = "SELECT room_id, nid FROM rooms WHERE room_id = $1";
        let keys: Vec<Vec<Value<'_>>> = room_ids.iter().map(|room_id| vec![(*room_id).into()]).collect();
        self.query_each(sql, &keys)
            .await?
            .iter()
            .flatten()
            .map(|row| Ok((row.get(0)?, row.get(1)?)))
            .collect()
    }
}
