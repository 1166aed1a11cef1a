//! Where the two disagree, and which disagreements are understood.

use std::sync::Arc;

use rohrpost_room::Pdu;
use rohrpost_room::receive::{allowed_by, auth_state};
use serde_json::Value;

use crate::peer::{Answer, AnsweredEvent, ids};
use crate::world::{Fork, Happened, World};

/// A fault in rules of ours, planted to see that the comparison finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Bans need no power.
    AnyoneBans,
    /// Power levels may be set to anything.
    AnyLevels,
    /// Auth events are taken as they come.
    AuthEventsUnchecked,
    /// The state before the event isn't asked.
    StateBeforeUnchecked,
    /// The first state wins.
    FirstStateWins,
}

pub(crate) const FAULTS: [Fault; 5] = [
    Fault::AnyoneBans,
    Fault::AnyLevels,
    Fault::AuthEventsUnchecked,
    Fault::StateBeforeUnchecked,
    Fault::FirstStateWins,
];

#[derive(Debug, Clone)]
pub(crate) struct Difference {
    /// Which event or fork, and what each side says.
    pub(crate) text: String,
    /// Why it is no fault of ours, if it is understood; see `known.rs`.
    pub(crate) known: Option<&'static str>,
}

/// All differences in one room.
pub(crate) fn differences(world: &World, answer: &Answer, fault: Fault) -> Vec<Difference> {
    let mut found = Vec::new();
    for (event, theirs) in world.happened.iter().zip(&answer.events) {
        found.extend(event_difference(world, event, theirs, fault));
    }
    for (fork, theirs) in world.forks.iter().zip(&answer.forks) {
        found.extend(fork_difference(world, fork, theirs.as_ref(), fault));
    }
    found
}

fn event_difference(
    world: &World,
    event: &Happened,
    theirs: &AnsweredEvent,
    fault: Fault,
) -> Option<Difference> {
    if event.pdu.event_id() != theirs.id.as_str() {
        let text = format!("event id of {}: Synapse has {}", event.pdu.json(), theirs.id);
        return Some(Difference { text, known: None });
    }
    let ours = accepts(world, event, fault);
    if ours == theirs.accepted {
        return None;
    }
    let verdict = |accepted: bool, why: &str| match accepted {
        true => "accepts".to_owned(),
        false => format!("rejects: {why}"),
    };
    Some(Difference {
        text: format!(
            "{}\n  ours {}\n  Synapse {}",
            event.pdu.json(),
            verdict(ours, &event.why),
            verdict(theirs.accepted, theirs.why.as_deref().unwrap_or_default()),
        ),
        known: crate::known::of_event(world, event, theirs),
    })
}

/// Our verdict, with the fault in it.
fn accepts(world: &World, event: &Happened, fault: Fault) -> bool {
    let pdu = &event.pdu;
    let by_auth = || {
        let auth = auth_state(pdu, &world.version, |id| world.events.get(id).cloned());
        auth.is_ok_and(|auth| allowed_by(pdu, &world.version, &auth).is_ok())
    };
    let by_state = || allowed_by(pdu, &world.version, &world.loaded(&event.before)).is_ok();
    match fault {
        Fault::None | Fault::FirstStateWins => event.accepted,
        Fault::AnyoneBans => event.accepted || event.why.contains("does not have enough power to ban"),
        Fault::AnyLevels => event.accepted || event.why.contains("does not have enough power to change"),
        Fault::AuthEventsUnchecked => by_state(),
        Fault::StateBeforeUnchecked => by_auth(),
    }
}

fn fork_difference(
    world: &World,
    fork: &Fork,
    theirs: Option<&Vec<String>>,
    fault: Fault,
) -> Option<Difference> {
    let resolved = match fault {
        Fault::FirstStateWins => fork.states.first(),
        _ => fork.resolved.as_ref(),
    };
    let ours = resolved.map(ids);
    if ours.as_ref() == theirs {
        return None;
    }
    let only = |these: Option<&Vec<String>>, those: Option<&Vec<String>>| -> Vec<String> {
        let those = those.cloned().unwrap_or_default();
        let these = these.cloned().unwrap_or_default();
        these
            .into_iter()
            .filter(|id| !those.contains(id))
            .map(|id| shown(world, &id))
            .collect()
    };
    Some(Difference {
        text: format!(
            "fork of {} states\n  only ours {:#?}\n  only Synapse's {:#?}",
            fork.states.len(),
            only(ours.as_ref(), theirs),
            only(theirs, ours.as_ref()),
        ),
        known: crate::known::of_fork(world),
    })
}

fn shown(world: &World, id: &str) -> String {
    let found: Option<&Arc<Pdu>> = world.events.values().find(|pdu| pdu.event_id() == id);
    found.map_or_else(|| id.to_owned(), |pdu| format!("{id} {}", pdu.json()))
}

/// The content of an event.
pub(crate) fn content(pdu: &Pdu) -> Value {
    serde_json::from_str(pdu.content().get()).unwrap()
}
