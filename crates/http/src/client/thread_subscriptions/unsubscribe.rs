//! `DELETE /_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription`
//!
//! Gives up a thread. [MSC4306](https://github.com/matrix-org/matrix-spec-proposals/pull/4306)

use http::Method;
use rohrpost_core::{
    Result,
    rooms::thread_subscription::{self as use_case, Change, ChangeSubscription},
};

use super::Thread;
use crate::{
    call::Authed,
    rohrpost::own::{Answer, Empty, Own, OwnEndpoint},
};

pub(crate) struct Unwanted(Thread);

impl OwnEndpoint for Unwanted {
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = super::PATH;
    type Answer = Empty;

    fn parse(_: &[u8], params: &[&str]) -> serde_json::Result<Self> {
        Thread::parse(params).map(Self)
    }
}

pub(crate) async fn unsubscribe(
    Authed { server, caller, .. }: Authed,
    Own(Unwanted(thread)): Own<Unwanted>,
) -> Result<Answer<Empty>> {
    let change = ChangeSubscription {
        caller,
        room_id: thread.room_id,
        root_id: thread.root_id,
        change: Change::Unsubscribe,
    };
    use_case::change(&server, change).await?;
    Ok(Answer(Empty {}))
}
