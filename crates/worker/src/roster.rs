//! Looks for a new roster of the federation: at the start, when its time has come, and when the operator asks for it.
//!
//! What a look brings is decided in `rohrpost-core`; here is when, and what is said about it. A look that failed is made
//! again soon, later each time, and at the usual time at the latest.

use std::{sync::Arc, time::Duration};

use rohrpost_core::{
    Result, Server,
    federation::roster::{self, Look, Standing},
    ports::RosterSource,
};
use tokio::time::{Instant, sleep_until};

/// The first pause after a look that failed.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// How often a concern is said again.
const SAY_AGAIN: Duration = Duration::from_secs(60 * 60);
/// How often it is noticed, between two looks, that the roster has come to its end.
const WATCH: Duration = Duration::from_secs(60);

/// Runs until the server stops. Without trouble, `every` is the time from one look to the next.
pub async fn run(server: Arc<Server>, source: Arc<dyn RosterSource>, every: Duration) {
    let mut pause = FIRST_PAUSE;
    let mut said = Said::default();
    loop {
        let looked = tokio::select! {
            looked = turn(&server, &*source) => looked,
            // Nothing is lost: what is half done is not kept.
            () = server.stopped() => return,
        };
        let wait = match looked {
            Ok(Look::Accepted | Look::Same) => {
                pause = FIRST_PAUSE;
                every
            }
            Ok(Look::Refused(_) | Look::Unread(_)) | Err(_) => {
                let wait = pause.min(every);
                pause = wait * 2;
                wait
            }
        };
        said.say(roster::report(&server));
        let until = Instant::now() + wait;
        while Instant::now() < until {
            tokio::select! {
                () = server.stopped() => return,
                () = roster::wanted(&server) => break,
                () = sleep_until(until.min(Instant::now() + WATCH)) => {
                    said.say(roster::report(&server));
                }
            }
        }
    }
}

/// Looks once, and says what it brought.
///
/// # Errors
/// Those of the store.
pub async fn turn(server: &Arc<Server>, source: &dyn RosterSource) -> Result<Look> {
    let look = roster::refresh(server, source).await;
    match &look {
        Ok(Look::Accepted) => tracing::info!("a new roster of the federation was accepted"),
        Ok(Look::Same) => {}
        Ok(Look::Refused(reason)) => {
            tracing::error!(%reason, "the roster that lies where it should is not accepted");
        }
        Ok(Look::Unread(reason)) => tracing::warn!(%reason, "the roster of the federation can't be read"),
        Err(error) => {
            tracing::error!(%error, "the roster of the federation can't be looked for; it is tried again")
        }
    }
    look
}

/// What was said last of how the roster stands, and when.
#[derive(Default)]
struct Said(Option<(Standing, Instant)>);

impl Said {
    /// Says how the roster stands, if that is news or a concern that was said long ago.
    fn say(&mut self, standing: Option<Standing>) {
        let Some(standing) = standing else { return };
        let is_known = self.0.as_ref().is_some_and(|(said, at)| {
            *said == standing && (said.concern.is_none() || at.elapsed() < SAY_AGAIN)
        });
        if is_known {
            return;
        }
        let Standing { title, concern } = &standing;
        match concern {
            None => tracing::info!(roster = title, "the federation is open"),
            Some(concern) if concern.is_closed => {
                tracing::error!(roster = title, concern = concern.text, "THE FEDERATION IS CLOSED");
            }
            Some(concern) => {
                tracing::warn!(roster = title, concern = concern.text, "the roster needs a look")
            }
        }
        self.0 = Some((standing, Instant::now()));
    }
}
