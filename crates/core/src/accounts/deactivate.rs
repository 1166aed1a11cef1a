//! Closes an account for good.

use std::sync::Arc;

use rohrpost_store::{Tx, UserState, Work};
use ruma::{OwnedDeviceId, OwnedUserId};

use crate::{
    Caller, Refusal, Result, Server, accounts::uia::Proof, devices::changed::changed,
    rooms::membership::leave_all,
};

/// Accounts that are looked at in one turn.
const FINISH_AT_ONCE: u32 = 100;

/// What becomes of the traces of a closed account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traces {
    /// They stay.
    Keep,
    /// Name and picture are removed, and who comes into a room later is shown redacted copies of what was written there.
    Erase,
}

struct Unit {
    user_id: OwnedUserId,
    traces: Traces,
    /// `None`: by the operator.
    proof: Option<Proof>,
}

/// Closes the caller's account: nobody signs in to it any more, its devices, keys and account data are removed, it
/// leaves all rooms. Its name is never given to anybody else.
///
/// # Errors
/// Only when the store fails.
pub async fn deactivate(server: &Arc<Server>, caller: Caller, traces: Traces, proof: Proof) -> Result<()> {
    close(
        server,
        Unit {
            user_id: caller.user_id,
            traces,
            proof: Some(proof),
        },
    )
    .await
}

/// Closes somebody's account, for the operator's command line. Repeated, it finishes what was left.
///
/// # Errors
/// `NotFound` when there is no such account.
pub async fn deactivate_other(server: &Arc<Server>, user_id: OwnedUserId, traces: Traces) -> Result<()> {
    close(
        server,
        Unit {
            user_id,
            traces,
            proof: None,
        },
    )
    .await
}

async fn close(server: &Arc<Server>, unit: Unit) -> Result<()> {
    let nobody = nobody(unit.user_id.clone());
    // Closed first: whoever has a token of it can't join anything while its rooms are left one by one.
    server.store.write(unit).await?;
    if let Err(error) = leave_all(server, &nobody).await {
        tracing::warn!(%error, "a closed account is still in rooms; it is tried again in a minute");
    }
    Ok(())
}

/// Whoever acts for a closed account.
fn nobody(user_id: OwnedUserId) -> Caller {
    Caller {
        user_id,
        device_id: OwnedDeviceId::from(""),
        administrator: false,
        guest: false,
        suspended: false,
        appservice: None,
        token_hash: [0; 32],
    }
}

/// Leaves the rooms that closed accounts are still in, because the request that closed them was cut off or a room
/// failed. For every minute; harmless to repeat.
///
/// # Errors
/// The first one, after all the others were tried.
pub async fn finish(server: &Arc<Server>) -> Result<()> {
    let unfinished = server
        .store
        .read(|tx| Box::pin(async move { tx.user_list_closed_in_rooms(FINISH_AT_ONCE).await }))
        .await?;
    let mut first = Ok(());
    for user_id in unfinished {
        first = first.and(leave_all(server, &nobody(user_id)).await);
    }
    first
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        if let Some(proof) = &self.proof {
            proof.consume(tx).await?;
        }
        if tx.user_lock(&self.user_id).await?.is_none() {
            return Err(Refusal::not_found("account"));
        }
        tx.user_set_state(&self.user_id, UserState::Deactivated).await?;
        tx.user_set_password(&self.user_id, None).await?;
        tx.user_set_administrator(&self.user_id, false).await?;
        tx.user_delete_belongings(&self.user_id).await?;
        if self.traces == Traces::Erase {
            tx.profile_delete(&self.user_id).await?;
            let pos = tx.pos_now().await?;
            tx.erased_user_put(&self.user_id, pos).await?;
        }
        tx.device_delete_all(&self.user_id, None).await?;
        changed(tx, &self.user_id).await
    }
}
