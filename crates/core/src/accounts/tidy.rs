//! Removes what has run out: tokens and sessions of user-interactive authentication. For a job that runs now and then.

use std::sync::Arc;

use rohrpost_store::{StoreError, Tx, Work};

use crate::{Result, Server};

/// Expired and revoked tokens are kept so long: a revoked refresh token that turns up again tells of a theft, and an
/// expired access token is told from one that never was.
const KEEP_EXPIRED_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Longer than any session of user-interactive authentication lives.
const KEEP_SESSIONS_MS: i64 = 60 * 60 * 1000;

struct Unit {
    now_ts: i64,
}

/// Removes what has run out.
///
/// # Errors
/// Only when the store fails.
pub async fn tidy(server: &Arc<Server>) -> Result<()> {
    Ok(server
        .store
        .write(Unit {
            now_ts: server.now_ts(),
        })
        .await?)
}

impl Work for Unit {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.token_delete_expired(self.now_ts - KEEP_EXPIRED_MS).await?;
        tx.short_token_delete_expired(self.now_ts).await?;
        tx.uia_delete_old(self.now_ts - KEEP_SESSIONS_MS).await?;
        tx.oauth_code_delete_old(self.now_ts - KEEP_SESSIONS_MS).await?;
        tx.oauth_page_delete_old(self.now_ts - KEEP_SESSIONS_MS).await?;
        Ok(())
    }
}
