//! Differences that were looked at and are understood. Each says who reads the specification how.
//!
//! They are recognized as narrowly as possible where one event is concerned. What a resolved fork owes to them can't be
//! told from its result, so a fork counts as understood in a room in which the first of them could have had a part. Few
//! rooms are made so, and in all others forks must agree.

use ruma::events::TimelineEventType;
use serde_json::Value;

use crate::compare::content;
use crate::peer::AnsweredEvent;
use crate::world::{Happened, World};

/// Synapse also asks whether the *target* of a membership is of the creator's server where `m.federate` is false. The
/// specification asks this of the sender only.
pub(crate) const TARGET_FROM_ELSEWHERE: &str = "target from elsewhere in a room that isn't federated";

/// "For the properties users_default, ... check if they were added, changed or removed. For each found alteration: if the
/// current value is higher than the sender's current power level, reject." Where a property isn't there, ruma takes its
/// default for its value and Synapse takes it for no value, which is never too high.
pub(crate) const LEVEL_BY_DEFAULT: &str = "a level that is only there by default";

const FIELDS: [&str; 7] = [
    "users_default",
    "events_default",
    "state_default",
    "ban",
    "redact",
    "kick",
    "invite",
];

pub(crate) fn of_event(world: &World, event: &Happened, theirs: &AnsweredEvent) -> Option<&'static str> {
    let pdu = &event.pdu;
    let (ours, theirs_accept) = (event.accepted, theirs.accepted);
    if ours && !theirs_accept && is_closed(world) && *pdu.kind() == TimelineEventType::RoomMember {
        let elsewhere = pdu.state_key().is_some_and(|key| !key.ends_with(":a.example"));
        return elsewhere.then_some(TARGET_FROM_ELSEWHERE);
    }
    if !ours && theirs_accept && *pdu.kind() == TimelineEventType::RoomPowerLevels {
        let by_default = FIELDS.iter().any(|field| {
            event.why.starts_with(&format!(
                "sender does not have enough power to change the power level of `{field}`"
            )) && lacks_a_level(world, field)
        });
        return by_default.then_some(LEVEL_BY_DEFAULT);
    }
    None
}

pub(crate) fn of_fork(world: &World) -> Option<&'static str> {
    is_closed(world).then_some(TARGET_FROM_ELSEWHERE)
}

fn is_closed(world: &World) -> bool {
    world
        .happened
        .first()
        .is_some_and(|create| content(&create.pdu).get("m.federate") == Some(&Value::Bool(false)))
}

/// Whether some power levels of the room don't say this one.
fn lacks_a_level(world: &World, field: &str) -> bool {
    world
        .happened
        .iter()
        .filter(|event| *event.pdu.kind() == TimelineEventType::RoomPowerLevels)
        .any(|event| content(&event.pdu).get(field).is_none())
}
