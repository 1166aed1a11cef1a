//! Aliases that other servers gave.

use std::sync::Arc;

use ruma::{OwnedRoomAliasId, api::federation::query::get_room_information::v1::Request};

use crate::{Result, Server, directory::aliases::Resolved};

/// Servers of a room that are passed on: enough to find one that answers.
const MAX_SERVERS: usize = 50;

/// Asks the server that gave an alias where it leads.
///
/// # Errors
/// `NotFound`, `Forbidden` as the other server says; `Elsewhere` when it doesn't answer.
pub(crate) async fn fetch(server: &Arc<Server>, alias: OwnedRoomAliasId) -> Result<Resolved> {
    let given_by = alias.server_name().to_owned();
    let answer = server.ask(&given_by, Request::new(alias)).await?;
    let mut servers = answer.servers;
    servers.truncate(MAX_SERVERS);
    if !servers.contains(&given_by) {
        servers.insert(0, given_by);
    }
    Ok(Resolved {
        room_id: answer.room_id,
        servers,
    })
}
