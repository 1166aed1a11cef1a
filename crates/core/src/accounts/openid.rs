//! Tokens by which other services learn who somebody is, and nothing else.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#openid>

use std::{sync::Arc, time::Duration};

use rohrpost_store::{ShortTokenKind, StoreError, Tx, Work};
use ruma::OwnedUserId;

use crate::{Caller, Result, Server, random};

/// How long a token is good for.
pub const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// Characters of a token; five bits each.
const LENGTH: usize = 40;

struct Unit {
    hash: [u8; 32],
    user_id: OwnedUserId,
    expires_ts: i64,
}

/// Makes a token that says who the caller is.
///
/// # Errors
/// Only when the store fails.
pub async fn request_token(server: &Arc<Server>, caller: &Caller) -> Result<String> {
    let token = random::name(&*server.rng, LENGTH);
    server
        .store
        .write(Unit {
            hash: random::hash(&token),
            user_id: caller.user_id.clone(),
            expires_ts: server.now_ts() + LIFETIME.as_millis() as i64,
        })
        .await?;
    Ok(token)
}

/// Whose token this is. For those who were shown it.
///
/// # Errors
/// Only when the store fails.
pub async fn owner(server: &Arc<Server>, token: &str) -> Result<Option<OwnedUserId>> {
    let (hash, now_ts) = (random::hash(token), server.now_ts());
    let reading = server.store.look_up(move |tx| {
        Box::pin(async move { tx.short_token_get(&hash, ShortTokenKind::OpenId, now_ts).await })
    });
    Ok(reading.await?)
}

impl Work for Unit {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.short_token_insert(&self.hash, ShortTokenKind::OpenId, &self.user_id, self.expires_ts)
            .await
    }
}
