//! `POST /_matrix/client/v3/rooms/{roomId}/report/{eventId}`
//!
//! Reports an event; the answer is the same whether or not there is such a thing. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreporteventid)

use rohrpost_core::{
    Result,
    reports::{self, Target},
};
use ruma::api::client::room::report_content::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn report_event(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let target = Target::Event(request.room_id, request.event_id);
    reports::report(&server, caller, target, request.reason).await?;
    Ok(Response::new())
}
