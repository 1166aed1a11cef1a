//! `POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}/{action}`
//!
//! Restarts, cancels or sends a planned event. Who knows its id may. [MSC4140](https://github.com/matrix-org/matrix-spec-proposals/pull/4140)

use rohrpost_core::{
    Refusal, Result,
    delayed_events::update::{self as use_case, Action},
};
use ruma::api::client::delayed_events::update_delayed_event::{
    UpdateAction,
    unstable_v2::{Request, Response},
};

use crate::call::Public;

pub(crate) async fn act(Public { server, caller, call }: Public, request: Request) -> Result<Response> {
    let action = action(&request.action)?;
    use_case::update(&server, caller.as_ref(), call.address, request.delay_id, action).await?;
    Ok(Response::new())
}

pub(super) fn action(wanted: &UpdateAction) -> Result<Action> {
    match wanted {
        UpdateAction::Restart => Ok(Action::Restart),
        UpdateAction::Cancel => Ok(Action::Cancel),
        UpdateAction::Send => Ok(Action::Send),
        _ => Err(Refusal::InvalidParam(
            "the action is restart, cancel or send".to_owned(),
        )),
    }
}
