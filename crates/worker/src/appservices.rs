//! Tells application services what happens to them: one transaction at a time, in order, again until it is taken.
//!
//! <https://spec.matrix.org/v1.19/application-service-api/#put_matrixappv1transactionstxnid>

use std::{sync::Arc, time::Duration};

use reqwest::{Client, redirect::Policy};
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
/// How long a service may take for a transaction.
const TIMEOUT: Duration = Duration::from_secs(60);

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
    let Some(client) = client() else { return };
    let mut pause = TURN;
    loop {
        let attempt = attempt(&server, &service, &client).await.unwrap_or_else(|error| {
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

/// The client for requests to services. They are in the operator's hands, so nothing is followed elsewhere.
pub fn client() -> Option<Client> {
    let client = Client::builder()
        .redirect(Policy::none())
        .timeout(TIMEOUT)
        .build();
    client
        .inspect_err(|error| tracing::error!(%error, "no request can be made to application services"))
        .ok()
}

/// Sends the next transaction of a service, if there is one.
///
/// # Errors
/// Those of the store.
pub async fn attempt(server: &Arc<Server>, service: &Arc<Appservice>, client: &Client) -> Result<Attempt> {
    let Some(url) = &service.url else {
        return Ok(Attempt::Idle);
    };
    if server.is_stopping() {
        return Ok(Attempt::Idle);
    }
    let Some(transaction) = transactions::next(server, service).await? else {
        return Ok(Attempt::Idle);
    };
    if !send(url, service, client, &transaction).await {
        return Ok(Attempt::Failed);
    }
    transactions::taken(server, service, &transaction).await?;
    Ok(Attempt::Taken)
}

async fn send(url: &str, service: &Appservice, client: &Client, transaction: &Transaction) -> bool {
    let sent = client
        .put(format!("{url}/_matrix/app/v1/transactions/{}", transaction.txn))
        .bearer_auth(service.hs_token.expose())
        .header("content-type", "application/json")
        .body(transaction.body.clone())
        .send();
    match sent.await {
        Ok(answer) if answer.status().is_success() => true,
        Ok(answer) => {
            let (id, status) = (&*service.id, answer.status().as_u16());
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
