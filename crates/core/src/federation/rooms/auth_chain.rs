//! The auth chain of events: what allowed them, what allowed that, and so on back to the beginning of the room.

use std::collections::HashSet;

use rohrpost_store::{EventRow, EventStatus, Tx};
use ruma::{OwnedEventId, events::StateEventType};
use serde::Deserialize;

use crate::{Refusal, Result, rooms::head::Head};

/// Events that are read at once.
const BATCH: usize = 1000;
/// Events of a chain at most: of a room with so many, nobody can be told all.
const MAX_CHAIN: usize = 100_000;

/// All events that these events' authorization rests on, each once, without those events unless another one of them
/// rests on it. What was rejected allows nothing and isn't among them.
///
/// Costs one batch of reads for each thousand events and each step back.
///
/// # Errors
/// `TooLarge` for a chain of more than 100,000 events.
///
/// # Spec
/// [Auth chain](https://spec.matrix.org/v1.19/server-server-api/#auth-chain)
pub(crate) async fn auth_chain(tx: &mut Tx<'_>, head: &mut Head, of: &[EventRow]) -> Result<Vec<EventRow>> {
    let mut seen: HashSet<OwnedEventId> = HashSet::new();
    let mut chain: Vec<EventRow> = Vec::new();
    let mut next = cited(of, &mut seen)?;
    // Since version 12 every event rests on the create event without saying so.
    if let Some(create) = head.state(tx, StateEventType::RoomCreate, "").await?
        && !of.is_empty()
        && !of.iter().any(|row| row.event_id == create.event_id())
        && seen.insert(create.event_id().to_owned())
    {
        next.push(create.event_id().to_owned());
    }
    while !next.is_empty() {
        let mut found = Vec::with_capacity(next.len());
        for batch in next.chunks(BATCH) {
            let rows = tx
                .event_get_each(head.room.nid, batch.iter().map(|id| &**id))
                .await?;
            found.extend(rows.into_iter().filter(|row| row.status == EventStatus::Accepted));
            if chain.len() + found.len() > MAX_CHAIN {
                return Err(Refusal::TooLarge("the room's history is too long".to_owned()));
            }
        }
        next = cited(&found, &mut seen)?;
        chain.extend(found);
    }
    Ok(chain)
}

/// The auth events of some events, those that weren't seen yet.
fn cited(rows: &[EventRow], seen: &mut HashSet<OwnedEventId>) -> Result<Vec<OwnedEventId>> {
    #[derive(Deserialize)]
    struct Cited {
        auth_events: Vec<OwnedEventId>,
    }
    let mut ids = Vec::new();
    for row in rows {
        let cited: Cited = serde_json::from_str(&row.json)?;
        ids.extend(cited.auth_events.into_iter().filter(|id| seen.insert(id.clone())));
    }
    Ok(ids)
}
