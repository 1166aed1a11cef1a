//! Events that are sent later, and events that are sticky.

use rohrpost_store::{DelayedEvent, EventNid};

use crate::{
    memberships::join,
    support::{alice, bob, event_id, on_both, pos, room, room_id, tx},
};

fn delayed(id: &str, delay_ms: i64) -> DelayedEvent {
    DelayedEvent {
        delay_id: id.to_owned(),
        user_id: alice(),
        device_id: "PHONE".into(),
        room_id: room_id("a"),
        kind: "m.room.message".to_owned(),
        state_key: None,
        content: r#"{"body":"later"}"#.to_owned(),
        sticky_ms: Some(60_000),
        txn_id: "t1".to_owned(),
        delay_ms,
        running_since_ts: 1_000,
        finalised_ts: None,
        event_id: None,
        error: None,
    }
}

#[test]
fn a_delayed_event_comes_back_as_it_was_and_is_due_in_its_time() {
    on_both(async |db| {
        tx!(db, |tx| {
            let state = DelayedEvent {
                state_key: Some(String::new()),
                sticky_ms: None,
                ..delayed("b", 200)
            };
            tx.delayed_event_insert(&delayed("a", 100)).await?;
            tx.delayed_event_insert(&state).await?;
            let found = tx.delayed_event_get("a").await?.unwrap();
            assert_eq!(
                (
                    found.content.as_str(),
                    found.sticky_ms,
                    found.state_key.clone(),
                    found.txn_id.as_str()
                ),
                (r#"{"body":"later"}"#, Some(60_000), None, "t1")
            );
            assert_eq!(
                (found.send_ts(), found.delay_ms, found.finalised_ts),
                (1_100, 100, None)
            );
            let found = tx.delayed_event_lock("b").await?.unwrap();
            assert_eq!((found.state_key, found.sticky_ms), (Some(String::new()), None));
            assert!(tx.delayed_event_get("c").await?.is_none());
            assert_eq!(tx.delayed_event_waiting(&alice()).await?, (2, Some(1_100)));
            assert_eq!(tx.delayed_event_waiting(&bob()).await?, (0, None));
            for (now_ts, due) in [(1_099, 0), (1_100, 1), (1_200, 2)] {
                assert_eq!(tx.delayed_event_due(now_ts, 10).await?.len(), due);
            }
            assert_eq!(tx.delayed_event_due(9_999, 1).await?[0].delay_id, "a");
            tx.delayed_event_restart("a", 1_150).await?;
            assert_eq!(tx.delayed_event_due(1_249, 10).await?.len(), 1);
            let ids: Vec<_> = tx.delayed_event_list(&alice(), 10).await?;
            assert_eq!(
                ids.iter().map(|event| &*event.delay_id).collect::<Vec<_>>(),
                ["b", "a"]
            );
        });
    });
}

#[test]
fn what_became_of_a_delayed_event_is_kept_for_a_while() {
    on_both(async |db| {
        tx!(db, |tx| {
            for id in ["sent", "cancelled", "refused", "waiting"] {
                tx.delayed_event_insert(&delayed(id, 10)).await?;
            }
            tx.delayed_event_sent("sent", &event_id(1), 2_000).await?;
            tx.delayed_event_cancelled("cancelled", 3_000).await?;
            tx.delayed_event_refused("refused", "M_FORBIDDEN", "no", 4_000)
                .await?;
            let sent = tx.delayed_event_get("sent").await?.unwrap();
            assert_eq!((sent.event_id, sent.content.as_str()), (Some(event_id(1)), "{}"));
            let refused = tx.delayed_event_get("refused").await?.unwrap();
            assert_eq!(refused.error, Some(("M_FORBIDDEN".to_owned(), "no".to_owned())));
            assert_eq!(tx.delayed_event_due(9_999, 10).await?.len(), 1);
            assert_eq!(tx.delayed_event_waiting(&alice()).await?.0, 1);
            tx.delayed_event_trim(&alice(), 1).await?;
            assert!(
                tx.delayed_event_get("sent").await?.is_none(),
                "two newer ones stay"
            );
            assert!(tx.delayed_event_get("cancelled").await?.is_some());
            assert_eq!(tx.delayed_event_delete_old(3_001).await?, 1);
            assert!(tx.delayed_event_get("refused").await?.is_some());
            tx.user_delete_belongings(&alice()).await?;
            assert!(tx.delayed_event_list(&alice(), 10).await?.is_empty());
        });
    });
}

#[test]
fn sticky_events_are_listed_until_their_time_is_over() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            for (nid, until_ts) in [(1, 100), (2, 200), (3, 300)] {
                tx.sticky_event_insert(a, EventNid(nid), until_ts).await?;
            }
            tx.sticky_event_insert(b, EventNid(4), 400).await?;
            let all = (pos(0), pos(9));
            let list = [EventNid(2), EventNid(3)];
            assert_eq!(tx.sticky_event_list(a, all, 100, 10).await?, list);
            assert_eq!(
                tx.sticky_event_list(a, all, 100, 1).await?,
                [EventNid(3)],
                "the newest"
            );
            assert_eq!(
                tx.sticky_event_list(a, (pos(1), pos(2)), 0, 10).await?,
                [EventNid(2)]
            );
            tx.sticky_event_delete(a, EventNid(3)).await?;
            assert_eq!(tx.sticky_event_list(a, all, 100, 10).await?, [EventNid(2)]);
            assert_eq!(tx.sticky_event_delete_old(200).await?, 2);
            assert_eq!(tx.sticky_event_list(b, all, 200, 10).await?, [EventNid(4)]);
        });
    });
}

#[test]
fn sticky_events_of_all_rooms_of_a_user_are_listed_oldest_first() {
    on_both(async |db| {
        tx!(db, |tx| {
            let [a, b, c] = [room(tx, "a").await?, room(tx, "b").await?, room(tx, "c").await?];
            join(tx, a, &alice(), 1).await?;
            join(tx, b, &alice(), 2).await?;
            for (room, nid, until_ts) in [(a, 5, 500), (c, 6, 500), (b, 7, 500), (a, 8, 100), (a, 9, 500)] {
                tx.sticky_event_insert(room, EventNid(nid), until_ts).await?;
            }
            for (after, upto, limit, expected) in [
                (None, 9, 9, &[(a, 5), (b, 7), (a, 9)][..]),
                (Some(0), 9, 2, &[(a, 5), (b, 7)]),
                (Some(5), 8, 9, &[(b, 7)]),
            ] {
                let found = tx
                    .sticky_event_list_of(&alice(), (after.map(pos), pos(upto)), 100, limit)
                    .await?;
                let expected: Vec<_> = expected
                    .iter()
                    .map(|(room, nid)| (*room, EventNid(*nid)))
                    .collect();
                assert_eq!(found, expected, "{after:?} {upto}");
            }
        });
    });
}
