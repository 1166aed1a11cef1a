//! Tells application services what happens to them: one transaction at a time, in order, again until it is taken.
//!
//! <https://spec.matrix.org/v1.19/application-service-api/#put_matrixappv1transactionstxnid>

use std::{sync::Arc, time::Duration};

use rohrpost_core::{
    Result, Server,
    appservices::{
        Appservice,
        transactions::{self, Transaction},
    },
};

/// How long a service that knows everything is left alone.
const TURN: Duration = Duration::from_secs(1);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// What became of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The service took a transaction.
    Taken,
    /// It knows everything.
    Idle,
    /// It didn't take it; the same is to be tried again.
    Failed,
}

/// Tells one service, until the server stops.
pub async fn run(server: Arc<Server>, service: Arc<Appservice>) {
    let mut pause = TURN;
    loop {
        let attempt = attempt(&server, &service).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "an application service can't be told at the moment; it is tried again");
            Attempt::Failed
        });
        pause = match attempt {
            Attempt::Taken => continue,
            Attempt::Idle => TURN,
            Attempt::Failed => (pause * 2).min(MAX_PAUSE),
        };
        tokio::select! {
            () = server.stopped() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Sends the next transaction of a service, if there is one.
///
/// # Errors
/// Those of the store.
pub async fn attempt(server: &Arc<Server>, service: &Arc<Appservice>) -> Result<Attempt> {
    if service.url.is_none() || server.is_stopping() {
        return Ok(Attempt::Idle);
    }
    let Some(transaction) = transactions::next(server, service).await? else {
        return Ok(Attempt::Idle);
    };
    if !send(server, service, &transaction).await {
        return Ok(Attempt::Failed);
    }
    transactions::taken(server, service, &transaction).await?;
    Ok(Attempt::Taken)
}

async fn send(server: &Server, service: &Appservice, transaction: &Transaction) -> bool {
    match transactions::tell(server, service, transaction).await {
        Ok(200..300) => true,
        Ok(status) => {
            let id = &*service.id;
            tracing::warn!(
                id,
                status,
                "an application service refused a transaction; it is tried again"
            );
            false
        }
        Err(_) => {
            tracing::warn!(
                id = &*service.id,
                "an application service doesn't answer; it is tried again"
            );
            false
        }
    }
}
