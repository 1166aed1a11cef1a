//! What people report to the administrators: rooms, events, people.
//!
//! Whoever reports gets the same answer whether or not the thing exists; what doesn't exist, or is not theirs to see,
//! is not kept.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#reporting-content>

use std::sync::Arc;

pub use rohrpost_store::ReportRow;
use rohrpost_store::{Tx, Work};
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};

use crate::{Caller, Refusal, Result, Server, limits::Kind, rooms::access::Access};

/// Longest reason, in bytes.
const MAX_REASON_BYTES: usize = 4000;
/// Reports in one answer.
const MAX_LISTED: u32 = 500;

/// What is reported.
#[derive(Clone, Debug)]
pub enum Target {
    /// A room, also one that the reporter isn't in.
    Room(OwnedRoomId),
    /// An event that the reporter sees.
    Event(OwnedRoomId, OwnedEventId),
    /// A person.
    User(OwnedUserId),
}

struct Unit {
    server: Arc<Server>,
    caller: Caller,
    target: Target,
    reason: String,
}

/// Keeps a report for the administrators.
///
/// # Errors
/// `TooLarge` for a long reason, `LimitExceeded`.
pub async fn report(
    server: &Arc<Server>,
    caller: Caller,
    target: Target,
    reason: Option<String>,
) -> Result<()> {
    server.limit(Kind::Message, caller.user_id.as_str())?;
    let reason = reason.unwrap_or_default();
    if reason.len() > MAX_REASON_BYTES {
        return Err(Refusal::TooLarge(format!(
            "the reason may have at most {MAX_REASON_BYTES} bytes"
        )));
    }
    server
        .store
        .write(Unit {
            server: Arc::clone(server),
            caller,
            target,
            reason,
        })
        .await
}

/// The reports that nobody dealt with yet, newest first.
///
/// # Errors
/// Only when the store fails.
pub async fn list(server: &Arc<Server>) -> Result<Vec<ReportRow>> {
    let reading = server
        .store
        .read(|tx| Box::pin(async move { tx.report_list(MAX_LISTED).await }));
    Ok(reading.await?)
}

struct Close(i64);

/// Removes a report that was dealt with.
///
/// # Errors
/// `NotFound`.
pub async fn close(server: &Arc<Server>, number: i64) -> Result<()> {
    server.store.write(Close(number)).await
}

impl Work for Close {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        match tx.report_delete(self.0).await? {
            true => Ok(()),
            false => Err(Refusal::not_found("report")),
        }
    }
}

impl Unit {
    async fn is_kept(&self, tx: &mut Tx<'_>) -> Result<bool> {
        let user_id = &self.caller.user_id;
        match &self.target {
            Target::Room(room_id) => Ok(tx.room_get(room_id).await?.is_some()),
            Target::User(user_id) => Ok(tx.user_get(user_id).await?.is_some()),
            Target::Event(room_id, event_id) => {
                let Some(head) = self.server.heads.peek(tx, room_id).await? else {
                    return Ok(false);
                };
                let mut access = Access::of(tx, &head, user_id).await?;
                if !access.is_joined() {
                    return Ok(false);
                }
                let Some(row) = tx.event_get(head.room.nid, event_id).await? else {
                    return Ok(false);
                };
                Ok(access.see(tx, &head, user_id, row).await?.is_some())
            }
        }
    }
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        if !self.is_kept(tx).await? {
            return Ok(());
        }
        let about = match &self.target {
            Target::Room(room_id) => (room_id.as_str(), ""),
            Target::Event(room_id, event_id) => (room_id.as_str(), event_id.as_str()),
            Target::User(user_id) => ("", user_id.as_str()),
        };
        let now_ts = self.server.now_ts();
        tx.report_put(&self.caller.user_id, about, &self.reason, now_ts)
            .await?;
        Ok(())
    }
}
