//! Room states: the current one, and the one at any event.

use rohrpost_store::{EventNid, Result, RoomNid, StateNid, StatePair, StoreError, Tx};
use ruma::events::StateEventType;

use crate::support::{on_both, pos, put_event, read, room, try_tx, tx};

fn pair(key: i64, event: i64) -> StatePair {
    StatePair {
        key,
        event: EventNid(event),
    }
}

async fn full(tx: &mut Tx<'_>, state: StateNid) -> Result<Vec<i64>> {
    let mut events: Vec<i64> = tx
        .state_full(state)
        .await?
        .into_iter()
        .map(|event| event.0)
        .collect();
    events.sort_unstable();
    Ok(events)
}

#[test]
fn a_type_and_state_key_have_one_number() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (name, topic) = (StateEventType::RoomName, StateEventType::RoomTopic);
            let number = tx.state_key_intern(&name, "").await?;
            assert_eq!(tx.state_key_intern(&name, "").await?, number);
            assert_ne!(tx.state_key_intern(&name, "x").await?, number);
            assert_ne!(tx.state_key_intern(&topic, "").await?, number);
            assert!(number > 0);
        });
        let many = futures_util::future::join_all((0..50).map(|_| async {
            try_tx!(db, |tx| tx
                .state_key_intern(&StateEventType::RoomMember, "@a:example.org")
                .await)
            .unwrap()
        }));
        let many = many.await;
        assert!(
            many.iter().all(|number| *number == many[0]),
            "made at once, the same for all"
        );
    });
}

#[test]
fn the_same_state_is_stored_once() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let none = StateNid(0);
            let one = tx.state_put(a, none, &[pair(1, 10)]).await?;
            let both = tx.state_put(a, one, &[pair(2, 20)]).await?;
            assert_eq!(
                tx.state_put(a, none, &[pair(2, 20), pair(1, 10)]).await?,
                both,
                "made another way"
            );
            assert_eq!(tx.state_put(a, none, &[pair(1, 10)]).await?, one);
            assert_eq!(tx.state_put(a, both, &[]).await?, both, "no change");
            assert_eq!(tx.state_put(a, both, &[pair(1, 10)]).await?, both, "no change");
            assert_eq!(
                tx.state_put(a, both, &[pair(2, 0)]).await?,
                one,
                "taken away again"
            );
            assert_eq!(
                tx.state_put(a, both, &[pair(7, 0)]).await?,
                both,
                "never was there"
            );
            let other = tx.state_put(b, none, &[pair(1, 10)]).await?;
            assert_ne!(other, one, "another room");
            assert_eq!(full(tx, both).await?, [10, 20]);
        });
    });
}

#[test]
fn of_changes_at_one_key_the_last_counts() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            let expected = tx.state_put(a, StateNid(0), &[pair(1, 12)]).await?;
            let changes = [pair(1, 10), pair(1, 11), pair(1, 12)];
            assert_eq!(tx.state_put(a, StateNid(0), &changes).await?, expected);
            let back = tx
                .state_put(a, expected, &[pair(1, 0), pair(1, 13), pair(1, 12)])
                .await?;
            assert_eq!(back, expected);
            assert_eq!(full(tx, expected).await?, [12]);
        });
    });
}

#[test]
fn a_state_without_events_is_the_first_one() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            assert_eq!(tx.state_put(a, StateNid(0), &[]).await?, StateNid(0));
            let one = tx.state_put(a, StateNid(0), &[pair(1, 10)]).await?;
            assert_eq!(tx.state_put(a, one, &[pair(1, 0)]).await?, StateNid(0));
            assert!(tx.state_full(StateNid(0)).await?.is_empty());
            assert_eq!(
                tx.state_find(StateNid(0), &StateEventType::RoomName, "").await?,
                None
            );
        });
    });
}

#[test]
fn a_state_that_is_not_there_is_an_error() {
    on_both(async |db| {
        let found = try_tx!(db, |tx| tx.state_full(StateNid(999)).await);
        assert!(matches!(found, Err(StoreError::Inconsistent { .. })), "{found:?}");
        let a = tx!(db, |tx| room(tx, "a").await?);
        let put = try_tx!(db, |tx| tx.state_put(a, StateNid(999), &[pair(1, 1)]).await);
        assert!(matches!(put, Err(StoreError::Inconsistent { .. })), "{put:?}");
    });
}

