//! `PUT /_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}`
//!
//! Puts a room on an application service's list for a network, or takes it off. [Specification](https://spec.matrix.org/v1.19/application-service-api/#put_matrixclientv3directorylistappservicenetworkidroomid)

use rohrpost_core::{Result, directory::networks};
use ruma::api::client::appservice::set_room_visibility::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn set_network_visibility(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let Request {
        network_id,
        room_id,
        visibility,
        ..
    } = request;
    networks::set(&server, &caller, network_id, room_id, visibility).await?;
    Ok(Response::new())
}
