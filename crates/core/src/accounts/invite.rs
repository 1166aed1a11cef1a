//! Makes an invitation link, with which people make accounts.

use std::{sync::Arc, time::Duration};

use rohrpost_store::{Invitation, StoreError, Tx, Work};
use ruma::OwnedUserId;

use crate::{Refusal, Result, Server, random};

/// Length of an invitation's token; five bits for each character.
const TOKEN_LENGTH: usize = 32;
/// Most accounts that one link may make.
const MAX_USES: u32 = 10_000;
/// Longest time a link may be valid.
const MAX_LIFETIME: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// An invitation that is wanted.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// How many accounts may be made with it.
    pub uses: u32,
    /// How long it is valid.
    pub lifetime: Duration,
    /// Whether whoever accepts becomes an administrator.
    pub administrator: bool,
    /// Who makes it. `None`: the operator at the command line, or the server at its first start.
    pub created_by: Option<OwnedUserId>,
}

/// An invitation as it is handed on. Holds a secret, so it has no `Debug`.
pub struct InvitationLink {
    /// The token.
    pub token: String,
    /// The address that opens the web client with it. The token stands behind the `#`, which browsers don't send.
    pub link: String,
    /// Until when it is valid, ms since the epoch.
    pub expires_ts: i64,
}

struct Unit(Invitation);

/// Makes an invitation link. Only the hash of its token is kept, so it can't be shown again.
///
/// # Errors
/// `InvalidParam` for no uses or more than 10,000, no time or more than a year.
pub async fn invite(server: &Arc<Server>, new: NewInvitation) -> Result<InvitationLink> {
    if !(1..=MAX_USES).contains(&new.uses) {
        return Err(Refusal::InvalidParam(format!(
            "an invitation is good for 1 to {MAX_USES} accounts"
        )));
    }
    if new.lifetime.is_zero() || new.lifetime > MAX_LIFETIME {
        return Err(Refusal::InvalidParam(
            "an invitation is valid for at most a year".to_owned(),
        ));
    }
    let token = random::name(&*server.rng, TOKEN_LENGTH);
    let created_ts = server.now_ts();
    let expires_ts = created_ts + new.lifetime.as_millis() as i64;
    let row = Invitation {
        hash: random::hash(&token),
        uses_left: i64::from(new.uses),
        administrator: new.administrator,
        created_by: new.created_by.map(String::from).unwrap_or_default(),
        created_ts,
        expires_ts,
    };
    server.store.write(Unit(row)).await?;
    let link = format!("{}/#/invite/{token}", server.settings.public_url);
    Ok(InvitationLink {
        token,
        link,
        expires_ts,
    })
}

/// Whether an invitation can be used now.
///
/// # Errors
/// Only when the store fails.
pub(crate) async fn is_valid(server: &Arc<Server>, hash: [u8; 32]) -> Result<bool> {
    let now_ts = server.now_ts();
    let read = server
        .store
        .read(move |tx| Box::pin(async move { tx.invitation_get(&hash, now_ts).await }));
    Ok(read.await?.is_some())
}

impl Work for Unit {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.invitation_insert(&self.0).await
    }
}
