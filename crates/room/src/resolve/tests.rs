//! Real forks, resolved: concurrent bans, power changes, and whatever chance makes of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_assert, prop_assert_eq, proptest};
use ruma::events::StateEventType;
use ruma::{EventId, OwnedEventId, RoomVersionId};
use serde_json::{Value, json};

use super::{ResolveError, StateMap, conflicted_subgraph, resolve};
use crate::build::NewEvent;
use crate::pdu::Pdu;
use crate::test_room::{ALICE, BOB, CAROL, DORA, TestRoom, VERSIONS, event, member, user};

fn fetch<'a>(forks: &'a [TestRoom]) -> impl Fn(&EventId) -> Option<Arc<Pdu>> + 'a {
    |id| forks.iter().find_map(|fork| fork.events.get(id).cloned())
}

fn merge(forks: &[TestRoom]) -> StateMap {
    let states: Vec<_> = forks.iter().map(TestRoom::state_map).collect();
    let chains = forks.iter().map(TestRoom::auth_chain).collect();
    resolve(&forks[0].version, &states, chains, fetch(forks)).unwrap()
}

/// The content that holds at a type and state key after the forks have met.
fn held(forks: &[TestRoom], kind: StateEventType, state_key: &str) -> Option<Value> {
    let id = merge(forks).get(&(kind, state_key.to_owned()))?.clone();
    Some(fetch(forks)(&id)?.content_as().unwrap())
}

fn name(sender: &str, name: &str) -> NewEvent {
    event(sender, "m.room.name", Some(""), json!({"name": name}))
}

/// A public room in which Bob has 50 and may change power levels, with Carol and Dora in it.
fn room(version: &RoomVersionId) -> TestRoom {
    let mut room = TestRoom::public(version);
    room.send(levels(&room, json!({BOB: 50})));
    for joining in [CAROL, DORA] {
        room.send(member(joining, joining, "join"));
    }
    room
}

fn levels(room: &TestRoom, users: Value) -> NewEvent {
    room.power_levels(json!({"users": users, "events": {"m.room.power_levels": 50}}))
}

fn fork<const N: usize>(room: &TestRoom, branches: [&[NewEvent]; N]) -> [TestRoom; N] {
    branches.map(|events| {
        let mut fork = room.clone();
        for new in events {
            fork.send(new.clone());
        }
        fork
    })
}

#[test]
fn changes_to_different_state_are_all_kept() {
    for version in VERSIONS {
        let topic = event(BOB, "m.room.topic", Some(""), json!({"topic": "forks"}));
        let forks = fork(&room(&version), [&[name(ALICE, "one")], &[topic]]);
        assert_eq!(
            held(&forks, StateEventType::RoomName, ""),
            Some(json!({"name": "one"}))
        );
        assert_eq!(
            held(&forks, StateEventType::RoomTopic, ""),
            Some(json!({"topic": "forks"}))
        );
    }
}

#[test]
fn a_ban_wins_over_what_the_banned_did_meanwhile() {
    for version in VERSIONS {
        let mut room = room(&version);
        room.send(name(ALICE, "before"));
        let forks = fork(&room, [&[member(ALICE, BOB, "ban")], &[name(BOB, "defaced")]]);
        let bob = held(&forks, StateEventType::RoomMember, BOB);
        assert_eq!(bob, Some(json!({"membership": "ban"})), "version {version}");
        assert_eq!(
            held(&forks, StateEventType::RoomName, ""),
            Some(json!({"name": "before"}))
        );
    }
}

#[test]
fn of_two_moderators_who_ban_each_other_the_first_in_power_stays() {
    for version in VERSIONS {
        let mut room = room(&version);
        room.send(levels(&room, json!({BOB: 60, DORA: 50})));
        // Dora can't ban Bob, who has more power, so a ban of Dora's is tried on someone else.
        let forks = fork(
            &room,
            [&[member(BOB, DORA, "ban")], &[member(DORA, CAROL, "ban")]],
        );
        assert_eq!(
            held(&forks, StateEventType::RoomMember, DORA),
            Some(json!({"membership": "ban"}))
        );
        assert_eq!(
            held(&forks, StateEventType::RoomMember, CAROL),
            Some(json!({"membership": "join"}))
        );
    }
}

