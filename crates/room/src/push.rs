//! Push rules: does an event notify a user, and does it highlight?
//!
//! The rules and their conditions are ruma's. An event is taken apart once and then tried against the rules of
//! every member, so that a message in a large room stays cheap. Nothing is counted or sent here. Start with
//! [`PushEvent::new`].

use std::fmt;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ruma::events::TimelineEventType;
use ruma::push::{Action, FlattenedJson, PushConditionRoomCtx, Ruleset};
use ruma::serde::Raw;
use ruma::{UInt, UserId};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::pdu::Pdu;
use crate::power::Power;

/// The longest pattern or display name that is looked for in a message, in bytes. Longer ones match nothing.
pub const MAX_PATTERN_BYTES: usize = 1024;

/// What the push rules of a user say about an event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The event counts as a notification and is pushed.
    pub notify: bool,
    /// The event is shown with emphasis. Only meaningful together with `notify`.
    pub highlight: bool,
}

/// An event, ready to be tried against the push rules of many users.
pub struct PushEvent {
    event: FlattenedJson,
    context: PushConditionRoomCtx,
}

/// Without the content, which has no place in a log.
impl fmt::Debug for PushEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushEvent")
            .field("room_id", &self.context.room_id)
            .finish_non_exhaustive()
    }
}

/// The part of an event that push rules look at. The room id comes from the context.
#[derive(Serialize)]
struct Envelope<'a> {
    content: &'a RawValue,
    sender: &'a UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_key: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'a TimelineEventType,
}

impl PushEvent {
    /// Takes the event apart. `joined_members` is the number of joined members of the room at the event, and
    /// `power` its power levels, without which nobody may notify the whole room.
    pub fn new(pdu: &Pdu, joined_members: u64, power: Option<&Power>) -> Self {
        // ruma takes JSON apart by reading it into a `Value` and expects that to work, so it is tried before.
        // Content that can't be read is content that no rule matches.
        let content = match serde_json::from_str::<Value>(pdu.content().get()) {
            Ok(_) => pdu.content(),
            Err(_) => RawValue::NULL,
        };
        let envelope = Envelope {
            content,
            sender: pdu.sender(),
            state_key: pdu.state_key(),
            kind: pdu.kind(),
        };
        let raw = Raw::new(&envelope)
            .expect("strings and JSON text under string keys can always be written")
            .cast_unchecked::<Value>();
        let mut context = PushConditionRoomCtx::new(
            pdu.room_id().to_owned(),
            UInt::new_saturating(joined_members),
            pdu.sender().to_owned(),
            String::new(),
        );
        context.power_levels = power.map(Power::for_push);
        Self {
            event: FlattenedJson::from_raw(&raw),
            context,
        }
    }

    /// What the user's rules say. A user is never notified of their own events.
    ///
    /// # Spec
    ///
    /// [Push rules](https://spec.matrix.org/v1.19/client-server-api/#push-rules)
    pub fn evaluate(&mut self, user: &UserId, display_name: &str, rules: &Ruleset) -> Outcome {
        let actions = self.actions(user, display_name, rules);
        let notify = actions.iter().any(Action::should_notify);
        Outcome {
            notify,
            highlight: notify && actions.iter().any(Action::is_highlight),
        }
    }

    /// The actions of the first of the user's rules that matches; none if none does.
    pub fn actions<'r>(&mut self, user: &UserId, display_name: &str, rules: &'r Ruleset) -> &'r [Action] {
        if self.event.get_str("sender") == Some(user.as_str()) {
            return &[];
        }
        user.clone_into(&mut self.context.user_id);
        self.context.user_display_name.clear();
        if display_name.len() <= MAX_PATTERN_BYTES {
            self.context.user_display_name.push_str(display_name);
        }
        for rule in rules {
            if rule.enabled() && ready(rule.applies(&self.event, &self.context)) {
                return rule.actions();
            }
        }
        &[]
    }
}

/// Runs a condition, which waits for nothing unless it asks for thread subscriptions; there are none here.
fn ready(condition: impl Future<Output = bool>) -> bool {
    match pin!(condition).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(applies) => applies,
        Poll::Pending => false,
    }
}

#[cfg(test)]
mod tests;
