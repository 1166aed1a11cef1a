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
use serde_json::value::{RawValue, to_raw_value};

use crate::pdu::Pdu;
use crate::power::Power;

/// The longest pattern or display name that is looked for in a message, in bytes.
const MAX_PATTERN_BYTES: usize = 256;
/// The most wildcards in a pattern or display name that is looked for.
const MAX_WILDCARDS: usize = 5;
/// How much of each text in an event patterns are compared with, in bytes. The time for a comparison grows with it,
/// and so does the depth of ruma's search for words, which calls itself for each of them.
const MAX_TEXT_BYTES: usize = 4096;

/// Whether a pattern or display name is looked for: it has at most 256 bytes and 5 wildcards. Others would let one
/// user keep a server busy with their rules.
pub fn is_pattern_in_bounds(pattern: &str) -> bool {
    pattern.len() <= MAX_PATTERN_BYTES && pattern.matches(['*', '?']).count() <= MAX_WILDCARDS
}

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
    /// Takes the event apart; of each text longer than 4 KiB only the beginning is looked at. `joined_members` is the number of joined members of the room at the event, and
    /// `power` its power levels, without which nobody may notify the whole room.
    pub fn new(pdu: &Pdu, joined_members: u64, power: Option<&Power>) -> Self {
        // ruma takes JSON apart by reading it into a `Value` and expects that to work, so it is tried before.
        // Content that can't be read is content that no rule matches.
        let content = pdu.content();
        let shortened;
        let content = match serde_json::from_str::<Value>(content.get()) {
            Ok(_) if content.get().len() <= MAX_TEXT_BYTES => content,
            Ok(value) => {
                shortened = shorten(value);
                shortened.as_deref().unwrap_or(RawValue::NULL)
            }
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
        if is_pattern_in_bounds(display_name) {
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

/// Content with only the beginning of its long texts. None if it can't be read any more: serde_json gives a meaning
/// to some names of properties when they come first, and writing sorts them.
fn shorten(mut content: Value) -> Option<Box<RawValue>> {
    cut(&mut content);
    let written = to_raw_value(&content).ok()?;
    serde_json::from_str::<Value>(written.get()).ok()?;
    Some(written)
}

fn cut(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > MAX_TEXT_BYTES => {
            let end = (0..=MAX_TEXT_BYTES).rev().find(|end| text.is_char_boundary(*end));
            text.truncate(end.unwrap_or(0));
        }
        Value::Array(values) => values.iter_mut().for_each(cut),
        Value::Object(fields) => fields.values_mut().for_each(cut),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
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
