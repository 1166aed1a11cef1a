//! Joins a room that nobody here is in.

use std::{collections::HashSet, sync::Arc, time::Duration};

use rohrpost_room::{
    Pdu,
    handshake::AskedMembership,
    receive::{Kept, Received, Unverified, read},
};
use ruma::{OwnedEventId, RoomVersionId, ServerName, api::federation::membership::create_join_event};
use serde_json::value::RawValue;

use super::{
    Wanted,
    handed_over::{Made, NotMade, make, raw},
    import::{Handed, import},
    may_know_better, told, worse,
};
use crate::{Refusal, Result, Server, federation::verify::verify};

/// Longest answer, in bytes: the state of a room with tens of thousands of members.
pub(super) const MAX_BYTES: usize = 256 * 1024 * 1024;
/// Longest time for it.
pub(super) const TIMEOUT: Duration = Duration::from_secs(60);
/// Events that a room may bring.
const MAX_EVENTS: usize = 500_000;

/// Joins a room. `false`: somebody else here came in meanwhile, so it is here now.
///
/// # Errors
/// `Forbidden` when the room doesn't let the user in, `UnsupportedRoomVersion`, `Elsewhere` when no server answers or what
/// they tell of the room can't be believed.
pub(super) async fn join(server: &Arc<Server>, wanted: Wanted) -> Result<bool> {
    // Whoever comes second finds the room here.
    let _turn = server.incoming.joins.wait(wanted.room_id.clone()).await;
    if is_here(server, &wanted).await? {
        return Ok(false);
    }
    let mut refusal = None;
    for resident in &wanted.candidates {
        match join_through(server, resident, &wanted).await {
            Ok(()) => return Ok(true),
            Err(NotMade::Ask(error)) => {
                tracing::info!(room = %wanted.room_id, %resident, %error, "a room can't be joined through this server");
                let is_last = !may_know_better(&error);
                refusal = Some(worse(refusal, told(error, &wanted.room_id)));
                if is_last {
                    break;
                }
            }
            Err(NotMade::Refusal(next)) => {
                tracing::info!(room = %wanted.room_id, %resident, error = %next, "a room can't be joined through this server");
                refusal = Some(worse(refusal, next));
            }
        }
    }
    Err(refusal.unwrap_or_else(Refusal::no_way_in))
}

async fn is_here(server: &Arc<Server>, wanted: &Wanted) -> Result<bool> {
    let (server_, room_id) = (Arc::clone(server), wanted.room_id.clone());
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let head = server_.heads.peek(tx, &room_id).await?;
            Ok::<_, Refusal>(head.is_some_and(|head| !head.local_joined.is_empty()))
        })
    });
    reading.await
}

async fn join_through(server: &Arc<Server>, resident: &ServerName, wanted: &Wanted) -> Result<(), NotMade> {
    let made = make(server, resident, wanted, AskedMembership::Join).await?;
    let event_id = made.event.event_id().to_owned();
    let event = raw(&made.event).map_err(NotMade::Refusal)?;
    let request = create_join_event::v2::Request::new(wanted.room_id.clone(), event_id, event);
    tracing::info!(room = %wanted.room_id, %resident, "joining a room");
    let answer = server.ask_within(resident, request, (MAX_BYTES, TIMEOUT)).await?;
    let room = answer.room_state;
    if room.members_omitted {
        return Err(unusable("it left the members out"));
    }
    if room.state.len() + room.auth_chain.len() > MAX_EVENTS {
        return Err(unusable("the room is too large"));
    }
    tracing::info!(
        room = %wanted.room_id,
        state = room.state.len(),
        auth_chain = room.auth_chain.len(),
        "a room was handed over"
    );
    let event = countersigned(server, &made, room.event).await?;
    let (state, chain) = read_all(&made, room.state, room.auth_chain)
        .await
        .map_err(NotMade::Refusal)?;
    let count = state.len();
    let of_state: HashSet<OwnedEventId> = state.iter().map(|event| event.event_id().to_owned()).collect();
    let all = state.into_iter().chain(chain).collect();
    let verified = verify(server, all).await.map_err(NotMade::Refusal)?;
    let is_state = |received: &Received| of_state.contains(received.pdu.event_id());
    let (state, chain): (Vec<_>, Vec<_>) = verified.into_iter().partition(is_state);
    if state.len() < count {
        let dropped = count - state.len();
        tracing::warn!(room = %wanted.room_id, dropped, "state events aren't signed as they must be");
    }
    let own = |received: Received| Arc::new(received.pdu);
    let handed = Handed {
        user_id: wanted.user_id.clone(),
        version: made.version.clone(),
        join: event,
        state: state.into_iter().map(own).collect(),
        chain: chain.into_iter().map(own).collect(),
    };
    import(server, handed).await.map_err(NotMade::Refusal)?;
    tracing::info!(room = %wanted.room_id, "a room was joined");
    Ok(())
}

fn unusable(why: &'static str) -> NotMade {
    tracing::info!(why, "what another server tells of a room can't be used");
    NotMade::Refusal(Refusal::Elsewhere(
        "the other server tells of the room what can't be".to_owned(),
    ))
}

/// Our event with the signature of the other server, where it needs that.
pub(super) async fn countersigned(
    server: &Arc<Server>,
    made: &Made,
    answered: Option<Box<RawValue>>,
) -> Result<Arc<Pdu>, NotMade> {
    if !made.needs_countersign {
        return Ok(Arc::clone(&made.event));
    }
    let event = answered
        .and_then(|event| read(event.get(), made.event.room_id(), &made.version).ok())
        .filter(|event| event.event_id() == made.event.event_id());
    let Some(event) = event else {
        return Err(unusable("it didn't sign the join that it authorized"));
    };
    let verified = verify(server, vec![event]).await.map_err(NotMade::Refusal)?;
    // The same id and the content that was signed: it is our event, with more signatures.
    match verified.into_iter().next() {
        Some(received) if received.kept == Kept::Whole => Ok(Arc::new(received.pdu)),
        _ => Err(unusable("it didn't sign the join that it authorized")),
    }
}

/// Reads the state and the auth chain, each event once.
async fn read_all(
    made: &Made,
    state: Vec<Box<RawValue>>,
    chain: Vec<Box<RawValue>>,
) -> Result<(Vec<Unverified>, Vec<Unverified>)> {
    let (room_id, version) = (made.event.room_id().to_owned(), made.version.clone());
    let reading = move || {
        let mut seen = HashSet::new();
        let mut read_each = |events: Vec<Box<RawValue>>, version: &RoomVersionId| -> Vec<Unverified> {
            let known = events
                .iter()
                .filter_map(|event| read(event.get(), &room_id, version).ok());
            known
                .filter(|event| seen.insert(event.event_id().to_owned()))
                .collect()
        };
        (read_each(state, &version), read_each(chain, &version))
    };
    tokio::task::spawn_blocking(reading)
        .await
        .map_err(|error| Refusal::Internal(error.to_string()))
}