#[test]
fn concurrent_bans_of_different_users_both_hold() {
    for version in VERSIONS {
        let forks = fork(
            &room(&version),
            [&[member(ALICE, CAROL, "ban")], &[member(BOB, DORA, "ban")]],
        );
        for banned in [CAROL, DORA] {
            let held = held(&forks, StateEventType::RoomMember, banned);
            assert_eq!(held, Some(json!({"membership": "ban"})), "version {version}");
        }
    }
}

#[test]
fn who_is_demoted_in_one_fork_promotes_nobody_in_the_other() {
    for version in VERSIONS {
        let room = room(&version);
        let mut promotion = levels(&room, json!({BOB: 50, DORA: 50}));
        promotion.sender = user(BOB);
        let forks = fork(
            &room,
            [
                &[levels(&room, json!({BOB: 0}))],
                &[promotion, name(DORA, "mine")],
            ],
        );
        let users = held(&forks, StateEventType::RoomPowerLevels, "").unwrap()["users"].clone();
        assert_eq!(
            (&users[BOB], &users[DORA]),
            (&json!(0), &Value::Null),
            "version {version}"
        );
        assert_eq!(held(&forks, StateEventType::RoomName, ""), None);
    }
}

#[test]
fn a_join_that_raced_a_change_to_invitation_only_is_undone() {
    for version in VERSIONS {
        let closing = event(
            ALICE,
            "m.room.join_rules",
            Some(""),
            json!({"join_rule": "invite"}),
        );
        let forks = fork(
            &room(&version),
            [&[closing], &[member("@eve:b.example", "@eve:b.example", "join")]],
        );
        assert_eq!(
            held(&forks, StateEventType::RoomMember, "@eve:b.example"),
            None,
            "version {version}"
        );
        assert_eq!(
            held(&forks, StateEventType::RoomMember, CAROL),
            Some(json!({"membership": "join"}))
        );
    }
}

#[test]
fn equal_states_and_single_states_are_returned_as_they_are() {
    let room = room(&RoomVersionId::V12);
    assert_eq!(merge(std::slice::from_ref(&room)), room.state_map());
    assert_eq!(merge(&[room.clone(), room.clone()]), room.state_map());
    assert_eq!(
        resolve(&RoomVersionId::V12, &[], Vec::new(), |_| None).unwrap(),
        StateMap::new()
    );
}

#[test]
fn rejected_and_unknown_events_never_hold() {
    for version in VERSIONS {
        let room = room(&version);
        let mut forks = fork(&room, [&[], &[name(ALICE, "rejected")]]);
        let id = forks[1].heads[0].clone();
        let unknown = resolve(
            &version,
            &forks.each_ref().map(TestRoom::state_map),
            forks.each_ref().map(TestRoom::auth_chain).to_vec(),
            |wanted| (*wanted != id).then(|| fetch(&forks)(wanted)).flatten(),
        );
        assert_eq!(unknown.unwrap(), room.state_map());
        let rejected = (*forks[1].events[&id]).clone().with_rejected(true);
        forks[1].events.insert(id, Arc::new(rejected));
        assert_eq!(merge(&forks), room.state_map());
    }
}

#[test]
fn each_state_needs_its_auth_chain() {
    let room = room(&RoomVersionId::V12);
    let result = resolve(&RoomVersionId::V12, &[room.state_map()], Vec::new(), |_| None);
    assert!(matches!(
        result,
        Err(ResolveError::Chains { states: 1, chains: 0 })
    ));
    let result = resolve(&RoomVersionId::V9, &[], Vec::new(), |_| None);
    assert!(matches!(result, Err(ResolveError::UnsupportedVersion(_))));
}

