//! `GET /_matrix/federation/v1/make_join/{roomId}/{userId}`
//!
//! The template of a join for a user of the server that asks.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_joinroomiduserid>

use rohrpost_core::{
    Refusal,
    federation::handshakes::make::{self, AskedMembership, Make},
};
use ruma::api::federation::membership::prepare_join_event::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn make_join(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let wanted = Make {
        room_id: request.room_id,
        user_id: request.user_id,
        membership: AskedMembership::Join,
        versions: Some(request.ver),
    };
    let (version, event) = make::template(&from.server, from.origin, wanted).await?;
    let mut response = Response::new(event);
    response.room_version = Some(version);
    Ok(response)
}
