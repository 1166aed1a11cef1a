//! Users, rooms and events in few words.

use rohrpost_store::{EventNid, EventStatus, NewEventRow, NewRoom, Result, RoomNid, StateNid, StreamPos, Tx};
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomVersionId};

pub(crate) fn user(name: &str) -> OwnedUserId {
    format!("@{name}:example.org").try_into().unwrap()
}

pub(crate) fn alice() -> OwnedUserId {
    user("alice")
}

pub(crate) fn bob() -> OwnedUserId {
    user("bob")
}

pub(crate) fn room_id(name: &str) -> OwnedRoomId {
    format!("!{name}:example.org").try_into().unwrap()
}

pub(crate) fn event_id(number: i64) -> OwnedEventId {
    format!("$event{number}").try_into().unwrap()
}

pub(crate) fn pos(number: i64) -> StreamPos {
    StreamPos(number)
}

/// Makes a room.
pub(crate) async fn room(tx: &mut Tx<'_>, name: &str) -> Result<RoomNid> {
    let version = RoomVersionId::V12;
    tx.room_insert(&NewRoom {
        room_id: room_id(name),
        version,
        kind: None,
        is_public: false,
    })
    .await
}

/// Keeps a message by Alice as event `nid`, changed by `change` before.
pub(crate) async fn put_event(
    tx: &mut Tx<'_>,
    room: RoomNid,
    nid: i64,
    change: impl FnOnce(&mut NewEventRow<'_>),
) -> Result<()> {
    let (event_id, sender) = (event_id(nid), alice());
    let mut new = NewEventRow {
        nid: EventNid(nid),
        event_id: &event_id,
        pos: Some(StreamPos(nid)),
        kind: "m.room.message",
        state_key: None,
        sender: &sender,
        origin_server_ts: 1_700_000_000_000 + nid,
        state_before: StateNid(0),
        status: EventStatus::Accepted,
        txn: None,
        replaces: None,
        json: "{}",
    };
    change(&mut new);
    tx.event_insert(room, &new).await
}

/// Takes a position and keeps a message there.
pub(crate) async fn append(tx: &mut Tx<'_>, room: RoomNid) -> Result<StreamPos> {
    let pos = tx.pos_next().await?;
    put_event(tx, room, pos.0, |_| {}).await?;
    Ok(pos)
}
