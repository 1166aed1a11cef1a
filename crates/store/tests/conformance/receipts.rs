//! Read receipts.

use rohrpost_store::{ReceiptRow, RoomNews, RoomNid};
use ruma::events::room::member::MembershipState;

use crate::{
    memberships::{join, put},
    support::{alice, bob, event_id, on_both, pos, room, tx},
};

fn receipt(room: RoomNid, event: i64, at: i64) -> ReceiptRow {
    ReceiptRow {
        room,
        user_id: alice(),
        kind: "m.read".to_owned(),
        thread: String::new(),
        event_id: event_id(event),
        event_pos: pos(event),
        ts: at * 1_000,
        pos: pos(at),
    }
}

#[test]
fn a_receipt_only_moves_forward() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            for (event, at, moves, stands) in [
                (5, 10, true, (5, 10)),
                (5, 11, false, (5, 10)),
                (4, 12, false, (5, 10)),
                (6, 13, true, (6, 13)),
            ] {
                assert_eq!(tx.receipt_put(&receipt(a, event, at)).await?, moves);
                let found = &tx.receipt_list_of(a, &alice()).await?[0];
                assert_eq!((found.event_pos, found.pos), (pos(stands.0), pos(stands.1)));
                assert_eq!(
                    (&found.event_id, found.ts),
                    (&event_id(stands.0), stands.1 * 1_000)
                );
            }
        });
    });
}

#[test]
fn each_kind_and_thread_has_its_own_receipt() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            for (number, (kind, thread)) in (1..).zip([
                ("m.read", ""),
                ("m.read", "main"),
                ("m.read", "$root"),
                ("m.read.private", ""),
            ]) {
                let new = ReceiptRow {
                    kind: kind.into(),
                    thread: thread.into(),
                    ..receipt(a, 10 - number, number)
                };
                assert!(tx.receipt_put(&new).await?);
            }
            tx.receipt_put(&ReceiptRow {
                user_id: bob(),
                ..receipt(a, 1, 5)
            })
            .await?;
            tx.receipt_put(&receipt(b, 1, 6)).await?;
            let mut own: Vec<_> = tx
                .receipt_list_of(a, &alice())
                .await?
                .into_iter()
                .map(|found| (found.kind, found.thread))
                .collect();
            own.sort();
            let expected = [
                ("m.read", ""),
                ("m.read", "$root"),
                ("m.read", "main"),
                ("m.read.private", ""),
            ];
            assert_eq!(
                own,
                expected.map(|(kind, thread)| (kind.to_owned(), thread.to_owned()))
            );
        });
    });
}

#[test]
fn receipts_are_listed_after_and_up_to_in_order() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            for at in [4, 2, 3, 1, 5] {
                let thread = format!("$root{at}");
                tx.receipt_put(&ReceiptRow {
                    thread,
                    ..receipt(a, 1, at)
                })
                .await?;
            }
            tx.receipt_put(&receipt(b, 1, 3)).await?;
            let listed = tx.receipt_list(a, pos(1), pos(4)).await?;
            assert_eq!(
                listed.iter().map(|found| found.pos.0).collect::<Vec<_>>(),
                [2, 3, 4]
            );
        });
    });
}

#[test]
fn rooms_with_receipts_are_those_a_user_is_joined_to() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b, c) = (room(tx, "a").await?, room(tx, "b").await?, room(tx, "c").await?);
            for nid in [a, b, c] {
                for (at, thread) in [(1, ""), (2, "main"), (3, "$root")] {
                    let new = ReceiptRow {
                        thread: thread.into(),
                        ..receipt(nid, 1, at)
                    };
                    tx.receipt_put(&new).await?;
                }
            }
            join(tx, a, &bob(), 1).await?;
            put(tx, b, &bob(), &MembershipState::Leave, 1).await?;
            assert_eq!(
                tx.room_news(RoomNews::Receipts, &bob(), pos(0), pos(3)).await?,
                [a],
                "each room once"
            );
            assert_eq!(
                tx.room_news(RoomNews::Receipts, &bob(), pos(2), pos(3)).await?,
                [a]
            );
            assert!(
                tx.room_news(RoomNews::Receipts, &bob(), pos(3), pos(9))
                    .await?
                    .is_empty()
            );
            assert!(
                tx.room_news(RoomNews::Receipts, &bob(), pos(-5), pos(0))
                    .await?
                    .is_empty()
            );
            for (after, upto) in [(0, 3), (2, 3), (3, 9), (-5, 0)] {
                let near = tx
                    .room_news(RoomNews::Receipts, &bob(), pos(after), pos(upto))
                    .await?;
                let far = tx
                    .room_news_far(RoomNews::Receipts, &bob(), pos(after), pos(upto))
                    .await?;
                assert_eq!(near, far, "{after} {upto}");
            }
        });
    });
}
