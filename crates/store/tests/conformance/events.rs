//! Events, each with its room.

use rohrpost_store::{EventNid, EventRow, EventStatus, StateNid};
use ruma::{device_id, event_id as an_event_id, events::room::member::MembershipState};

use crate::{
    memberships::{join, put as put_membership},
    support::{alice, bob, event_id, on_both, pos, put_event, read, room, room_id, try_tx, tx},
};

fn numbers(events: &[EventRow]) -> Vec<i64> {
    events.iter().map(|event| event.nid.0).collect()
}

#[test]
fn an_event_is_found_as_it_was_kept() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            put_event(tx, a, 7, |new| {
                (new.kind, new.state_key, new.json) = ("m.room.name", Some(""), "{\"é\":\"\u{1f600}\"}");
                (new.state_before, new.status) = (StateNid(12), EventStatus::SoftFailed);
                (new.txn, new.replaces) = (Some((device_id!("ONE"), "t/1")), Some(EventNid(3)));
                new.pos = Some(pos(-4));
            })
            .await?;
            let found = tx.event_get(a, &event_id(7)).await?.unwrap();
            assert_eq!(
                (found.nid, &found.event_id, found.pos),
                (EventNid(7), &event_id(7), Some(pos(-4)))
            );
            assert_eq!(
                (found.kind.as_str(), found.state_key.as_deref()),
                ("m.room.name", Some(""))
            );
            assert_eq!((found.sender, found.state_before), (alice(), StateNid(12)));
            assert_eq!((found.status, found.redacted_by), (EventStatus::SoftFailed, None));
            let txn = found.txn.unwrap();
            assert_eq!((txn.device_id.as_str(), txn.txn_id.as_str()), ("ONE", "t/1"));
            assert_eq!(
                (found.replaces, found.json.as_str()),
                (Some(EventNid(3)), "{\"é\":\"\u{1f600}\"}")
            );

            put_event(tx, a, 8, |new| {
                (new.pos, new.status) = (None, EventStatus::Rejected)
            })
            .await?;
            let found = tx.event_get(a, &event_id(8)).await?.unwrap();
            assert_eq!(
                (found.pos, found.state_key, found.txn, found.replaces),
                (None, None, None, None)
            );
            assert_eq!(found.status, EventStatus::Rejected);
        });
    });
}

#[test]
fn an_event_is_only_found_in_its_room() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            put_event(tx, a, 1, |_| {}).await?;
            assert!(tx.event_get(b, &event_id(1)).await?.is_none());
            assert!(tx.event_get(a, &event_id(2)).await?.is_none());
            assert!(tx.event_get_many(b, &[EventNid(1)]).await?.is_empty());
            assert!(tx.event_ids(b, &[EventNid(1)]).await?.is_empty());
            tx.event_redact(b, EventNid(1), "redacted", &event_id(9)).await?;
            assert_eq!(tx.event_get(a, &event_id(1)).await?.unwrap().json, "{}");
            assert!(tx.event_exists(&room_id("a"), &event_id(1)).await?);
            assert!(!tx.event_exists(&room_id("b"), &event_id(1)).await?);
            assert!(!tx.event_exists(&room_id("none"), &event_id(1)).await?);
        });
    });
}

#[test]
fn many_events_come_in_the_order_asked_for() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            for number in 1..=100 {
                put_event(tx, a, number, |_| {}).await?;
            }
            let wanted: Vec<i64> = (1..=120).map(|number| number * 37 % 121).collect();
            let nids: Vec<EventNid> = wanted.iter().map(|number| EventNid(*number)).collect();
            let expected: Vec<i64> = wanted
                .into_iter()
                .filter(|number| (1..=100).contains(number))
                .collect();
            assert_eq!(numbers(&tx.event_get_many(a, &nids).await?), expected);
            assert!(tx.event_get_many(a, &[]).await?.is_empty());
            let mut ids = tx
                .event_ids(a, &[EventNid(5), EventNid(500), EventNid(2)])
                .await?;
            ids.sort();
            assert_eq!(ids, [event_id(2), event_id(5)]);
        });
    });
}

#[test]
fn the_timeline_is_listed_after_and_up_to() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            for number in 1..=8 {
                put_event(tx, a, number, |new| match number {
                    4 => new.status = EventStatus::SoftFailed,
                    5 => new.status = EventStatus::Rejected,
                    6 => new.pos = None,
                    _ => {}
                })
                .await?;
            }
            put_event(tx, b, 20, |new| new.pos = Some(pos(7))).await?;
            put_event(tx, a, 30, |new| new.pos = Some(pos(-1))).await?;
            let (after, upto) = (pos(1), pos(7));
            assert_eq!(
                numbers(&tx.event_list_forward(a, after, upto, 10).await?),
                [2, 3, 7]
            );
            assert_eq!(numbers(&tx.event_list_back(a, after, upto, 10).await?), [7, 3, 2]);
            assert_eq!(numbers(&tx.event_list_forward(a, after, upto, 2).await?), [2, 3]);
            assert_eq!(numbers(&tx.event_list_back(a, after, upto, 2).await?), [7, 3]);
            assert_eq!(
                numbers(&tx.event_list_back(a, pos(i64::MIN), pos(1), 9).await?),
                [1, 30]
            );
            assert!(tx.event_list_back(a, upto, upto, 9).await?.is_empty());
        });
    });
}