#[test]
fn the_conflicted_subgraph_is_every_path_between_conflicted_events() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let steps: Vec<OwnedEventId> = (1..=4)
        .map(|level| {
            room.send(levels(&room, json!({BOB: level})))
                .event_id()
                .to_owned()
        })
        .collect();
    let forks = [room];
    let subgraph = |conflicted: &[&OwnedEventId]| -> BTreeSet<OwnedEventId> {
        conflicted_subgraph(conflicted.iter().copied(), fetch(&forks))
            .into_iter()
            .collect()
    };
    let between = subgraph(&[&steps[0], &steps[3]]);
    assert_eq!(between, steps.iter().cloned().collect());
    let last_two = subgraph(&[&steps[2], &steps[3]]);
    assert_eq!(last_two, steps[2..].iter().cloned().collect());
    assert_eq!(subgraph(&[&steps[3]]), BTreeSet::from([steps[3].clone()]));
    assert_eq!(subgraph(&[]), BTreeSet::new());
}

#[test]
fn a_long_auth_chain_is_walked_without_deep_recursion() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let first = room.send(levels(&room, json!({}))).event_id().to_owned();
    for level in 0..1_000 {
        room.send(levels(&room, json!({BOB: level})));
    }
    let last = room.heads[0].clone();
    let forks = [room];
    assert_eq!(
        conflicted_subgraph([&first, &last].into_iter(), fetch(&forks)).len(),
        1_001
    );
}

/// Something that somebody may want to do; most of it isn't allowed to most of them.
fn any_action() -> impl Strategy<Value = (usize, usize, usize, i64)> {
    (0..4_usize, 0..4_usize, 0..6_usize, 0..60_i64)
}

fn act(room: &mut TestRoom, (actor, target, what, number): (usize, usize, usize, i64)) {
    const PEOPLE: [&str; 4] = [ALICE, BOB, CAROL, DORA];
    let (actor, target) = (PEOPLE[actor], PEOPLE[target]);
    let mut new = match what {
        0 => member(actor, target, "ban"),
        1 => member(actor, target, "leave"),
        2 => member(actor, actor, "join"),
        3 => name(actor, &number.to_string()),
        4 if target == ALICE => event(
            ALICE,
            "m.room.join_rules",
            Some(""),
            json!({"join_rule": "invite"}),
        ),
        4 => levels(room, json!({target: number})),
        _ => event(
            actor,
            "m.room.join_rules",
            Some(""),
            json!({"join_rule": "public"}),
        ),
    };
    new.sender = user(actor);
    if room.build(new.clone()).is_ok() {
        room.send(new);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_order_of_the_forks_doesnt_matter_and_nothing_agreed_on_is_lost(
        version in prop::sample::select(VERSIONS.to_vec()),
        forks in prop::collection::vec(prop::collection::vec(any_action(), 0..8), 2..5),
        order in Just([0_usize, 1, 2, 3]).prop_shuffle(),
    ) {
        let base = room(&version);
        let forks: Vec<TestRoom> = forks.into_iter().map(|actions| {
            let mut fork = base.clone();
            actions.into_iter().for_each(|action| act(&mut fork, action));
            fork
        }).collect();
        let merged = merge(&forks);

        let shuffled: Vec<TestRoom> =
            order.into_iter().filter_map(|index| forks.get(index).cloned()).collect();
        prop_assert_eq!(&merge(&shuffled), &merged);

        for (key, id) in &merged {
            prop_assert!(forks.iter().any(|fork| fork.events.contains_key(id)), "{:?} from nowhere", key);
        }
        for (key, id) in forks[0].state_map() {
            let agreed = forks.iter().all(|fork| fork.state_map().get(&key) == Some(&id));
            prop_assert!(!agreed || merged.get(&key) == Some(&id), "{:?} was agreed on and got lost", key);
        }
        // Join rules may get lost: where somebody changed them on both sides and lost the right to on one, neither change
        // counts, and what was there before is no part of the conflict. Other servers come to the same.
        for kind in [StateEventType::RoomCreate, StateEventType::RoomPowerLevels] {
            prop_assert!(merged.contains_key(&(kind, String::new())), "the room lost its rules");
        }
    }
}
