//! Asks application services whether a user or a room of theirs should be there that isn't there yet. One that says
//! yes has made it before it answers.
//!
//! Asked only for somebody who is signed in, and never of the service that asks itself.
//!
//! <https://spec.matrix.org/v1.19/application-service-api/#querying>

use std::{sync::Arc, time::Duration};

use futures_util::{TryStreamExt as _, stream};
use ruma::{OwnedUserId, RoomAliasId};

use crate::{
    Caller, Refusal, Result, Server,
    appservices::{
        Appservice,
        ask::{Question, ask},
    },
    limits::Kind,
    ports::Verb,
};

/// How often a service is asked that doesn't answer.
const ATTEMPTS: usize = 3;
/// How long each answer may take: together they end before the request for which it is asked.
const PATIENCE: Duration = Duration::from_secs(20);
/// The pause between attempts.
const PAUSE: Duration = Duration::from_millis(300);
/// Users that are asked about at the same time for one request.
const AT_ONCE: usize = 8;

/// The services that a caller may have asked, of those that `owns` picks.
fn asked<'a>(
    server: &'a Server,
    caller: &'a Caller,
    owns: impl Fn(&Appservice) -> bool + 'a,
) -> impl Iterator<Item = &'a Arc<Appservice>> {
    let is_other = move |service: &&Arc<Appservice>| caller.appservice.as_ref() != Some(&service.id);
    let services = server.settings.appservices.iter().filter(is_other);
    services.filter(move |service| service.url.is_some() && owns(service))
}

/// Asks about the users among these who have no account here and whose names are a service's.
///
/// # Errors
/// `ServiceTimedOut` when a service doesn't answer, `LimitExceeded` when the caller asks too often.
pub(crate) async fn users(server: &Arc<Server>, caller: &Caller, user_ids: &[OwnedUserId]) -> Result<()> {
    let is_claimed = |user_id: &&OwnedUserId| {
        asked(server, caller, |service| service.owns_user(user_id))
            .next()
            .is_some()
    };
    let mut claimed: Vec<OwnedUserId> = user_ids.iter().filter(is_claimed).cloned().collect();
    if claimed.is_empty() {
        return Ok(());
    }
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let mut known = tx.user_is_known_each(&claimed).await?.into_iter();
            claimed.retain(|_| known.next() == Some(false));
            Ok::<_, Refusal>(claimed)
        })
    });
    let unknown = reading.await?;
    if unknown.is_empty() {
        return Ok(());
    }
    server.limit(Kind::General, caller.user_id.as_str())?;
    stream::iter(unknown.iter().map(Ok))
        .try_for_each_concurrent(AT_ONCE, |user_id| async move {
            let services: Vec<_> = asked(server, caller, |service| service.owns_user(user_id)).collect();
            for service in services {
                if is_there(server, service, ["users", user_id.as_str()]).await? {
                    break;
                }
            }
            Ok(())
        })
        .await
}

/// Asks about an alias of this server that leads nowhere; `true`: it should lead somewhere by now.
///
/// # Errors
/// `ServiceTimedOut` when a service doesn't answer, `LimitExceeded` when the caller asks too often.
pub(crate) async fn alias(server: &Arc<Server>, caller: &Caller, alias: &RoomAliasId) -> Result<bool> {
    if alias.server_name() != server.name() {
        return Ok(false);
    }
    let services: Vec<_> = asked(server, caller, |service| service.owns_alias(alias)).collect();
    if !services.is_empty() {
        server.limit(Kind::General, caller.user_id.as_str())?;
    }
    for service in services {
        if is_there(server, service, ["rooms", alias.as_str()]).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn is_there(server: &Server, service: &Appservice, path: [&str; 2]) -> Result<bool> {
    let _turn = server
        .questions
        .acquire()
        .await
        .map_err(|_| Refusal::ServiceTimedOut)?;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let question = Question {
            verb: Verb::Get,
            path: &path,
            query: &[],
            body: Vec::new(),
            patience: PATIENCE,
        };
        match ask(server, service, question).await {
            Ok(answer) if (200..300).contains(&answer.status) => return Ok(true),
            Ok(answer) => {
                if answer.status != 404 {
                    let (id, status) = (&*service.id, answer.status);
                    tracing::warn!(id, status, "an application service refused a question");
                }
                return Ok(false);
            }
            Err(_) => {}
        }
    }
    tracing::warn!(
        id = &*service.id,
        "an application service doesn't answer a question"
    );
    Err(Refusal::ServiceTimedOut)
}
