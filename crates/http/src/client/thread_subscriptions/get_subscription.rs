//! `GET /_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription`
//!
//! Whether and how the caller follows a thread. [MSC4306](https://github.com/matrix-org/matrix-spec-proposals/pull/4306)

use http::Method;
use rohrpost_core::{Result, rooms::thread_subscription as use_case};
use serde::Serialize;

use super::Thread;
use crate::{
    call::Authed,
    rohrpost::own::{Answer, Own, OwnEndpoint},
};

pub(crate) struct Wanted(Thread);

#[derive(Serialize)]
pub(crate) struct Subscription {
    automatic: bool,
}

impl OwnEndpoint for Wanted {
    const METHOD: Method = Method::GET;
    const PATH: &'static str = super::PATH;
    type Answer = Subscription;

    fn parse(_: &[u8], params: &[&str]) -> serde_json::Result<Self> {
        Thread::parse(params).map(Self)
    }
}

pub(crate) async fn get_subscription(
    Authed { server, caller, .. }: Authed,
    Own(Wanted(thread)): Own<Wanted>,
) -> Result<Answer<Subscription>> {
    let automatic = use_case::get(&server, caller, thread.room_id, thread.root_id).await?;
    Ok(Answer(Subscription { automatic }))
}