#[test]
fn state_events_of_the_timeline_are_listed_alone() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            for number in 1..=9 {
                put_event(tx, a, number, |new| {
                    new.state_key = (number % 2 == 0).then_some("");
                    if number == 6 {
                        new.status = EventStatus::Rejected;
                    }
                })
                .await?;
            }
            assert_eq!(numbers(&tx.event_list_state(a, pos(2), pos(8)).await?), [4, 8]);
        });
    });
}

#[test]
fn an_event_is_redacted_in_place() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            put_event(tx, a, 1, |new| new.json = "{\"secret\":1}").await?;
            tx.event_redact(a, EventNid(1), "{}", &event_id(2)).await?;
            let found = tx.event_get(a, &event_id(1)).await?.unwrap();
            assert_eq!(
                (found.json.as_str(), found.redacted_by),
                ("{}", Some(event_id(2)))
            );
        });
    });
}

#[test]
fn an_event_id_stands_once_in_a_room() {
    on_both(async |db| {
        let (a, b) = tx!(db, |tx| (room(tx, "a").await?, room(tx, "b").await?));
        tx!(db, |tx| put_event(tx, a, 1, |new| new.event_id =
            an_event_id!("$x"))
        .await?);
        tx!(db, |tx| put_event(tx, b, 2, |new| new.event_id =
            an_event_id!("$x"))
        .await?);
        let same_id = try_tx!(db, |tx| put_event(tx, a, 3, |new| new.event_id =
            an_event_id!("$x"))
        .await);
        let same_nid = try_tx!(db, |tx| put_event(tx, a, 1, |new| new.pos = None).await);
        let same_pos = try_tx!(db, |tx| put_event(tx, a, 4, |new| new.pos = Some(pos(1))).await);
        assert!(same_id.is_err() && same_nid.is_err() && same_pos.is_err());
        assert_eq!(
            read!(db, |tx| tx.event_list_forward(a, pos(0), pos(9), 9).await?.len()),
            1
        );
    });
}

#[test]
fn rooms_with_news_are_those_a_user_is_joined_to() {
    on_both(async |db| {
        tx!(db, |tx| {
            let mut rooms = Vec::new();
            for (number, name) in (1_i64..).zip(["a", "b", "c", "d", "e"]) {
                let nid = room(tx, name).await?;
                put_event(tx, nid, number, |_| {}).await?;
                put_event(tx, nid, number + 10, |_| {}).await?;
                if name == "b" {
                    put_membership(tx, nid, &alice(), &MembershipState::Leave, 1).await?;
                } else {
                    join(tx, nid, &alice(), 1).await?;
                }
                join(tx, nid, &bob(), 1).await?;
                rooms.push(nid);
            }
            let mut news = tx.event_rooms_between(&alice(), pos(1), pos(4)).await?;
            news.sort();
            assert_eq!(
                news,
                [rooms[2], rooms[3]],
                "after 1, up to 4, without the room that was left"
            );
            assert_eq!(
                tx.event_rooms_between(&alice(), pos(1), pos(15)).await?.len(),
                4,
                "each room once"
            );
            assert!(tx.event_rooms_between(&alice(), pos(4), pos(4)).await?.is_empty());
            // Fetched from before our time, and known without being part of the timeline: no news.
            put_event(tx, rooms[0], 50, |new| new.pos = Some(pos(-1))).await?;
            put_event(tx, rooms[0], 51, |new| new.pos = None).await?;
            assert!(
                tx.event_rooms_between(&alice(), pos(40), pos(60))
                    .await?
                    .is_empty()
            );
        });
    });
}

#[test]
fn events_of_a_moment_are_those_next_to_it() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            for (nid, ts) in [(1, 100), (2, 200), (3, 200), (4, 300), (5, 150)] {
                put_event(tx, a, nid, |new| new.origin_server_ts = ts).await?;
            }
            put_event(tx, a, 6, |new| (new.origin_server_ts, new.pos) = (200, None)).await?;
            put_event(tx, b, 7, |new| new.origin_server_ts = 200).await?;
            let start = pos(i64::MAX);
            let back = tx.event_list_before(a, 200, start, 10).await?;
            assert_eq!(numbers(&back), [3, 2, 5, 1]);
            assert_eq!(numbers(&tx.event_list_before(a, 200, pos(3), 1).await?), [2]);
            assert_eq!(numbers(&tx.event_list_before(a, 99, start, 10).await?), [0; 0]);
            let forward = tx.event_list_since(a, 150, pos(i64::MIN), 10).await?;
            assert_eq!(numbers(&forward), [5, 2, 3, 4]);
            assert_eq!(numbers(&tx.event_list_since(a, 200, pos(2), 1).await?), [3]);
        });
    });
}

#[test]
fn many_events_are_found_by_id_and_by_place() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            for nid in 1..=3 {
                put_event(tx, a, nid, |new| new.pos = Some(pos(nid * 10))).await?;
            }
            put_event(tx, b, 4, |_| {}).await?;
            let ids = [event_id(3), event_id(4), event_id(1)];
            let found = tx.event_get_each(a, ids.iter().map(|id| &**id)).await?;
            assert_eq!(numbers(&found), [3, 1]);
            let found = tx.event_get_at(a, &[pos(20), pos(4), pos(10)]).await?;
            assert_eq!(numbers(&found), [2, 1]);
        });
    });
}
