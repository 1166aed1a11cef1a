//! Restarts, cancels or sends a planned event. Whoever knows its id may do this, signed in or not: so a program that
//! carries the call can say that somebody is gone.

use std::{net::IpAddr, sync::Arc};

use rohrpost_store::{Tx, Work};

use crate::{
    Caller, Refusal, Result, Server,
    accounts::address_key,
    delayed_events::deliver::{When, deliver},
    limits::Kind,
};

/// What is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Its time begins anew.
    Restart,
    /// It is never sent.
    Cancel,
    /// It is sent now.
    Send,
}

struct Unit {
    delay_id: String,
    action: Action,
    now_ts: i64,
}

/// Does it. An event that was sent can be sent again, and one that was cancelled be cancelled again, without any
/// further effect.
///
/// # Errors
/// `NotFound` when there is no such event, `Conflict` when another decision was made about it, `LimitExceeded`; those
/// of sending the event.
pub async fn update(
    server: &Arc<Server>,
    caller: Option<&Caller>,
    address: IpAddr,
    delay_id: String,
    action: Action,
) -> Result<()> {
    match caller {
        Some(caller) => server.limit(Kind::General, caller.user_id.as_str())?,
        None => server.limit(Kind::General, &address_key(address))?,
    }
    if action != Action::Send {
        let now_ts = server.now_ts();
        return server
            .store
            .write(Unit {
                delay_id,
                action,
                now_ts,
            })
            .await;
    }
    let wanted = delay_id.clone();
    let found = server
        .store
        .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.delayed_event_get(&wanted).await?) }))
        .await?;
    let event = found.ok_or_else(not_found)?;
    if event.finalised_ts.is_none() {
        server.limit(Kind::Message, event.user_id.as_str())?;
        if deliver(server, event, When::Now).await?.is_some() {
            return Ok(());
        }
    }
    // Somebody decided before; what they decided says whether that is good.
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                match tx.delayed_event_get(&delay_id).await? {
                    Some(event) if event.event_id.is_some() => Ok(()),
                    Some(_) => Err(conflict()),
                    None => Err(not_found()),
                }
            })
        })
        .await
}

fn not_found() -> Refusal {
    Refusal::not_found("this planned event was")
}

fn conflict() -> Refusal {
    Refusal::Conflict(
        "this event was sent or cancelled before; ask for it to see what became of it".to_owned(),
    )
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let event = tx
            .delayed_event_lock(&self.delay_id)
            .await?
            .ok_or_else(not_found)?;
        match (self.action, event.finalised_ts.is_some(), &event.event_id) {
            (Action::Cancel, true, None) => Ok(()),
            (_, true, _) => Err(conflict()),
            (Action::Cancel, false, _) => Ok(tx.delayed_event_cancelled(&self.delay_id, self.now_ts).await?),
            (_, false, _) => Ok(tx.delayed_event_restart(&self.delay_id, self.now_ts).await?),
        }
    }
}
