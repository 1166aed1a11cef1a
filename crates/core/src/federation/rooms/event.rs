//! Reads one event for another server.

use std::sync::Arc;

use rohrpost_store::EventStatus;
use ruma::{OwnedEventId, OwnedServerName};
use serde_json::value::RawValue;

use super::reader::{Reader, no_such_event, raw};
use crate::{Refusal, Result, Server};

/// One event of a room that the other server is in, whole. State that was never part of the timeline here is given, too.
///
/// # Errors
/// `NotFound`, whether there is no such event, it isn't in a room of that server, or that server may not see it.
///
/// # Spec
/// [`GET /event`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1eventeventid)
pub async fn get(
    server: &Arc<Server>,
    origin: OwnedServerName,
    event_id: OwnedEventId,
) -> Result<Box<RawValue>> {
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let room = tx.server_room_of_event(&origin, &event_id).await?;
                let room = match room {
                    Some(room) => tx.room_get_by_nid(room).await?,
                    None => None,
                };
                let room_id = room.ok_or_else(no_such_event)?.room_id;
                let (head, mut reader) = match Reader::enter(&server_, tx, &room_id, &origin).await {
                    Err(Refusal::Forbidden(_)) => return Err(no_such_event()),
                    entered => entered?,
                };
                let row = tx.event_get(head.room.nid, &event_id).await?;
                let is_part = |status, in_timeline: bool, is_state: bool| {
                    status == EventStatus::Accepted && (in_timeline || is_state)
                };
                let row = row
                    .filter(|row| is_part(row.status, row.pos.is_some(), row.state_key.is_some()))
                    .ok_or_else(no_such_event)?;
                match reader.sees(tx, &head, &row).await? {
                    true => raw(row),
                    false => Err(no_such_event()),
                }
            })
        })
        .await
}
