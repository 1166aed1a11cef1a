//! Threads that people follow.

use rohrpost_store::{ThreadSubscription, Tx};

use crate::support::{alice, bob, event_id, on_both, pos, room, room_id, tx};

fn followed(at: i64) -> ThreadSubscription {
    ThreadSubscription {
        subscribed: true,
        automatic: false,
        pos: pos(at),
    }
}

async fn listed(tx: &mut Tx<'_>, after: i64, upto: i64, limit: u32) -> rohrpost_store::Result<Vec<i64>> {
    let threads = tx
        .thread_subscription_list(&alice(), pos(after), pos(upto), limit)
        .await?;
    Ok(threads.iter().map(|thread| thread.subscription.pos.0).collect())
}

#[test]
fn a_subscription_comes_back_as_it_was_and_belongs_to_one_user_and_thread() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let root = event_id(1);
            assert_eq!(tx.thread_subscription_get(&alice(), a, &root).await?, None);
            let automatic = ThreadSubscription {
                automatic: true,
                ..followed(1)
            };
            for new in [automatic, followed(2)] {
                for _ in 0..2 {
                    tx.thread_subscription_put(&alice(), a, &root, new).await?;
                }
                assert_eq!(tx.thread_subscription_get(&alice(), a, &root).await?, Some(new));
            }
            assert_eq!(tx.thread_subscription_get(&bob(), a, &root).await?, None);
            assert_eq!(tx.thread_subscription_get(&alice(), b, &root).await?, None);
            let other = event_id(2);
            assert_eq!(tx.thread_subscription_get(&alice(), a, &other).await?, None);
        });
    });
}

#[test]
fn what_changed_is_listed_from_the_newest_on() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            for at in 1..=4 {
                let root = event_id(at);
                tx.thread_subscription_put(&alice(), a, &root, followed(at))
                    .await?;
            }
            let given_up = ThreadSubscription {
                subscribed: false,
                ..followed(5)
            };
            tx.thread_subscription_put(&alice(), a, &event_id(1), given_up)
                .await?;
            tx.thread_subscription_put(&bob(), a, &event_id(1), followed(6))
                .await?;
            assert_eq!(listed(tx, 0, 9, 9).await?, [5, 4, 3, 2]);
            assert_eq!(listed(tx, 2, 4, 9).await?, [4, 3]);
            assert_eq!(listed(tx, 0, 9, 2).await?, [5, 4]);
            let threads = tx.thread_subscription_list(&alice(), pos(4), pos(9), 9).await?;
            assert_eq!(threads[0].room_id, room_id("a"));
            assert_eq!(threads[0].root_id, event_id(1));
            assert_eq!(threads[0].subscription, given_up);
        });
    });
}
