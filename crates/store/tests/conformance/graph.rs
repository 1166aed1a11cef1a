//! What a room needs that other servers write in: ends, gaps, events that come late, and what is told from elsewhere.

use rohrpost_store::{EventNid, EventStatus, Settled, StateNid, StatePair, StrippedState};
use ruma::{events::StateEventType, server_name};

use crate::{
    memberships::join,
    support::{alice, bob, event_id, on_both, pos, put_event, read, room, room_id, tx},
};

fn settled(place: i64) -> Settled {
    Settled {
        pos: Some(pos(place)),
        state_before: StateNid(3),
        status: EventStatus::Accepted,
        replaces: Some(EventNid(1)),
    }
}

#[test]
fn an_event_that_comes_into_the_timeline_late_is_found_by_its_place() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            join(tx, a, &alice(), 1).await?;
            put_event(tx, a, 5, |new| {
                (new.pos, new.state_before) = (None, StateNid::UNKNOWN);
            })
            .await?;
            put_event(tx, a, 20, |_| {}).await?;
            let outlier = tx.event_get(a, &event_id(5)).await?.unwrap();
            assert!(!outlier.state_before.is_known());
            assert!(tx.state_full(outlier.state_before).await?.is_empty());
            assert!(
                tx.event_rooms_between(&alice(), pos(1), pos(10))
                    .await?
                    .is_empty()
            );

            tx.event_settle(a, EventNid(5), &settled(30)).await?;
            let late = tx.event_get(a, &event_id(5)).await?.unwrap();
            assert_eq!((late.pos, late.state_before), (Some(pos(30)), StateNid(3)));
            assert_eq!(late.replaces, Some(EventNid(1)));
            let news = tx.event_rooms_between(&alice(), pos(25), pos(40)).await?;
            assert_eq!(news, [a]);
            let stream = tx.event_list_stream(pos(0), pos(40), 10).await?;
            let numbers: Vec<i64> = stream.iter().map(|(_, row)| row.nid.0).collect();
            assert_eq!(numbers, [20, 5], "in the order of their places");
            assert_eq!(tx.event_list_stream(pos(20), pos(29), 10).await?.len(), 0);
            let timeline = tx.event_list_forward(a, pos(0), pos(40), 10).await?;
            assert_eq!(timeline.len(), 2);

            // One whose place is its number isn't late.
            put_event(tx, a, 41, |new| new.pos = None).await?;
            tx.event_settle(a, EventNid(41), &settled(41)).await?;
            assert_eq!(tx.event_list_stream(pos(40), pos(50), 10).await?.len(), 1);
        });
    });
}

#[test]
fn positions_are_taken_in_a_row() {
    on_both(async |db| {
        let (before, first, next) = tx!(db, |tx| {
            let before = tx.pos_next().await?;
            (before, tx.pos_take(5).await?, tx.pos_next().await?)
        });
        assert_eq!((first.0, next.0), (before.0 + 1, before.0 + 6));
        assert_eq!(read!(db, |tx| tx.pos_now().await?), next);
    });
}

#[test]
fn a_room_has_the_ends_that_it_was_given_last() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            let mut row = tx.room_get(&room_id("a")).await?.unwrap();
            for ends in [&[1, 2, 3][..], &[3, 4][..], &[5][..]] {
                row.tag += 1;
                let ends: Vec<_> = ends.iter().map(|end| (EventNid(*end), event_id(*end))).collect();
                tx.room_advance_to(&row, &ends).await?;
                assert_eq!(tx.room_extremities(a).await?, ends);
            }
            assert_eq!(tx.room_get(&room_id("a")).await?.unwrap().tag, row.tag);
        });
    });
}

#[test]
fn gaps_are_known_until_they_are_filled() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            tx.backward_extremity_put(a, &[event_id(1), event_id(2)]).await?;
            tx.backward_extremity_put(a, &[event_id(2)]).await?;
            assert!(tx.backward_extremity_has(a, &event_id(1)).await?);
            assert!(!tx.backward_extremity_has(b, &event_id(1)).await?);
            tx.backward_extremity_delete(a, &event_id(1)).await?;
            assert!(!tx.backward_extremity_has(a, &event_id(1)).await?);
            assert_eq!(tx.backward_extremity_list(a, 10).await?, [event_id(2)]);
        });
    });
}

