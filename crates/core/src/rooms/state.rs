//! Reads the state of a room.

use std::sync::Arc;

use rohrpost_room::Shape;
use rohrpost_store::{EventNid, EventRow, Tx};
use ruma::{OwnedRoomId, events::StateEventType};
use serde_json::value::RawValue;

use crate::{
    Caller, Refusal, Result, Server,
    rooms::{
        access::{Access, ReadableState},
        head::{Head, pdu},
        present::Viewer,
    },
};

/// All state events that the caller may read, in the client format.
///
/// # Errors
/// `Forbidden` for rooms that the caller may not read, in the same words as for rooms that don't exist.
pub async fn list(server: &Arc<Server>, caller: Caller, room_id: OwnedRoomId) -> Result<Vec<Box<RawValue>>> {
    let (server_, now_ts) = (Arc::clone(server), server.now_ts());
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let mut head = server_.heads.read(tx, &room_id).await?;
                let access = Access::of(tx, &head, &caller.user_id).await?;
                let readable = access.state(tx, &mut head).await?;
                let rows = rows(tx, &head, &readable, |_| true).await?;
                let viewer = Viewer {
                    caller: &caller,
                    now_ts,
                    shape: Shape::WithRoomId,
                };
                viewer.state(tx, &head, &rows).await
            })
        })
        .await
}

/// A single state event.
pub struct StateEvent {
    /// Its content.
    pub content: Box<RawValue>,
    /// The whole event in the client format.
    pub event: Box<RawValue>,
}

/// One state event that the caller may read.
///
/// # Errors
/// `Forbidden` as for [`list`]; `NotFound` when nothing was set there.
pub async fn get(
    server: &Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
    kind: StateEventType,
    state_key: String,
) -> Result<StateEvent> {
    let (server_, now_ts) = (Arc::clone(server), server.now_ts());
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let mut head = server_.heads.read(tx, &room_id).await?;
                let access = Access::of(tx, &head, &caller.user_id).await?;
                let nid = match access.state(tx, &mut head).await? {
                    ReadableState::Current => tx.state_current(head.room.nid, &kind, &state_key).await?,
                    ReadableState::AtLeave(left) => {
                        let is_own = kind == StateEventType::RoomMember && state_key == left.user_id.as_str();
                        let before = tx.event_get_many(head.room.nid, &[left.event]).await?;
                        match before.first() {
                            _ if is_own => Some(left.event),
                            Some(row) => tx.state_find(row.state_before, &kind, &state_key).await?,
                            None => None,
                        }
                    }
                };
                let rows = match nid {
                    Some(nid) => tx.event_get_many(head.room.nid, &[nid]).await?,
                    None => Vec::new(),
                };
                let row = rows.first().ok_or_else(|| Refusal::not_found("this state was"))?;
                let content = pdu(&head.room.room_id, row)?.content().to_owned();
                let viewer = Viewer {
                    caller: &caller,
                    now_ts,
                    shape: Shape::WithRoomId,
                };
                Ok(StateEvent {
                    content,
                    event: viewer.event(tx, &head, row, None).await?,
                })
            })
        })
        .await
}

/// The rows of the readable state whose type passes `wanted`.
pub(crate) async fn rows(
    tx: &mut Tx<'_>,
    head: &Head,
    readable: &ReadableState,
    wanted: impl Fn(&str) -> bool + Send,
) -> Result<Vec<EventRow>> {
    let room = head.room.nid;
    let mut nids: Vec<EventNid> = match readable {
        ReadableState::Current => {
            let entries = tx.state_current_list(room, None).await?;
            entries
                .into_iter()
                .filter(|entry| wanted(&entry.kind.to_string()))
                .map(|entry| entry.event)
                .collect()
        }
        ReadableState::AtLeave(left) => match tx.event_get_many(room, &[left.event]).await?.first() {
            Some(row) => {
                let mut nids = tx.state_full(row.state_before).await?;
                nids.retain(|nid| Some(*nid) != row.replaces);
                nids.push(left.event);
                nids
            }
            None => Vec::new(),
        },
    };
    nids.sort_unstable();
    let mut rows = tx.event_get_many(room, &nids).await?;
    rows.retain(|row| wanted(&row.kind));
    Ok(rows)
}
