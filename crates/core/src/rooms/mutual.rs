//! The rooms that the caller shares with somebody.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#mutual-rooms>

use std::sync::Arc;

use ruma::{OwnedRoomId, OwnedUserId, RoomId};

use crate::{Caller, Refusal, Result, Server};

/// Rooms on one page.
const PAGE: u32 = 200;

/// A page of shared rooms.
pub struct Page {
    /// The rooms, in the order of their ids.
    pub rooms: Vec<OwnedRoomId>,
    /// Where to go on; `None`: that was all.
    pub next: Option<String>,
    /// How many there are in all.
    pub count: u64,
}

/// The rooms that both are joined to. None when there is no such person.
///
/// # Errors
/// `InvalidParam` for the caller's own id, and for a token that isn't one.
pub async fn mutual(
    server: &Arc<Server>,
    caller: &Caller,
    other: OwnedUserId,
    from: Option<String>,
) -> Result<Page> {
    if caller.user_id == other {
        return Err(Refusal::InvalidParam("this is your own user id".to_owned()));
    }
    let after = from.unwrap_or_default();
    if !after.is_empty() && RoomId::parse(after.as_str()).is_err() {
        return Err(Refusal::InvalidParam(
            "from is not a token of this list; please start again".to_owned(),
        ));
    }
    let user_id = caller.user_id.clone();
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let count = tx.membership_mutual_count(&user_id, &other).await?;
            let rooms = tx.membership_mutual((&user_id, &other), &after, PAGE + 1).await?;
            Ok::<_, Refusal>((rooms, count))
        })
    });
    let (mut rooms, count) = reading.await?;
    let has_more = rooms.len() > PAGE as usize;
    rooms.truncate(PAGE as usize);
    let next = rooms.last().filter(|_| has_more).map(ToString::to_string);
    Ok(Page {
        next,
        rooms,
        count: u64::try_from(count).unwrap_or(0),
    })
}