/// Puts a chain of states and then fails or not.
async fn chain(tx: &mut Tx<'_>, room: RoomNid, length: i64) -> Result<StateNid> {
    let mut state = StateNid(0);
    for number in 1..=length {
        state = tx.state_put(room, state, &[pair(number % 7, number)]).await?;
    }
    Ok(state)
}

#[test]
fn states_of_a_unit_that_was_rolled_back_do_no_harm() {
    on_both(async |db| {
        let a = tx!(db, |tx| room(tx, "a").await?);
        let kept = tx!(db, |tx| chain(tx, a, 5).await?);
        for length in [3, 9, 20] {
            let refused = try_tx!(db, |tx| {
                chain(tx, a, length).await?;
                Err::<(), _>(StoreError::Setup("refused".into()))
            });
            assert!(refused.is_err());
            assert_eq!(read!(db, |tx| full(tx, kept).await?), [1, 2, 3, 4, 5]);
        }
        // The same again, whatever numbers the refused ones had.
        let long = tx!(db, |tx| chain(tx, a, 20).await?);
        assert_eq!(
            read!(db, |tx| full(tx, long).await?),
            (14..=20).collect::<Vec<_>>()
        );
        assert_eq!(tx!(db, |tx| chain(tx, a, 5).await?), kept);
        assert_eq!(
            db.database
                .look_one("SELECT COUNT(*) - COUNT(DISTINCT hash) FROM states"),
            0
        );
        let orphans = "SELECT COUNT(*) FROM states s WHERE s.parent IS NOT NULL AND s.parent NOT IN (SELECT nid FROM states)";
        assert_eq!(db.database.look_one(orphans), 0);
    });
}

#[test]
fn the_same_state_made_at_once_is_one() {
    on_both(async |db| {
        let a = tx!(db, |tx| room(tx, "a").await?);
        let made = futures_util::future::join_all(
            (0..30).map(|_| async { try_tx!(db, |tx| chain(tx, a, 10).await).unwrap() }),
        );
        let made = made.await;
        assert!(made.iter().all(|state| *state == made[0]), "{made:?}");
    });
}

#[test]
fn the_current_state_is_spelled_out() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let (name, member) = (StateEventType::RoomName, StateEventType::RoomMember);
            for number in 1..=4 {
                put_event(tx, a, number, |_| {}).await?;
            }
            for (kind, key, event, at) in [(&name, "", 1, 1), (&member, "@a:x", 2, 2), (&name, "", 3, 3)] {
                tx.state_current_put(a, kind, key, EventNid(event), pos(at))
                    .await?;
            }
            tx.state_current_put(b, &name, "", EventNid(9), pos(9)).await?;
            assert_eq!(tx.state_current(a, &name, "").await?, Some(EventNid(3)));
            assert_eq!(tx.state_current(a, &name, "x").await?, None);
            assert_eq!(tx.state_current(a, &StateEventType::RoomTopic, "").await?, None);

            let mut all = tx.state_current_list(a, None).await?;
            all.sort_by_key(|entry| entry.event.0);
            let all: Vec<_> = all
                .iter()
                .map(|entry| (&entry.kind, entry.state_key.as_str(), entry.event.0, entry.pos.0))
                .collect();
            assert_eq!(all, [(&member, "@a:x", 2, 2), (&name, "", 3, 3)]);
            let changed = tx.state_current_list(a, Some(pos(2))).await?;
            assert_eq!(changed.iter().map(|entry| entry.event.0).collect::<Vec<_>>(), [3]);

            assert_eq!(tx.state_current_kind(a, &member, 10).await?, [EventNid(2)]);
            assert!(tx.state_current_kind(b, &member, 10).await?.is_empty());
            assert!(tx.state_current_kind(a, &name, 0).await?.is_empty());

            let keys = [
                (member, "@a:x".to_owned()),
                (StateEventType::RoomTopic, String::new()),
                (name, String::new()),
            ];
            let events = tx.state_current_events(a, &keys).await?;
            assert_eq!(events.iter().map(|event| event.nid.0).collect::<Vec<_>>(), [2, 3]);
            assert!(tx.state_current_events(a, &[]).await?.is_empty());
        });
    });
}
