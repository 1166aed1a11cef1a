//! Makes the template of a membership for another server.

use std::sync::Arc;

pub use rohrpost_room::handshake::AskedMembership;
use rohrpost_room::{
    Place, auth_types,
    handshake::{Wanted, offer, offered_event},
};
use ruma::{OwnedRoomId, OwnedServerName, OwnedUserId, RoomVersionId};
use serde_json::value::RawValue;

use super::{host, no_such_room};
use crate::{Refusal, Result, Server, federation::rooms::reader::check_acl};

/// Events that a new one follows at most, though it may name 20: more are not needed to bring a room together.
const MAX_PREV_EVENTS: usize = 10;

/// The membership that is wanted.
pub struct Make {
    /// The room.
    pub room_id: OwnedRoomId,
    /// Who wants it: a user of the server that asks.
    pub user_id: OwnedUserId,
    /// Which.
    pub membership: AskedMembership,
    /// The room versions that the other server supports; `None`: it knows the room.
    pub versions: Option<Vec<RoomVersionId>>,
}

/// The version of the room, and the event that the other server may sign.
///
/// # Errors
/// `NotFound` when this server isn't in such a room, `IncompatibleRoomVersion`, `Forbidden` when the rules of the room
/// refuse it or the user is one of another server, `UnableToAuthorizeJoin` and `UnableToGrantJoin` for a restricted room.
///
/// # Spec
/// [`GET /make_join`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_joinroomiduserid),
/// [`GET /make_leave`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_leaveroomiduserid),
/// [`GET /make_knock`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_knockroomiduserid)
pub async fn template(
    server: &Arc<Server>,
    origin: OwnedServerName,
    wanted: Make,
) -> Result<(RoomVersionId, Box<RawValue>)> {
    if wanted.user_id.server_name() != origin {
        return Err(Refusal::Forbidden("this is a user of another server".to_owned()));
    }
    let (server_, now) = (Arc::clone(server), server.clock.now());
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let head = server_.heads.peek(tx, &wanted.room_id).await?;
                let head = head.filter(|head| !head.local_joined.is_empty());
                let mut head = head.ok_or_else(no_such_room)?;
                let version = head.room.version.clone();
                if wanted
                    .versions
                    .is_some_and(|versions| !versions.contains(&version))
                {
                    return Err(Refusal::IncompatibleRoomVersion(version));
                }
                check_acl(tx, &mut head, &origin).await?;
                let host = match wanted.membership {
                    AskedMembership::Join => host(tx, &mut head, &wanted.user_id).await?,
                    AskedMembership::Knock | AskedMembership::Leave => None,
                };
                let template = Wanted {
                    user: &wanted.user_id,
                    membership: wanted.membership,
                    host: host.as_deref(),
                    now,
                    server: server_.name(),
                };
                let rules = rohrpost_room::rules(&version)
                    .ok_or_else(|| Refusal::UnsupportedRoomVersion(version.to_string()))?;
                let state = head
                    .states(tx, &auth_types(&offered_event(&template), rules)?)
                    .await?;
                let place = Place {
                    version: &version,
                    room_id: Some(&head.room.room_id),
                    prev_events: newest(&head.extremities),
                    depth: u64::try_from(head.room.depth).unwrap_or(0) + 1,
                };
                let event = offer(&template, place, &state)?;
                Ok((version, RawValue::from_string(event)?))
            })
        })
        .await
}

fn newest<T>(extremities: &[T]) -> &[T] {
    &extremities[extremities.len().saturating_sub(MAX_PREV_EVENTS)..]
}
