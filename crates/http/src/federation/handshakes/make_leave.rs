//! `GET /_matrix/federation/v1/make_leave/{roomId}/{userId}`
//!
//! The template of a leave for a user of the server that asks.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_leaveroomiduserid>

use rohrpost_core::{
    Refusal,
    federation::handshakes::make::{self, AskedMembership, Make},
};
use ruma::api::federation::membership::prepare_leave_event::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn make_leave(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let wanted = Make {
        room_id: request.room_id,
        user_id: request.user_id,
        membership: AskedMembership::Leave,
        versions: None,
    };
    let (version, event) = make::template(&from.server, from.origin, wanted).await?;
    Ok(Response::new(Some(version), event))
}
