//! The join rule of rooms that don't say any: `invite`.
//!
//! The text of the authorization rules doesn't say so yet, but its authors do
//! (<https://github.com/matrix-org/matrix-spec/issues/657>), and other servers decide by it. ruma lets nobody join such a
//! room. So that servers agree about who is in it, ruma is shown an event that says `invite`. A rule that is there and
//! unknown still lets nobody in.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use ruma::events::room::member::MembershipState;
use ruma::events::{StateEventType, TimelineEventType};
use ruma::{EventId, OwnedEventId, RoomId, event_id};
use serde_json::value::RawValue;

use crate::build::AuthState;
use crate::pdu::Pdu;

const INVITE: &str = r#"{"join_rule":"invite"}"#;

/// Looks an accepted event up in a state for the authorization rules.
pub(crate) fn look_up(state: &AuthState, kind: &StateEventType, key: &str) -> Option<Arc<Pdu>> {
    let found = state
        .get(&(kind.to_owned(), key.to_owned()))
        .filter(|pdu| !pdu.is_rejected());
    match found {
        Some(pdu) => Some(said(Arc::clone(pdu))),
        None if *kind == StateEventType::RoomJoinRules && key.is_empty() => {
            // Any event of the room tells which room it is.
            state.values().next().and_then(|pdu| unsaid(pdu.room_id()))
        }
        None => None,
    }
}

/// Events as state resolution reads them.
///
/// ruma judges an event there by the events it cites, and by those of the state so far where there are some. So each join
/// is shown as citing, before all others, join rules that say `invite`: any that are really there take their place.
pub(crate) struct View<F> {
    fetch: F,
    unsaid: Option<Arc<Pdu>>,
    changed: RefCell<BTreeMap<OwnedEventId, Arc<Pdu>>>,
}

impl<F: Fn(&EventId) -> Option<Arc<Pdu>>> View<F> {
    /// Shows the events that `fetch` gives.
    pub(crate) fn new<'a>(fetch: F, mut events: impl Iterator<Item = &'a OwnedEventId>) -> Self {
        let unsaid = events
            .find_map(|id| fetch(id))
            .and_then(|pdu| unsaid(pdu.room_id()));
        Self {
            fetch,
            unsaid,
            changed: RefCell::default(),
        }
    }

    pub(crate) fn get(&self, id: &EventId) -> Option<Arc<Pdu>> {
        if let Some(unsaid) = self.unsaid.as_ref().filter(|unsaid| unsaid.event_id() == id) {
            return Some(Arc::clone(unsaid));
        }
        let pdu = (self.fetch)(id)?;
        let Some(unsaid) = self.unsaid.as_ref().filter(|_| is_join(&pdu)) else {
            return Some(said(pdu));
        };
        // Read many times over, changed once.
        let mut changed = self.changed.borrow_mut();
        let shown = changed
            .entry(id.to_owned())
            .or_insert_with(|| Arc::new(Pdu::clone(&pdu).with_auth_event_first(unsaid.event_id())));
        Some(Arc::clone(shown))
    }
}

fn is_join(pdu: &Pdu) -> bool {
    *pdu.kind() == TimelineEventType::RoomMember && pdu.membership() == Some(MembershipState::Join)
}

/// The event as the authorization rules read it: join rules that name no rule say `invite`.
fn said(pdu: Arc<Pdu>) -> Arc<Pdu> {
    let is_join_rules = *pdu.kind() == TimelineEventType::RoomJoinRules && pdu.state_key() == Some("");
    if !is_join_rules {
        return pdu;
    }
    match pdu.content_as::<serde_json::Map<String, serde_json::Value>>() {
        Ok(content) if !content.contains_key("join_rule") => match RawValue::from_string(INVITE.to_owned()) {
            Ok(content) => Arc::new(Pdu::clone(&pdu).with_content_for_rules(content)),
            Err(_) => pdu,
        },
        _ => pdu,
    }
}

