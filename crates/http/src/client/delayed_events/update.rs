//! `POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}`
//!
//! Restarts, cancels or sends a planned event, with the action in the body. [MSC4140](https://github.com/matrix-org/matrix-spec-proposals/pull/4140)

use rohrpost_core::{Result, delayed_events::update as use_case};
use ruma::api::client::delayed_events::update_delayed_event::unstable_v1::{Request, Response};

use super::act::action;
use crate::call::Public;

pub(crate) async fn update(Public { server, caller, call }: Public, request: Request) -> Result<Response> {
    let action = action(&request.action)?;
    use_case::update(&server, caller.as_ref(), call.address, request.delay_id, action).await?;
    Ok(Response::new())
}
