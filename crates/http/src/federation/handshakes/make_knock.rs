//! `GET /_matrix/federation/v1/make_knock/{roomId}/{userId}`
//!
//! The template of a knock for a user of the server that asks.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_knockroomiduserid>

use rohrpost_core::{
    Refusal,
    federation::handshakes::make::{self, AskedMembership, Make},
};
use ruma::api::federation::membership::prepare_knock_event::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn make_knock(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let wanted = Make {
        room_id: request.room_id,
        user_id: request.user_id,
        membership: AskedMembership::Knock,
        versions: Some(request.ver),
    };
    let (version, event) = make::template(&from.server, from.origin, wanted).await?;
    Ok(Response::new(version, event))
}
