//! Positions: no reader ever sees a hole.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{join, join_all};

use crate::support::{append, on_both, pos, read, room, try_tx, tx};

#[test]
fn positions_count_up_and_a_refused_unit_gives_its_own_back() {
    on_both(async |db| {
        assert_eq!(read!(db, |tx| tx.pos_now().await?), pos(0));
        assert_eq!(
            tx!(db, |tx| [tx.pos_next().await?, tx.pos_next().await?]),
            [pos(1), pos(2)]
        );
        let refused = try_tx!(db, |tx| {
            assert_eq!(tx.pos_next().await?, pos(3));
            Err::<(), _>(rohrpost_store::StoreError::Setup("refused".into()))
        });
        assert!(refused.is_err());
        assert_eq!(tx!(db, |tx| tx.pos_next().await?), pos(3));
        assert_eq!(tx!(db, |tx| tx.pos_now().await?), pos(3));
    });
}

#[test]
fn a_reader_that_sees_a_position_sees_all_before_it() {
    const WRITERS: usize = 64;
    const EACH: i64 = 15;
    on_both(async |db| {
        let rooms = tx!(db, |tx| {
            let mut rooms = Vec::new();
            for number in 0..4 {
                rooms.push(room(tx, &format!("r{number}")).await?);
            }
            rooms
        });
        let done = AtomicBool::new(false);
        let writers = join_all((0..WRITERS).map(|writer| {
            let room = rooms[writer % rooms.len()];
            async move {
                for number in 0..EACH {
                    // Some are refused after they took a position.
                    let written = try_tx!(db, |tx| {
                        append(tx, room).await?;
                        match number % 5 {
                            4 => Err(rohrpost_store::StoreError::Setup("refused".into())),
                            _ => Ok(()),
                        }
                    });
                    assert_eq!(written.is_ok(), number % 5 != 4);
                }
            }
        }));
        let writers = async {
            writers.await;
            done.store(true, Ordering::Relaxed);
        };
        let readers = join_all((0..4).map(|_| async {
            let mut checked = 0;
            loop {
                let is_last = done.load(Ordering::Relaxed);
                let rooms = rooms.clone();
                let (now, mut seen) = read!(db, |tx| {
                    let now = tx.pos_now().await?;
                    let mut seen = Vec::new();
                    for room in rooms {
                        let events = tx
                            .event_list_forward(room, pos(checked), pos(i64::MAX), 10_000)
                            .await?;
                        seen.extend(events.into_iter().map(|event| event.nid.0));
                    }
                    (now.0, seen)
                });
                seen.sort_unstable();
                assert_eq!(
                    seen,
                    (checked + 1..=now).collect::<Vec<_>>(),
                    "a hole, or more than there is"
                );
                checked = now;
                if is_last {
                    return checked;
                }
                tokio::task::yield_now().await;
            }
        }));
        let ((), ends) = join(writers, readers).await;
        let written = WRITERS as i64 * EACH * 4 / 5;
        assert!(ends.iter().all(|end| *end == written), "{ends:?}");
    });
}
