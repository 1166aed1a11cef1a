//! How far application services were told what happened.

use rohrpost_store::{AppserviceProgress, EventNid, EventStatus, Listing, ReceiptRow};

use crate::support::{alice, event_id, on_both, pos, put_event, room, room_id, tx};

#[test]
fn the_progress_of_a_service_comes_back_as_it_was() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert_eq!(tx.appservice_get("bridge").await?, None);
            let mut progress = AppserviceProgress {
                pos: pos(3),
                txn: 7,
                pending: Some(pos(9)),
            };
            tx.appservice_put("bridge", &progress).await?;
            assert_eq!(tx.appservice_get("bridge").await?, Some(progress));
            progress.pending = None;
            tx.appservice_put("bridge", &progress).await?;
            assert_eq!(tx.appservice_get("bridge").await?, Some(progress));
            assert_eq!(tx.appservice_get("other").await?, None);
        });
    });
}

#[test]
fn what_happened_everywhere_is_listed_in_order_and_only_what_counts() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            put_event(tx, a, 1, |_| {}).await?;
            put_event(tx, b, 2, |_| {}).await?;
            put_event(tx, a, 3, |new| new.status = EventStatus::Rejected).await?;
            put_event(tx, a, 4, |new| new.pos = None).await?;
            put_event(tx, a, 5, |_| {}).await?;
            let all = tx.event_list_everywhere(pos(0), pos(9), 10).await?;
            let expected = [
                (a, room_id("a"), EventNid(1)),
                (b, room_id("b"), EventNid(2)),
                (a, room_id("a"), EventNid(5)),
            ];
            assert_eq!(all, expected);
            assert_eq!(tx.event_list_everywhere(pos(1), pos(2), 10).await?.len(), 1);
            assert_eq!(tx.event_list_everywhere(pos(0), pos(9), 2).await?, expected[..2]);
        });
    });
}

#[test]
fn rooms_with_receipts_and_typing_are_listed_once() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let receipt = ReceiptRow {
                room: a,
                user_id: alice(),
                kind: "m.read".to_owned(),
                thread: String::new(),
                event_id: event_id(1),
                event_pos: pos(1),
                ts: 1,
                pos: pos(5),
            };
            tx.receipt_put(&receipt).await?;
            for (nid, at) in [(a, 6), (b, 7)] {
                tx.typing_put(nid, &alice(), 1_000, pos(at)).await?;
            }
            let both = [(a, room_id("a")), (b, room_id("b"))];
            assert_eq!(tx.ephemeral_rooms(pos(0), pos(9), 10).await?, both);
            assert_eq!(tx.ephemeral_rooms(pos(6), pos(9), 10).await?, both[1..]);
            assert!(tx.ephemeral_rooms(pos(7), pos(9), 10).await?.is_empty());
            assert!(tx.typing_changed(a, pos(5), pos(6)).await?);
            assert!(!tx.typing_changed(a, pos(6), pos(9)).await?);
        });
    });
}

#[test]
fn rooms_are_on_the_lists_they_were_put_on() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            tx.room_set_public(b, true).await?;
            for _ in 0..2 {
                tx.listing_put(a, "bridge", "net").await?;
            }
            tx.listing_put(a, "bridge", "more").await?;
            tx.listing_put(b, "other", "net").await?;
            assert_eq!(tx.listing_count("bridge").await?, 2);
            let network = |service, network| Listing::Network { service, network };
            for (list, expected) in [
                (Listing::Own, &[b][..]),
                (Listing::All, &[a, b]),
                (network("bridge", "net"), &[a]),
                (network("other", "net"), &[b]),
                (network("other", "more"), &[]),
            ] {
                let rooms = tx.room_list_public(list, 0, 10).await?;
                let rooms: Vec<_> = rooms.into_iter().map(|(room, _)| room.nid).collect();
                assert_eq!(rooms, expected, "{list:?}");
                assert_eq!(tx.directory_count(list).await?, expected.len() as i64, "{list:?}");
            }
            assert!(tx.listing_delete(a, "bridge", "net").await?);
            assert!(!tx.listing_delete(a, "bridge", "net").await?);
            assert!(!tx.listing_delete(a, "other", "net").await?);
            assert!(
                tx.room_list_public(network("bridge", "net"), 0, 10)
                    .await?
                    .is_empty()
            );
        });
    });
}
