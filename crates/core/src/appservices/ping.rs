//! Tells an application service whether this server reaches it, and knows the token it shows.

use std::{sync::Arc, time::Duration};

use ruma::OwnedTransactionId;
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    Caller, Refusal, Result, Server,
    appservices::ask::{Question, ask},
    ports::{PostError, Verb},
};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much of an answer is shown to the service that gave it, in bytes.
const MAX_SHOWN_BYTES: usize = 4096;

#[derive(Serialize)]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<OwnedTransactionId>,
}

/// Pings the service that calls; answers how long that took.
///
/// # Errors
/// `Forbidden` unless the service of this name calls, `UrlNotSet` when it wants to be told nothing, `BadStatus`,
/// `ConnectionFailed` and `ConnectionTimeout` when it doesn't answer as it should.
///
/// # Spec
/// [Pinging](https://spec.matrix.org/v1.19/application-service-api/#post_matrixclientv1appserviceappserviceidping)
pub async fn ping(
    server: &Arc<Server>,
    caller: &Caller,
    id: &str,
    transaction_id: Option<OwnedTransactionId>,
) -> Result<Duration> {
    let own = caller.appservice.as_deref().filter(|own| *own == id);
    let service = own.and_then(|id| server.settings.appservices.get(id));
    let service = service.ok_or_else(|| {
        Refusal::Forbidden("this is for the application service of this name alone".to_owned())
    })?;
    if service.url.is_none() {
        return Err(Refusal::UrlNotSet);
    }
    let question = Question {
        verb: Verb::Post,
        path: &["ping"],
        query: &[],
        body: serde_json::to_vec(&Body { transaction_id })?,
        patience: PATIENCE,
    };
    let begin = Instant::now();
    match ask(server, service, question).await {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(begin.elapsed()),
        Ok(answer) => {
            let shown = &answer.body[..answer.body.len().min(MAX_SHOWN_BYTES)];
            Err(Refusal::BadStatus {
                status: answer.status,
                body: String::from_utf8_lossy(shown).into_owned(),
            })
        }
        Err(PostError::TimedOut) => Err(Refusal::ConnectionTimeout),
        Err(PostError::Failed | PostError::NotAllowed) => Err(Refusal::ConnectionFailed),
    }
}