#[test]
fn a_redaction_waits_for_its_event() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            tx.early_redaction_put(a, &event_id(1), EventNid(7)).await?;
            tx.early_redaction_put(a, &event_id(1), EventNid(7)).await?;
            tx.early_redaction_put(a, &event_id(1), EventNid(8)).await?;
            let waiting = tx.early_redaction_list(a, &event_id(1)).await?;
            assert_eq!(waiting, [EventNid(7), EventNid(8)]);
            assert!(tx.early_redaction_list(b, &event_id(1)).await?.is_empty());
            let targets = [&*event_id(2), &*event_id(1)].map(ToOwned::to_owned);
            let targets: Vec<&ruma::EventId> = targets.iter().map(|id| &**id).collect();
            assert_eq!(tx.early_redaction_targets(a, &targets).await?, [event_id(1)]);
        });
    });
}

#[test]
fn two_states_differ_where_they_differ() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            let keys: Vec<(StateEventType, String)> = (0..60)
                .map(|number| (StateEventType::RoomMember, format!("@u{number}:example.org")))
                .collect();
            let numbers = tx.state_key_intern_each(&keys).await?;
            assert_eq!(numbers, tx.state_key_intern_each(&keys).await?);
            let pair = |index: usize, event: i64| StatePair {
                key: numbers[index],
                event: EventNid(event),
            };
            let all: Vec<StatePair> = (0..60).map(|index| pair(index, 100 + index as i64)).collect();
            let base = tx.state_put(a, StateNid(0), &all).await?;
            let one = tx.state_put(a, base, &[pair(1, 500), pair(2, 0)]).await?;
            let other = tx.state_put(a, base, &[pair(1, 501)]).await?;
            assert!(tx.state_diff(one, one).await?.is_empty());
            let mut diff: Vec<_> = tx
                .state_diff(one, other)
                .await?
                .into_iter()
                .map(|change| {
                    let number = |event: Option<EventNid>| event.map(|event| event.0);
                    (change.state_key, number(change.old), number(change.new))
                })
                .collect();
            diff.sort();
            let expected = [
                ("@u1:example.org".to_owned(), Some(500), Some(501)),
                ("@u2:example.org".to_owned(), None, Some(102)),
            ];
            assert_eq!(diff, expected);
            assert_eq!(tx.state_diff(StateNid(0), base).await?.len(), 60);
            assert_eq!(tx.state_pairs(one).await?.len(), 59);
            let some = [
                keys[2].clone(),
                keys[1].clone(),
                (StateEventType::RoomName, String::new()),
            ];
            assert_eq!(tx.state_find_each(one, &some).await?, [EventNid(500)]);

            let changes = tx.state_diff(StateNid(0), one).await?;
            tx.state_current_change(a, &changes, pos(7)).await?;
            let changes = tx.state_diff(one, other).await?;
            tx.state_current_change(a, &changes, pos(8)).await?;
            let changes = tx.state_diff(other, one).await?;
            tx.state_current_change(a, &changes, pos(9)).await?;
            let current = tx.state_current_list(a, None).await?;
            assert_eq!(current.len(), 59);
            assert_eq!(tx.state_current_list(a, Some(pos(7))).await?.len(), 1);
        });
    });
}

#[test]
fn what_is_told_of_a_room_is_for_one_user() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            let told = |events: &str| StrippedState {
                events: events.to_owned(),
                via: "a.example b.example".to_owned(),
            };
            tx.stripped_state_put(&alice(), a, &told("[1]")).await?;
            tx.stripped_state_put(&alice(), a, &told("[2]")).await?;
            assert_eq!(tx.stripped_state_get(&alice(), a).await?, Some(told("[2]")));
            assert_eq!(tx.stripped_state_get(&bob(), a).await?, None);
            tx.stripped_state_delete(&alice(), a).await?;
            assert_eq!(tx.stripped_state_get(&alice(), a).await?, None);
        });
    });
}

#[test]
fn a_transaction_of_a_server_keeps_its_first_answer() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (one, other) = (server_name!("a.example"), server_name!("b.example"));
            tx.received_txn_put(one, "t", "{}", 5).await?;
            tx.received_txn_put(one, "t", "[]", 6).await?;
            assert_eq!(tx.received_txn_get(one, "t").await?.as_deref(), Some("{}"));
            assert_eq!(tx.received_txn_get(other, "t").await?, None);
            assert_eq!(tx.received_txn_delete_old(5).await?, 0);
            assert_eq!(tx.received_txn_delete_old(6).await?, 1);
            assert_eq!(tx.received_txn_get(one, "t").await?, None);
        });
    });
}
