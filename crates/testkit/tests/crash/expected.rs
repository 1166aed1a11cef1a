//! What was acknowledged, and what the members see of it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    Seen,
    client::{Client, Person},
};

/// A request that was acknowledged.
pub(crate) struct Request {
    pub(crate) caller: usize,
    pub(crate) path: String,
    pub(crate) body: Value,
    /// How often it was made until there was an answer.
    pub(crate) attempts: usize,
}

/// Acknowledged events: room, event id, request.
#[derive(Default)]
pub(crate) struct Acknowledged(Vec<(String, String, Request)>);

impl Acknowledged {
    pub(crate) fn add(&mut self, room_id: &str, event_id: String, request: Request) {
        self.0.push((room_id.to_owned(), event_id, request));
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether any request was cut off and made again.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.0.iter().any(|(.., request)| request.attempts > 1)
    }

    /// Makes requests again: those that were cut off and every tenth other. Answers how many got another event id.
    pub(crate) async fn repeat(&self, client: &Client, people: &[Person]) -> usize {
        let mut changed = 0;
        for (number, (_, event_id, request)) in self.0.iter().enumerate() {
            if request.attempts > 1 || number % 10 == 0 {
                let Request {
                    caller, path, body, ..
                } = request;
                let (answer, _) = client.insist(&people[*caller], "PUT", path, body).await;
                changed += usize::from(answer["event_id"] != **event_id);
            }
        }
        changed
    }
}

/// What is wrong, counted over all members and rooms.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Acknowledged, and not seen by a member.
    pub(crate) missing: usize,
    /// Seen more than once by a member.
    twice: usize,
    /// Seen by a member, but not what any caller was told.
    unknown: usize,
    /// Repeated requests that got another answer.
    pub(crate) changed_ids: usize,
}

impl Outcome {
    /// Adds what a member saw of a room.
    pub(crate) fn compare(&mut self, acknowledged: &Acknowledged, room_id: &str, seen: &Seen) {
        let of_room = acknowledged.0.iter().filter(|(room, ..)| room == room_id);
        let told: BTreeSet<&str> = of_room.map(|(_, event_id, _)| event_id.as_str()).collect();
        self.missing += told.iter().filter(|id| !seen.contains_key(**id)).count();
        self.twice += seen.values().filter(|count| **count > 1).count();
        self.unknown += seen.keys().filter(|id| !told.contains(id.as_str())).count();
    }

    pub(crate) fn assert_nothing_lost(&self) {
        assert_eq!(*self, Self::default());
    }
}
