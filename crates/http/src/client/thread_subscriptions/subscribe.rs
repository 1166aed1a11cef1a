//! `PUT /_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription`
//!
//! Follows a thread. [MSC4306](https://github.com/matrix-org/matrix-spec-proposals/pull/4306)

use http::Method;
use rohrpost_core::{
    Result,
    rooms::thread_subscription::{self as use_case, Change, ChangeSubscription},
};
use ruma::OwnedEventId;
use serde::Deserialize;

use super::Thread;
use crate::{
    call::Authed,
    rohrpost::own::{Answer, Empty, Own, OwnEndpoint, object},
};

pub(crate) struct Wanted {
    thread: Thread,
    automatic: Option<OwnedEventId>,
}

impl OwnEndpoint for Wanted {
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = super::PATH;
    type Answer = Empty;

    fn parse(body: &[u8], params: &[&str]) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Body {
            automatic: Option<OwnedEventId>,
        }
        let Body { automatic } = object(body)?;
        let thread = Thread::parse(params)?;
        Ok(Self { thread, automatic })
    }
}

pub(crate) async fn subscribe(
    Authed { server, caller, .. }: Authed,
    Own(wanted): Own<Wanted>,
) -> Result<Answer<Empty>> {
    let change = ChangeSubscription {
        caller,
        room_id: wanted.thread.room_id,
        root_id: wanted.thread.root_id,
        change: wanted.automatic.map_or(Change::Subscribe, Change::SubscribeFor),
    };
    use_case::change(&server, change).await?;
    Ok(Answer(Empty {}))
}
