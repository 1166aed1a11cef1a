//! Looks for the roster, and goes by it if it holds.

use std::sync::Arc;

use rohrpost_store::StoreError;
use rohrpost_trust::roster::{Document, MAX_BYTES, Members, Refusal as NotAccepted, Verified};
use serde_json::value::RawValue;

use super::{Held, RosterRules, keep::Kept, rules};
use crate::{
    Refusal, Result, Server,
    ports::{RosterSource, RosterSourceError},
};

/// How often a document is decided over again because another node accepted one meanwhile.
const MAX_RACES: usize = 5;

/// What a look for the roster brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// A document that follows the one before. This server goes by it now.
    Accepted,
    /// The document that is known.
    Same,
    /// A document that doesn't hold. This server goes on by the one before, as long as that counts.
    Refused(NotAccepted),
    /// Nothing. This server goes on by the one before, as long as that counts.
    Unread(RosterSourceError),
}

impl Look {
    fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Same => "same",
            Self::Refused(_) => "refused",
            Self::Unread(_) => "unread",
        }
    }
}

/// Looks for the roster where it lies, and goes by it from now on if it holds. What another node of this server accepted
/// counts here, too.
///
/// # Errors
/// Those of the store. That there is no document or none that holds is no error.
pub async fn refresh(server: &Arc<Server>, source: &dyn RosterSource) -> Result<Look> {
    let Some(rules) = rules(server) else {
        return Err(Refusal::Internal("this server goes by no roster".to_owned()));
    };
    let _one_at_a_time = server.roster.looking.lock().await;
    recall(server, rules).await?;
    let look = match read(source).await? {
        Ok((bytes, document)) => take(server, rules, bytes, document).await?,
        Err(look) => look,
    };
    metrics::counter!("rohrpost_roster_looks_total", "outcome" => look.name()).increment(1);
    Ok(look)
}

/// Takes up what was accepted before this start.
///
/// # Errors
/// Those of the store. What is kept and can't be used leaves this server alone, without other servers.
pub(crate) async fn resume(server: &Arc<Server>) -> Result<(), StoreError> {
    let Some(rules) = rules(server) else { return Ok(()) };
    match recall(server, rules).await {
        Err(Refusal::Store(error)) => Err(error),
        Err(error) => {
            tracing::error!(%error, "the roster that was accepted last can't be used");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Takes up what is kept, unless it is what this server goes by already.
async fn recall(server: &Arc<Server>, rules: &RosterRules) -> Result<()> {
    let kept = Kept::trusted(server, rules).await?;
    let Some(last) = kept.trusted.last() else {
        return Ok(());
    };
    if server
        .roster
        .held()
        .is_some_and(|held| held.members.hash() == last.hash)
    {
        return Ok(());
    }
    let Some((kept, bytes)) = Kept::whole(server, rules).await? else {
        return Ok(());
    };
    let recalled = blocking(move || {
        let document = Document::parse(&bytes)?;
        Ok::<_, NotAccepted>((kept.trusted.recall(&document)?, bytes))
    });
    match recalled.await? {
        Ok((verified, bytes)) => hold(server, rules, verified, bytes)?,
        Err(refusal) => {
            tracing::warn!(
                reason = %refusal,
                "the roster that was accepted last no longer counts; this server speaks with nobody before there is a new one"
            );
        }
    }
    Ok(())
}

/// Reads a document. The inner error is what the look brought then.
pub(super) async fn read(source: &dyn RosterSource) -> Result<Result<(Vec<u8>, Arc<Document>), Look>> {
    let bytes = match source.read(MAX_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => return Ok(Err(Look::Unread(error))),
    };
    let parsed =
        blocking(move || Document::parse(&bytes).map(|document| (bytes, Arc::new(document)))).await?;
    Ok(parsed.map_err(|malformed| Look::Refused(malformed.into())))
}

/// Decides over a document, by what is kept.
pub(super) async fn decide(
    server: &Arc<Server>,
    rules: &RosterRules,
    document: &Arc<Document>,
) -> Result<(Kept, Result<Verified, NotAccepted>)> {
    let kept = Kept::trusted(server, rules).await?;
    let (document, now, grace_ms) = (Arc::clone(document), server.now(), rules.grace_ms);
    blocking(move || {
        let verified = kept.trusted.verify(&document, now, grace_ms);
        (kept, verified)
    })
    .await
}

async fn take(
    server: &Arc<Server>,
    rules: &RosterRules,
    bytes: Vec<u8>,
    document: Arc<Document>,
) -> Result<Look> {
    for _ in 0..MAX_RACES {
        let (kept, verified) = decide(server, rules, &document).await?;
        let verified = match verified {
            Ok(verified) => verified,
            Err(refusal) => return Ok(Look::Refused(refusal)),
        };
        let trusted = kept.trusted.after(&verified);
        let is_held = || {
            let held = server.roster.held();
            held.is_some_and(|held| held.members.hash() == document.hash())
        };
        if trusted == kept.trusted && is_held() {
            return Ok(Look::Same);
        }
        let look = if verified.is_new() {
            Look::Accepted
        } else {
            Look::Same
        };
        if kept.replace(server, &trusted, bytes.clone()).await? {
            hold(server, rules, verified, bytes)?;
            return Ok(look);
        }
    }
    Err(Refusal::Conflict(
        "other nodes of this server keep accepting rosters".to_owned(),
    ))
}

fn hold(server: &Server, rules: &RosterRules, verified: Verified, bytes: Vec<u8>) -> Result<()> {
    let text = String::from_utf8(bytes).map_err(|error| Refusal::Internal(error.to_string()))?;
    server.roster.hold(Held {
        members: Members::new(verified, rules.grace_ms),
        document: RawValue::from_string(text)?,
    });
    Ok(())
}

/// Away from those who wait for answers: a large document takes a moment.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Refusal::Internal(error.to_string()))
}
