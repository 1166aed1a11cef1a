//! `GET /_matrix/client/unstable/io.element.msc4308/thread_subscriptions`
//!
//! Which threads the caller follows, page by page. [MSC4308](https://github.com/matrix-org/matrix-spec-proposals/pull/4308)

use rohrpost_core::{
    Refusal, Result,
    rooms::{
        messages::Page,
        thread_subscription::{self as use_case, SubscriptionPage},
    },
    sync::token::SyncToken,
};
use ruma::{
    UInt,
    api::client::threads::get_thread_subscriptions_changes::unstable::{
        Request, Response, ThreadSubscription, ThreadUnsubscription,
    },
};

use crate::call::Authed;

/// Threads on a page when nobody says how many.
const DEFAULT_PAGE: u32 = 100;

pub(crate) async fn list_subscriptions(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let limit = request
        .limit
        .map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
    if limit == Some(0) {
        return Err(Refusal::InvalidParam("limit must be at least 1".to_owned()));
    }
    let from = Page::token(request.from.as_deref())?.map(|token| token.0);
    let to = Page::token(request.to.as_deref())?.map(|token| token.0);
    let page = use_case::list(&server, caller, (from, to), limit.unwrap_or(DEFAULT_PAGE)).await?;
    Ok(written(&page))
}

/// A page as clients read it, here and in sliding sync.
pub(crate) fn written(page: &SubscriptionPage) -> Response {
    let mut response = Response::new();
    for thread in &page.threads {
        let (room_id, root_id) = (thread.room_id.clone(), thread.root_id.clone());
        let stamp = u64::try_from(thread.subscription.pos.0).unwrap_or(0);
        let stamp = UInt::new_saturating(stamp);
        if thread.subscription.subscribed {
            let subscription = ThreadSubscription::new(thread.subscription.automatic, stamp);
            let threads = response.subscribed.entry(room_id).or_default();
            threads.insert(root_id, subscription);
        } else {
            let subscription = ThreadUnsubscription::new(stamp);
            let threads = response.unsubscribed.entry(room_id).or_default();
            threads.insert(root_id, subscription);
        }
    }
    response.end = page.end.map(|end| SyncToken(end).to_string());
    response
}
