//! State resolution: one state out of the states that a forked room has at its heads.
//!
//! The algorithm is ruma's. What is added is the conflicted state subgraph of room version 12, walked through
//! the same fetch function. Loading events and auth chains is the caller's work. Start with [`resolve`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ruma::events::StateEventType;
use ruma::room_version_rules::StateResolutionVersion;
use ruma::state_res::utils::event_id_set::EventIdSet;
use ruma::{EventId, OwnedEventId, RoomVersionId};

use crate::join_rule::View;
use crate::pdu::Pdu;
use crate::version::rules;

/// A room's state: which event holds at each event type and state key.
pub type StateMap = BTreeMap<(StateEventType, String), OwnedEventId>;

/// Why a state can't be resolved.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The room version isn't supported.
    #[error("room version {0} is not supported")]
    UnsupportedVersion(RoomVersionId),
    /// There must be one auth chain for each state.
    #[error("{states} states came with {chains} auth chains")]
    Chains {
        /// How many states there are.
        states: usize,
        /// How many auth chains there are.
        chains: usize,
    },
    /// An event that the algorithm needs is missing or isn't what it must be.
    #[error("state can't be resolved: {0}")]
    Failed(#[from] ruma::state_res::Error),
}

/// Resolves the states after the room's heads into one.
///
/// `auth_chains` has, for each of `states` and in the same order, the ids of all events that are reachable over
/// `auth_events` from the events of that state. `fetch` gives events of this room only, whole; an event it
/// doesn't know is treated as if it weren't there, and a rejected one must be marked as such.
///
/// The result doesn't depend on the order of the states.
///
/// # Errors
///
/// The version isn't supported, or an event of the room can't be read; see [`ResolveError`].
///
/// # Spec
///
/// [State resolution](https://spec.matrix.org/v1.19/rooms/v12/#state-resolution)
pub fn resolve(
    version: &RoomVersionId,
    states: &[StateMap],
    auth_chains: Vec<BTreeSet<OwnedEventId>>,
    fetch: impl Fn(&EventId) -> Option<Arc<Pdu>>,
) -> Result<StateMap, ResolveError> {
    let unsupported = || ResolveError::UnsupportedVersion(version.to_owned());
    let rules = rules(version).ok_or_else(unsupported)?;
    let StateResolutionVersion::V2(state_res_rules) = &rules.state_res else {
        return Err(unsupported());
    };
    if states.len() != auth_chains.len() {
        return Err(ResolveError::Chains {
            states: states.len(),
            chains: auth_chains.len(),
        });
    }
    let Some((first, others)) = states.split_first() else {
        return Ok(StateMap::new());
    };
    if others.iter().all(|state| state == first) {
        return Ok(first.clone());
    }

    // A rejected event is never part of the state; one that got here is treated as unknown.
    let view = View::new(
        |id: &EventId| fetch(id).filter(|pdu| !pdu.is_rejected()),
        first.values(),
    );
    let fetch = |id: &EventId| view.get(id);
    let states: Vec<HashMap<_, _>> = states
        .iter()
        .map(|state| state.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
        .collect();
    let auth_chains = auth_chains
        .into_iter()
        .map(|chain| chain.into_iter().collect())
        .collect();
    let resolved = ruma::state_res::resolve(
        &rules.authorization,
        state_res_rules,
        &states,
        auth_chains,
        &fetch,
        |conflicted| Some(conflicted_subgraph(conflicted.values().flatten(), fetch)),
    )?;
    Ok(resolved.into_iter().collect())
}

/// "Starting from an event in the conflicted state set and following auth_events edges may lead to another
/// event in the conflicted state set. The union of all such paths between any pair of events in the conflicted
/// state set (including endpoints) forms the conflicted state subgraph."
fn conflicted_subgraph<'a>(
    conflicted: impl Iterator<Item = &'a OwnedEventId>,
    fetch: impl Fn(&EventId) -> Option<Arc<Pdu>>,
) -> EventIdSet<OwnedEventId> {
    let conflicted: BTreeSet<OwnedEventId> = conflicted.cloned().collect();
    // For each event on the way: does it lead to a conflicted event? `None` while its auth events are walked.
    let mut leads: BTreeMap<OwnedEventId, bool> = BTreeMap::new();
    let mut open: BTreeSet<OwnedEventId> = BTreeSet::new();
    let mut stack: Vec<OwnedEventId> = conflicted.iter().cloned().collect();

    while let Some(id) = stack.last().cloned() {
        if leads.contains_key(&id) {
            stack.pop();
            continue;
        }
        let Some(pdu) = fetch(&id) else {
            leads.insert(id, false);
            stack.pop();
            continue;
        };
        if open.insert(id.clone()) {
            stack.extend(
                pdu.auth_events()
                    .iter()
                    .filter(|auth| !leads.contains_key(*auth))
                    .cloned(),
            );
            continue;
        }
        let leads_on = pdu
            .auth_events()
            .iter()
            .any(|auth| leads.get(auth).copied().unwrap_or(false));
        leads.insert(id.clone(), leads_on || conflicted.contains(&id));
        stack.pop();
    }
    leads
        .into_iter()
        .filter_map(|(id, leads)| leads.then_some(id))
        .collect()
}

#[cfg(test)]
mod tests;
