//! `PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}`
//!
//! Sends a state event. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey)

use rohrpost_core::{
    Result,
    rooms::set_state::{self as use_case, SetState},
};
use ruma::api::client::state::send_state_event::v3::{Request, Response};

use crate::call::{Authed, value};

pub(crate) async fn set_state(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let wanted = SetState {
        caller,
        room_id: request.room_id,
        kind: request.event_type,
        state_key: request.state_key,
        content: value(request.body.json())?,
    };
    Ok(Response::new(use_case::set_state(&server, wanted).await?))
}
