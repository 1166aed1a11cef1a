//! `GET /_matrix/client/unstable/org.matrix.msc4140/delayed_events`
//!
//! What the caller planned, and what became of it. [MSC4140](https://github.com/matrix-org/matrix-spec-proposals/pull/4140)

use rohrpost_core::{Result, delayed_events::list as use_case};
use ruma::api::client::delayed_events::get_all_delayed_events::unstable::{Request, Response};

use super::get::describe;
use crate::call::Authed;

pub(crate) async fn list(Authed { server, caller, .. }: Authed, _: Request) -> Result<Response> {
    let events = use_case::list(&server, &caller).await?;
    Ok(Response::new(
        events.into_iter().map(describe).collect::<Result<_>>()?,
    ))
}
