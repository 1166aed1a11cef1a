//! The invitations there are: looking one over, listing and withdrawing them.

use std::{net::IpAddr, sync::Arc};

use rohrpost_store::{Invitation, StoreError, Tx, Work};

use crate::{
    Refusal, Result, Server,
    accounts::{address_key, invite},
    limits::Kind,
    random,
};

/// Most invitations that are listed.
const MAX_LISTED: u32 = 1000;
/// Hexadecimal digits of the hash that name an invitation: enough that no two are alike.
const ID_LENGTH: usize = 16;

/// The name of an invitation for those who look after them. Nobody can make an account with it.
#[must_use]
pub fn id(invitation: &Invitation) -> String {
    let mut id: String = invitation.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    id.truncate(ID_LENGTH);
    id
}

/// Whether an invitation can be used, for whoever was given one. Counted by address.
///
/// # Errors
/// `LimitExceeded`.
pub async fn ask_valid(server: &Arc<Server>, token: &str, address: IpAddr) -> Result<bool> {
    server.limit(Kind::General, &address_key(address))?;
    invite::is_valid(server, random::hash(token)).await
}

/// Invitations that can be used, newest first.
///
/// # Errors
/// Only when the store fails.
pub async fn list(server: &Arc<Server>) -> Result<Vec<Invitation>> {
    let now_ts = server.now_ts();
    Ok(server
        .store
        .read(move |tx| Box::pin(async move { tx.invitation_list(now_ts, MAX_LISTED).await }))
        .await?)
}

/// Withdraws an invitation.
///
/// # Errors
/// `NotFound` when none that can be used has this id.
pub async fn withdraw(server: &Arc<Server>, wanted: &str) -> Result<()> {
    let found = list(server)
        .await?
        .into_iter()
        .find(|invitation| id(invitation) == wanted);
    let hash = found.ok_or_else(|| Refusal::not_found("invitation"))?.hash;
    if server.store.write(Withdraw(hash)).await? {
        Ok(())
    } else {
        Err(Refusal::not_found("invitation"))
    }
}

struct Withdraw([u8; 32]);

impl Work for Withdraw {
    type Out = bool;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        tx.invitation_delete(&self.0).await
    }
}
