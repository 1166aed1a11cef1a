//! Hands written mail to the mail server, again and again until it is taken or a day old.

use std::sync::Arc;

use rohrpost_store::{MailRow, Tx, Work};

use crate::{
    Refusal, Result, Server,
    ports::{Mail, MailError, Mailer},
};

/// How long mail is taken by one node, in ms: longer than handing it over takes.
const LEASE_MS: i64 = 5 * 60 * 1000;
/// Wait after the first failure, in ms; doubled with each further one.
const FIRST_RETRY_MS: i64 = 60 * 1000;
/// Longest wait, in ms.
const MAX_RETRY_MS: i64 = 60 * 60 * 1000;
/// Older mail is given up, in ms.
const MAX_AGE_MS: i64 = 24 * 60 * 60 * 1000;

enum Change {
    Delete,
    Retry { failures: i64, retry_ts: i64 },
}

struct Unit {
    nid: i64,
    change: Change,
}

struct Take {
    now_ts: i64,
    limit: u32,
}

/// Takes mail that is to be sent, for this node alone.
///
/// # Errors
/// Those of the store.
pub async fn take(server: &Arc<Server>, limit: u32) -> Result<Vec<MailRow>> {
    let now_ts = server.now_ts();
    server.store.write(Take { now_ts, limit }).await
}

impl Work for Take {
    type Out = Vec<MailRow>;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<MailRow>> {
        Ok(tx
            .mail_claim(self.now_ts, self.now_ts + LEASE_MS, self.limit)
            .await?)
    }
}

/// Hands one mail over, and forgets it when it was taken.
///
/// # Errors
/// Those of the store; the mail may be sent twice then.
pub async fn send(server: &Arc<Server>, mailer: &dyn Mailer, row: MailRow) -> Result<()> {
    let MailRow {
        nid,
        address,
        subject,
        body,
        created_ts,
        failures,
    } = row;
    let sent = mailer
        .send(Mail {
            address,
            subject,
            body,
        })
        .await;
    let now_ts = server.now_ts();
    let change = match sent {
        Err(MailError::Later) if now_ts - created_ts < MAX_AGE_MS => {
            let doubled = u32::try_from(failures).unwrap_or(u32::MAX).min(16);
            Change::Retry {
                failures: failures + 1,
                retry_ts: now_ts + (FIRST_RETRY_MS << doubled).min(MAX_RETRY_MS),
            }
        }
        Ok(()) | Err(MailError::Refused | MailError::Later) => Change::Delete,
    };
    server.store.write(Unit { nid, change }).await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        match self.change {
            Change::Delete => tx.mail_delete(self.nid).await?,
            Change::Retry { failures, retry_ts } => tx.mail_retry(self.nid, failures, retry_ts).await?,
        }
        Ok(())
    }
}
