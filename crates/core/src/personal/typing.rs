//! Who is typing. Only a beginning and an end are told to others; that somebody goes on is noted silently.

use std::{sync::Arc, time::Duration};

use rohrpost_store::{RoomNid, Tx, Work};
use ruma::{OwnedRoomId, OwnedUserId, UserId, events::room::member::MembershipState};

use crate::{Caller, Refusal, Result, Server, rooms::head::Head};

/// Longest time that somebody types without saying so again.
const MAX_TIMEOUT: Duration = Duration::from_secs(120);
/// How many are told in one unit of work that somebody stopped.
const EXPIRE_AT_ONCE: u32 = 500;

/// Somebody begins, goes on or stops typing.
pub struct SetTyping {
    /// Who.
    pub caller: Caller,
    /// Where.
    pub room_id: OwnedRoomId,
    /// For how long, if nothing else is heard; at most two minutes. `None`: stops.
    pub timeout: Option<Duration>,
}

struct Unit {
    server: Arc<Server>,
    wanted: SetTyping,
    now_ts: i64,
}

/// Notes that the caller types or stops.
///
/// # Errors
/// `Forbidden` when the caller isn't in the room.
///
/// # Spec
/// [Typing notifications](https://spec.matrix.org/v1.19/client-server-api/#typing-notifications)
pub async fn set(server: &Arc<Server>, wanted: SetTyping) -> Result<()> {
    let now_ts = server.now_ts();
    server
        .store
        .write(Unit {
            server: Arc::clone(server),
            wanted,
            now_ts,
        })
        .await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let user_id = &self.wanted.caller.user_id;
        let head = self.server.heads.read(tx, &self.wanted.room_id).await?;
        let member = tx.membership_get(user_id, head.room.nid).await?;
        if member.is_none_or(|member| member.membership != MembershipState::Join) {
            return Err(Refusal::not_in_room());
        }
        let wanted_ms = self.wanted.timeout.map_or(0, timeout_ms);
        note(tx, &head, user_id, self.now_ts, wanted_ms).await
    }
}

/// Notes that somebody who is joined to a room types for another `wanted_ms`, or stops with 0.
pub(crate) async fn note(
    tx: &mut Tx<'_>,
    head: &Head,
    user_id: &UserId,
    now_ts: i64,
    wanted_ms: i64,
) -> Result<()> {
    let room = head.room.nid;
    let left_ms = tx.typing_until(room, user_id).await?.unwrap_or(0) - now_ts;
    let until_ts = match next(left_ms, wanted_ms) {
        Next::Nothing => return Ok(()),
        Next::Extend => return Ok(tx.typing_extend(room, user_id, now_ts + wanted_ms).await?),
        Next::Start => now_ts + wanted_ms,
        Next::Stop => 0,
    };
    let pos = tx.pos_next().await?;
    tx.typing_put(room, user_id, until_ts, pos).await?;
    tx.wake(Arc::clone(&head.local_joined));
    Ok(())
}

fn timeout_ms(timeout: Duration) -> i64 {
    i64::try_from(timeout.min(MAX_TIMEOUT).as_millis()).unwrap_or(0)
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Nothing,
    Start,
    Extend,
    Stop,
}

/// What to do when somebody who is noted for another `left_ms` wants to be noted for `wanted_ms`.
fn next(left_ms: i64, wanted_ms: i64) -> Next {
    match (left_ms > 0, wanted_ms > 0) {
        (false, false) => Next::Nothing,
        (false, true) => Next::Start,
        (true, false) => Next::Stop,
        // Clients repeat themselves every few seconds. It is enough to write when half of the time is over.
        (true, true) if left_ms >= wanted_ms / 2 => Next::Nothing,
        (true, true) => Next::Extend,
    }
}

/// Tells the others that those whose time ran out stopped typing; answers how many there were. To be called
/// every few seconds; called twice at once, it does no harm.
///
/// # Errors
/// Those of the store.
pub async fn expire(server: &Arc<Server>) -> Result<usize> {
    let now_ts = server.now_ts();
    let reading = server
        .store
        .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.typing_expired(now_ts, 1).await?) }));
    if reading.await?.is_empty() {
        return Ok(0);
    }
    server.store.write(Expire { now_ts }).await
}

struct Expire {
    now_ts: i64,
}

impl Work for Expire {
    type Out = usize;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<usize> {
        let expired: Vec<(RoomNid, OwnedUserId)> = tx.typing_expired(self.now_ts, EXPIRE_AT_ONCE).await?;
        let mut rooms: Vec<RoomNid> = expired.iter().map(|(room, _)| *room).collect();
        rooms.sort_unstable_by_key(|room| room.0);
        rooms.dedup();
        for room in rooms {
            let joined = tx.membership_local_joined(room).await?;
            tx.wake(joined.into());
        }
        let pos = tx.pos_next().await?;
        tx.typing_stop(&expired, self.now_ts, pos).await?;
        Ok(expired.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{Next, next};

    #[test]
    fn tells_others_of_a_beginning_and_an_end_only() {
        assert_eq!(next(0, 30_000), Next::Start);
        assert_eq!(next(-5, 30_000), Next::Start);
        assert_eq!(next(10, 0), Next::Stop);
        assert_eq!(next(-5, 0), Next::Nothing);
    }

    #[test]
    fn writes_again_when_half_of_the_time_is_over() {
        assert_eq!(next(20_000, 30_000), Next::Nothing);
        assert_eq!(next(14_999, 30_000), Next::Extend);
    }
}