/// What stands for join rules that aren't there. Its id is nobody's and it never leaves the check.
fn unsaid(room_id: &RoomId) -> Option<Arc<Pdu>> {
    let json = format!(
        r#"{{"type":"m.room.join_rules","state_key":"","sender":"@nobody:invalid","content":{INVITE},"origin_server_ts":0,"depth":0,"prev_events":[],"auth_events":[]}}"#
    );
    let id = event_id!("$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    Pdu::from_stored(room_id, id, &json).ok().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use ruma::RoomVersionId;
    use serde_json::json;

    use crate::resolve::resolve;
    use crate::test_room::{ALICE, BOB, CAROL, TestRoom, VERSIONS, event, member};

    /// A room whose join rules have this content, or that has none.
    fn room(version: &RoomVersionId, rules: Option<serde_json::Value>) -> TestRoom {
        let mut room = TestRoom::empty(version);
        room.send(room.create_event());
        room.send(member(ALICE, ALICE, "join"));
        room.send(room.power_levels(json!({})));
        if let Some(content) = rules {
            room.send(event(ALICE, "m.room.join_rules", Some(""), content));
        }
        room
    }

    #[test]
    fn a_room_that_says_no_join_rule_is_joined_by_the_invited_only() {
        for version in VERSIONS {
            for rules in [None, Some(json!({})), Some(json!({"allow": []}))] {
                let mut room = room(&version, rules);
                assert!(room.build(member(BOB, BOB, "join")).is_err());
                assert!(room.build(member(BOB, BOB, "knock")).is_err());
                room.send(member(ALICE, BOB, "invite"));
                assert!(room.build(member(BOB, BOB, "join")).is_ok());
            }
        }
    }

    #[test]
    fn a_rule_that_is_there_and_unknown_lets_nobody_in() {
        for version in VERSIONS {
            for rule in [
                json!("private"),
                json!("org.example.dance"),
                json!(5),
                json!(null),
            ] {
                let mut room = room(&version, Some(json!({"join_rule": rule})));
                // Not even ruma's inviting depends on it.
                room.send(member(ALICE, BOB, "invite"));
                assert!(room.build(member(BOB, BOB, "join")).is_err(), "{rule}");
            }
        }
    }

    #[test]
    fn a_fork_resolves_where_no_rules_are_cited() {
        for version in VERSIONS {
            let mut base = room(&version, None);
            base.send(member(ALICE, CAROL, "invite"));
            let mut joined = base.clone();
            joined.send(member(CAROL, CAROL, "join"));
            let states = [joined.state_map(), base.state_map()];
            let chains = vec![joined.auth_chain(), base.auth_chain()];
            let resolved = resolve(&version, &states, chains, |id| joined.events.get(id).cloned()).unwrap();
            let key = (ruma::events::StateEventType::RoomMember, CAROL.to_owned());
            assert_eq!(resolved[&key], states[0][&key], "{version}");
        }
    }

    #[test]
    fn a_fork_resolves_with_the_rule_that_isnt_said() {
        for version in VERSIONS {
            let mut base = room(&version, Some(json!({"join_rule": "public"})));
            base.send(member(ALICE, CAROL, "invite"));
            let mut joined = base.clone();
            joined.send(member(CAROL, CAROL, "join"));
            let mut unsaid = base.clone();
            unsaid.send(event(ALICE, "m.room.join_rules", Some(""), json!({})));
            let states = [joined.state_map(), unsaid.state_map()];
            let chains = vec![joined.auth_chain(), unsaid.auth_chain()];
            let fetch = |id: &ruma::EventId| joined.events.get(id).or_else(|| unsaid.events.get(id)).cloned();
            let resolved = resolve(&version, &states, chains, fetch).unwrap();
            let key = (ruma::events::StateEventType::RoomMember, CAROL.to_owned());
            assert_eq!(resolved[&key], states[0][&key], "{version}");
        }
    }
}
