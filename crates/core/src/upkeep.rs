//! Removes what has had its time: tokens, half-finished confirmations, answers kept for repeated requests.
//!
//! Nothing here changes what anybody may do or see: expired things are refused wherever they are used.

use std::sync::Arc;

use rohrpost_store::{StoreError, Tx, Work};

use crate::{Result, Server, accounts, delayed_events, federation, media, personal::presence};

/// How long a repeated request gets the answer of the first: 30 days, in ms.
const ANSWER_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// How long a program that registered itself is known while nobody is signed in with it: a day, in ms.
const UNUSED_CLIENT_MS: i64 = 24 * 60 * 60 * 1000;
/// How long what notified somebody counts for the number on their icon: 30 days, in ms.
const NOTIFIED_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// How long keys of people of other servers are kept: two days, in ms. They are handed out for one; signatures on them are
/// checked a bit longer.
const REMOTE_KEYS_MS: i64 = 2 * 24 * 60 * 60 * 1000;

struct ForgetAnswers {
    before_ts: i64,
    clients_before_ts: i64,
    notified_before_ts: i64,
    remote_keys_before_ts: i64,
}

/// Removes what has run out. For every minute; harmless to repeat and to leave out.
///
/// # Errors
/// Only when the store fails.
pub async fn upkeep(server: &Arc<Server>) -> Result<()> {
    media::create::tidy(server).await?;
    media::preview::tidy(server).await?;
    accounts::tidy::tidy(server).await?;
    delayed_events::send_due::forget(server).await?;
    presence::expire(server).await
}

/// Forgets the answers to requests of more than 30 days ago, programs that nobody signs in with and guests whom nobody
/// uses, and lets the database overwrite what was redacted or
/// removed. Looks at all there are, so once an hour is enough.
///
/// # Errors
/// Only when the store fails.
pub async fn forget_answers(server: &Arc<Server>) -> Result<()> {
    server
        .store
        .write(ForgetAnswers {
            before_ts: server.now_ts() - ANSWER_MS,
            clients_before_ts: server.now_ts() - UNUSED_CLIENT_MS,
            notified_before_ts: server.now_ts() - NOTIFIED_MS,
            remote_keys_before_ts: server.now_ts() - REMOTE_KEYS_MS,
        })
        .await?;
    accounts::guest::tidy(server).await?;
    federation::outbox::tidy(server).await?;
    Ok(server.store.checkpoint().await?)
}

impl Work for ForgetAnswers {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.txn_delete_old(self.before_ts).await?;
        tx.received_txn_delete_old(self.before_ts).await?;
        tx.oauth_grant_delete_ended().await?;
        tx.oauth_client_delete_unused(self.clients_before_ts).await?;
        tx.notified_delete_old(self.notified_before_ts).await?;
        tx.remote_keys_delete_old(self.remote_keys_before_ts).await?;
        Ok(())
    }
}
