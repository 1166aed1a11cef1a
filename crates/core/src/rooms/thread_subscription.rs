//! Following a thread, giving it up, and which threads somebody follows.
//!
//! [MSC4306](https://github.com/matrix-org/matrix-spec-proposals/pull/4306),
//! [MSC4308](https://github.com/matrix-org/matrix-spec-proposals/pull/4308). What isn't here: push rules that look at
//! subscriptions.

use std::sync::Arc;

use rohrpost_store::{EventRow, ListedThread, StreamPos, ThreadSubscription, Tx, Work};
use ruma::{EventId, OwnedEventId, OwnedRoomId};

use crate::{
    Caller, Refusal, Result, Server,
    rooms::{access::Access, head::Head, relation::relation},
};

/// Threads on one page.
const MAX_PAGE: u32 = 100;

/// What becomes of a subscription.
#[derive(Clone, Debug)]
pub enum Change {
    /// The user wants to follow the thread.
    Subscribe,
    /// A client follows it for its user, because of this event.
    SubscribeFor(OwnedEventId),
    /// The user doesn't want to follow it any more.
    Unsubscribe,
}

/// A subscription to be changed.
pub struct ChangeSubscription {
    /// Whose it is.
    pub caller: Caller,
    /// The room.
    pub room_id: OwnedRoomId,
    /// The event that the thread begins with. Nobody needs to have written in it yet.
    pub root_id: OwnedEventId,
    /// What becomes of it.
    pub change: Change,
}

struct Unit {
    server: Arc<Server>,
    wanted: ChangeSubscription,
}

/// Changes a subscription. What is so already stays as it is, and a client that subscribes by itself doesn't take
/// anything from a subscription that the user wanted.
///
/// # Errors
/// `NotFound` when there is no such event or the caller may not see it, `NotInThread` for the event of an automatic
/// subscription that isn't in the thread, `ConflictingUnsubscription` for one that the user knew when they gave up the
/// thread.
pub async fn change(server: &Arc<Server>, wanted: ChangeSubscription) -> Result<()> {
    server
        .store
        .write(Unit {
            server: Arc::clone(server),
            wanted,
        })
        .await
}

/// Whether the caller's subscription to a thread was made by a client by itself.
///
/// # Errors
/// `NotFound` when there is none, or no such event, or the caller may not see it.
pub async fn get(
    server: &Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
    root_id: OwnedEventId,
) -> Result<bool> {
    let server_ = Arc::clone(server);
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let head = root(&server_, tx, &caller, &room_id, &root_id).await?;
            let room = head.room.nid;
            Ok::<_, Refusal>(
                tx.thread_subscription_get(&caller.user_id, room, &root_id)
                    .await?,
            )
        })
    });
    let found = reading.await?.filter(|found| found.subscribed);
    found.map(|found| found.automatic).ok_or_else(not_found)
}

/// A part of what changed about subscriptions, newest first.
#[derive(Default)]
pub struct SubscriptionPage {
    /// The threads.
    pub threads: Vec<ListedThread>,
    /// Where older ones begin; `None`: these are all.
    pub end: Option<StreamPos>,
}

/// What changed about the caller's subscriptions after `to`, from `from` (without: the newest) backwards, at most
/// `limit` or 100.
///
/// # Errors
/// Those of the store.
pub async fn list(
    server: &Arc<Server>,
    caller: Caller,
    (from, to): (Option<StreamPos>, Option<StreamPos>),
    limit: u32,
) -> Result<SubscriptionPage> {
    let upto = from.unwrap_or(StreamPos(i64::MAX));
    server
        .store
        .read(move |tx| Box::pin(async move { page(tx, &caller, (to, upto), limit).await }))
        .await
}

pub(crate) async fn page(
    tx: &mut Tx<'_>,
    caller: &Caller,
    (after, upto): (Option<StreamPos>, StreamPos),
    limit: u32,
) -> Result<SubscriptionPage> {
    let limit = limit.clamp(1, MAX_PAGE);
    let after = after.unwrap_or(StreamPos(i64::MIN));
    let mut threads = tx
        .thread_subscription_list(&caller.user_id, after, upto, limit + 1)
        .await?;
    let has_more = threads.len() > limit as usize;
    threads.truncate(limit as usize);
    let last = threads.last().map(|last| StreamPos(last.subscription.pos.0 - 1));
    Ok(SubscriptionPage {
        threads,
        end: last.filter(|_| has_more),
    })
}

fn not_found() -> Refusal {
    Refusal::not_found("this thread was")
}

/// The room of a thread whose beginning the caller may see.
async fn root(
    server: &Server,
    tx: &mut Tx<'_>,
    caller: &Caller,
    room_id: &OwnedRoomId,
    root_id: &EventId,
) -> Result<Head> {
    let head = match server.heads.read(tx, room_id).await {
        Err(Refusal::Forbidden(_)) => return Err(not_found()),
        head => head?,
    };
    visible(tx, &head, caller, root_id).await?.ok_or_else(not_found)?;
    Ok(head)
}

/// An event of the timeline, if the caller may see it.
async fn visible(
    tx: &mut Tx<'_>,
    head: &Head,
    caller: &Caller,
    event_id: &EventId,
) -> Result<Option<EventRow>> {
    let row = tx.event_get(head.room.nid, event_id).await?;
    let Some(row) = row.filter(|row| row.pos.is_some()) else {
        return Ok(None);
    };
    let mut access = Access::of(tx, head, &caller.user_id).await?;
    let seen = access.see(tx, head, &caller.user_id, row).await?;
    Ok(seen.map(|seen| seen.row))
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let ChangeSubscription {
            caller,
            room_id,
            root_id,
            change,
        } = &self.wanted;
        let head = root(&self.server, tx, caller, room_id, root_id).await?;
        let room = head.room.nid;
        let before = tx.thread_subscription_get(&caller.user_id, room, root_id).await?;
        let is_subscribed = before.is_some_and(|before| before.subscribed);
        let (subscribed, automatic) = match change {
            Change::Subscribe => (true, false),
            Change::Unsubscribe => (false, false),
            Change::SubscribeFor(cause) => {
                let cause = self.cause(tx, &head, cause).await?;
                let knew = before.is_some_and(|before| cause <= before.pos);
                if !is_subscribed && knew {
                    return Err(Refusal::ConflictingUnsubscription);
                }
                (
                    true,
                    before.is_none_or(|before| !before.subscribed || before.automatic),
                )
            }
        };
        let is_same = match before {
            Some(before) => before.subscribed == subscribed && before.automatic == automatic,
            None => !subscribed,
        };
        if is_same {
            return Ok(());
        }
        let new = ThreadSubscription {
            subscribed,
            automatic,
            pos: tx.pos_next().await?,
        };
        tx.thread_subscription_put(&caller.user_id, room, root_id, new)
            .await?;
        tx.wake_user(&caller.user_id);
        Ok(())
    }
}

impl Unit {
    /// The place of the event that a client subscribes for.
    async fn cause(&self, tx: &mut Tx<'_>, head: &Head, cause: &EventId) -> Result<StreamPos> {
        let row = visible(tx, head, &self.wanted.caller, cause).await?;
        let in_thread = row.filter(|row| relation(&row.json).thread.as_ref() == Some(&self.wanted.root_id));
        in_thread.and_then(|row| row.pos).ok_or(Refusal::NotInThread)
    }
}
