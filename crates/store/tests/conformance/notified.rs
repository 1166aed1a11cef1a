//! What notified whom, and which pushers have something to say.

use rohrpost_store::{EventNid, NotifiedRow, PusherProgress, PusherRow, ReadUpto, RoomNid, StreamPos};
use ruma::{OwnedUserId, device_id};

use crate::support::{alice, bob, on_both, tx};

fn row(user_id: OwnedUserId, room: i64, pos: i64, thread: &str) -> NotifiedRow {
    NotifiedRow {
        user_id,
        room: RoomNid(room),
        event: EventNid(pos),
        thread: thread.to_owned(),
        highlight: pos % 2 == 0,
        sound: (pos > 2).then(|| "default".to_owned()),
        ts: pos * 10,
    }
}

fn read(thread: Option<&str>, upto: i64) -> ReadUpto {
    ReadUpto {
        user_id: alice(),
        room: RoomNid(1),
        thread: thread.map(str::to_owned),
        upto: StreamPos(upto),
    }
}

fn pusher(pushkey: &str) -> PusherRow {
    PusherRow {
        app_id: "app".to_owned(),
        pushkey: pushkey.to_owned(),
        json: "{}".to_owned(),
    }
}

#[test]
fn what_notified_somebody_stays_until_it_is_read() {
    on_both(async |db| {
        tx!(db, |tx| {
            let rows = [
                row(alice(), 1, 1, ""),
                row(alice(), 1, 2, "$root"),
                row(alice(), 1, 3, ""),
                row(alice(), 2, 4, ""),
                row(bob(), 1, 1, ""),
            ];
            for _ in 0..2 {
                tx.notified_insert(&rows).await?;
            }
            let all = (StreamPos(0), StreamPos(9));
            let listed = tx.notified_list(&alice(), all.0, all.1, 0, 10).await?;
            assert_eq!(listed, rows[..4]);
            assert_eq!(tx.notified_list(&alice(), all.0, all.1, 0, 2).await?, rows[2..4]);
            assert_eq!(
                tx.notified_list(&alice(), StreamPos(1), StreamPos(3), 30, 9)
                    .await?,
                rows[2..3]
            );
            assert_eq!(tx.notified_rooms(&alice(), 10).await?.len(), 2);
            tx.notified_read(&[read(Some(""), 2)]).await?;
            assert_eq!(tx.notified_list(&alice(), all.0, all.1, 0, 10).await?, rows[1..4]);
            tx.notified_read(&[read(Some("$root"), 2), read(None, 3)]).await?;
            assert_eq!(tx.notified_list(&alice(), all.0, all.1, 0, 10).await?, rows[3..4]);
            assert_eq!(tx.notified_list(&bob(), all.0, all.1, 0, 10).await?.len(), 1);
            tx.pusher_put(&alice(), device_id!("ONE"), &pusher("k")).await?;
            tx.notified_delete_old(0).await?;
            assert_eq!(tx.notified_list(&alice(), all.0, all.1, 0, 10).await?.len(), 1);
            assert!(
                tx.notified_list(&bob(), all.0, all.1, 0, 10).await?.is_empty(),
                "no pusher"
            );
        });
    });
}

#[test]
fn a_pusher_that_has_something_to_say_is_taken_once() {
    on_both(async |db| {
        tx!(db, |tx| {
            for pushkey in ["a", "b"] {
                tx.pusher_put(&alice(), device_id!("ONE"), &pusher(pushkey))
                    .await?;
                tx.pusher_begin(&alice(), &pusher(pushkey), StreamPos(5), None)
                    .await?;
            }
            assert!(tx.pusher_claim(100, 200, 10).await?.is_empty(), "nothing to say");
            tx.pusher_set_due([&alice()], StreamPos(7)).await?;
            tx.pusher_set_due([&alice()], StreamPos(6)).await?;
            let one = tx.pusher_claim(100, 200, 1).await?;
            let other = tx.pusher_claim(100, 200, 10).await?;
            assert_eq!((one.len(), other.len()), (1, 1));
            assert!(tx.pusher_claim(199, 300, 10).await?.is_empty(), "both are taken");
            let (one, other) = (&one[0], &other[0]);
            assert_ne!(one.pusher.pushkey, other.pusher.pushkey);
            assert_eq!((one.due, one.upto, one.badge), (StreamPos(7), StreamPos(5), -1));
            let progress = PusherProgress {
                upto: StreamPos(7),
                badge: 3,
                failures: 0,
                retry_ts: 0,
            };
            tx.pusher_progress(one, progress).await?;
            let failed = PusherProgress {
                upto: StreamPos(5),
                failures: 1,
                retry_ts: 150,
                ..progress
            };
            tx.pusher_progress(other, failed).await?;
            assert!(tx.pusher_claim(149, 300, 10).await?.is_empty());
            let again = tx.pusher_claim(150, 300, 10).await?;
            assert_eq!((again.len(), again[0].failures), (1, 1));
            tx.pusher_set_due([&alice()], StreamPos(8)).await?;
            let more = tx.pusher_claim(150, 300, 10).await?;
            assert_eq!((more.len(), more[0].upto, more[0].badge), (1, StreamPos(7), 3));
        });
    });
}

#[test]
fn a_pusher_that_waits_for_its_client_says_its_token_only() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.pusher_put(&alice(), device_id!("ONE"), &pusher("k")).await?;
            tx.pusher_begin(&alice(), &pusher("k"), StreamPos(5), Some(("token", 99)))
                .await?;
            assert_eq!(tx.pusher_list_waiting(&alice()).await?.len(), 1);
            let due = tx.pusher_claim(0, 10, 10).await?;
            assert_eq!((due.len(), due[0].ack_token.as_deref()), (1, Some("token")));
            let tokens = tx.pusher_ack_tokens(&alice(), "app").await?;
            assert_eq!(tokens, [("k".to_owned(), Some("token".to_owned()), 99)]);
            tx.pusher_set_due([&alice()], StreamPos(9)).await?;
            tx.pusher_activate(&alice(), "app", "k", StreamPos(9)).await?;
            assert!(tx.pusher_list_waiting(&alice()).await?.is_empty());
            assert!(
                tx.pusher_claim(20, 30, 10).await?.is_empty(),
                "what was before is not told"
            );
        });
    });
}

#[test]
fn a_walk_moves_from_where_it_was_found() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert_eq!(tx.walk_get("w").await?, None);
            assert!(tx.walk_move("w", None, StreamPos(3)).await?);
            assert!(!tx.walk_move("w", None, StreamPos(4)).await?);
            assert!(!tx.walk_move("w", Some(StreamPos(2)), StreamPos(4)).await?);
            assert!(tx.walk_move("w", Some(StreamPos(3)), StreamPos(4)).await?);
            assert_eq!(tx.walk_get("w").await?, Some(StreamPos(4)));
            assert_eq!(tx.vapid_key_get().await?, None);
            tx.vapid_key_insert(&[1; 32], 0).await?;
            tx.vapid_key_insert(&[2; 32], 0).await?;
            assert_eq!(tx.vapid_key_get().await?, Some(vec![1; 32]));
        });
    });
}
