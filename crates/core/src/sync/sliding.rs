//! Sliding sync: the rooms that a client has windows on, and what changed in them.
//!
//! The second shape of sync, over the same parts as the first: what happened is found by reading the short stretch
//! of the stream since the last answer, and rooms without news aren't looked at, however many there are. What a client
//! was sent is remembered in memory ([`connections`]). Start reading at [`sync`]; what is not here is waiting and
//! waking (`engine.rs`).

pub mod config;
pub(crate) mod connections;
mod extensions;
mod index;
mod marks;
pub mod profiles;
mod room;
mod snapshot;
pub mod sticky;

use std::{sync::Arc, time::Duration};

use rohrpost_store::{StreamPos, Tx};

use self::{config::Asked, connections::State};
pub use self::{
    extensions::{E2ee, Extensions, RoomData, Scope, ToDevice},
    room::{Hero, SlidingRoom},
    snapshot::SlidingAnswer,
};
use crate::{
    Caller, Result, Server, random,
    sync::{
        engine::{Waiter, forget_seen},
        token::SlidingPos,
    },
};

/// What is asked for.
pub struct SlidingRequest {
    /// Who asks.
    pub caller: Caller,
    /// Tells the connections of a device apart.
    pub conn_id: String,
    /// What was seen before on this connection; `None`: nothing.
    pub pos: Option<SlidingPos>,
    /// Which rooms are wanted.
    pub asked: Asked,
    /// What else is wanted.
    pub extensions: Extensions,
    /// To-device messages up to here were seen.
    pub to_device_since: Option<StreamPos>,
    /// How long to wait when nothing changed.
    pub timeout: Duration,
}

/// What changed in the rooms that the caller has windows on.
///
/// # Errors
/// `UnknownPos` when it isn't known what the client has seen; `UnknownToken` or `UserLocked` when the device is signed
/// out or the account locked while it waits.
pub async fn sync(server: &Arc<Server>, request: SlidingRequest) -> Result<SlidingAnswer> {
    let request = Arc::new(request);
    let caller = &request.caller;
    let device = (caller.user_id.clone(), caller.device_id.clone());
    let mut state = Arc::new(server.connections.at(&device, &request.conn_id, request.pos)?);
    if let Some(seen) = request.to_device_since {
        forget_seen(server, device.0.clone(), device.1.clone(), seen).await?;
    }
    let mut waiter = Waiter::new(server, &caller.user_id, request.timeout);
    let mut is_first = true;
    loop {
        let (server_, request_, before) = (Arc::clone(server), Arc::clone(&request), Arc::clone(&state));
        let store = &server.store;
        let (mut answer, after) = match is_first {
            true => {
                store
                    .read(move |tx| Box::pin(changes(server_, request_, before, tx)))
                    .await?
            }
            // Only what came while it waited: little, and somebody waits for it.
            false => {
                store
                    .look_up(move |tx| Box::pin(changes(server_, request_, before, tx)))
                    .await?
            }
        };
        let is_due = request.pos.is_none() || !answer.is_empty() || server.is_stopping();
        if is_due || !waiter.woken(server).await {
            let tag = random::tag(&*server.rng).unsigned_abs();
            answer.pos = server
                .connections
                .keep(device, &request.conn_id, request.pos, after, tag);
            return Ok(answer);
        }
        // Nothing was told, but what was looked at needn't be looked at again.
        state = Arc::new(after);
        is_first = false;
    }
}

/// What changed, for those who are still signed in.
async fn changes(
    server: Arc<Server>,
    request: Arc<SlidingRequest>,
    before: Arc<State>,
    tx: &mut Tx<'_>,
) -> Result<(SlidingAnswer, State)> {
    request.caller.check_still_signed_in(tx).await?;
    snapshot::snapshot(&server, tx, &request, &before).await
}
