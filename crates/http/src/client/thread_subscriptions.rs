//! Threads that people follow.
//!
//! [MSC4306](https://github.com/matrix-org/matrix-spec-proposals/pull/4306) and
//! [MSC4308](https://github.com/matrix-org/matrix-spec-proposals/pull/4308), under their unstable names. `ruma` has the
//! first only together with push rules that this server doesn't follow, so its requests are read here.

mod get_subscription;
mod list_subscriptions;
mod subscribe;
mod unsubscribe;

use ruma::{OwnedEventId, OwnedRoomId};
use serde_json::{Error, from_value};

use crate::routes::Routes;

pub(crate) use self::list_subscriptions::written;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(get_subscription::get_subscription);
    routes.authed(subscribe::subscribe);
    routes.authed(unsubscribe::unsubscribe);
    routes.authed(list_subscriptions::list_subscriptions);
}

const PATH: &str =
    "/_matrix/client/unstable/io.element.msc4306/rooms/{room_id}/thread/{event_id}/subscription";

/// A thread, as the path names it.
struct Thread {
    room_id: OwnedRoomId,
    root_id: OwnedEventId,
}

impl Thread {
    fn parse(params: &[&str]) -> Result<Self, Error> {
        let [room_id, root_id] = params else {
            return Err(serde::de::Error::custom("the path names no thread"));
        };
        Ok(Self {
            room_id: from_value((*room_id).into())?,
            root_id: from_value((*root_id).into())?,
        })
    }
}
