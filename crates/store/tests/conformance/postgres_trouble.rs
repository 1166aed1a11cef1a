//! PostgreSQL: what it asks to be run again, and what happens while it is gone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use rohrpost_store::{AfterCommit, Store, StoreError};
use tokio::time::timeout;

use crate::support::{Db, Engine, Heard, Proxy, alice, on, open, read, room, room_id, tx, unit};

/// No answer takes longer, whatever is broken.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn units_of_two_nodes_that_want_the_same_rows_never_wait_for_each_other_in_a_ring() {
    const ROUNDS: i64 = 100;
    on(Engine::Postgres, |database, runtime| {
        runtime.block_on(async {
            let nodes = [Db::open(database).await, Db::open(database).await];
            let db = &nodes[0];
            tx!(db, |tx| (room(tx, "a").await?, room(tx, "b").await?));
            let runs = Arc::new(AtomicUsize::new(0));
            let units = nodes
                .iter()
                .zip([("a", "b"), ("b", "a")])
                .map(|(node, (first, second))| {
                    let runs = runs.clone();
                    async move {
                        for _ in 0..ROUNDS {
                            let runs = runs.clone();
                            let both = unit(move |tx| {
                                runs.fetch_add(1, Ordering::Relaxed);
                                Box::pin(async move {
                                    tx.room_lock(&room_id(first)).await?;
                                    tokio::task::yield_now().await;
                                    tx.room_lock(&room_id(second)).await?;
                                    tx.wake_user(&alice());
                                    tx.pos_next().await
                                })
                            });
                            node.store.write(both).await.unwrap();
                        }
                    }
                });
            timeout(PATIENCE, join_all(units)).await.unwrap();
            assert_eq!(runs.load(Ordering::Relaxed) as i64, 2 * ROUNDS, "none ran again");
            assert_eq!(read!(db, |tx| tx.pos_now().await?).0, 2 * ROUNDS);
            for node in &nodes {
                node.store.close().await;
                assert_eq!(node.heard.users().len() as i64, ROUNDS, "each unit wakes once");
            }
        });
    });
}

/// Makes the first `failures` inserts of filters fail as if transactions couldn't be put in an order.
fn conflict(failures: u32) -> String {
    format!(
        "CREATE SEQUENCE tries; CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('tries') <= {failures} THEN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END IF; \
         RETURN NEW; END $$; CREATE TRIGGER conflict BEFORE INSERT ON filters FOR EACH ROW EXECUTE FUNCTION conflict()"
    )
}

#[test]
fn a_serialization_failure_is_tried_again_a_few_times() {
    for (failures, is_kept) in [(4, true), (5, false)] {
        on(Engine::Postgres, |database, runtime| {
            runtime.block_on(async {
                let db = Db::open(database).await;
                database.meddle(&conflict(failures));
                let put = unit(|tx| {
                    Box::pin(async {
                        tx.pos_next().await?;
                        tx.filter_put(&alice(), "id", "{}").await
                    })
                });
                let result = timeout(PATIENCE, db.store.write(put)).await.unwrap();
                assert_eq!(result.is_ok(), is_kept, "{result:?}");
                assert_eq!(
                    read!(db, |tx| tx.filter_count(&alice()).await?),
                    i64::from(is_kept)
                );
                assert_eq!(read!(db, |tx| tx.pos_now().await?).0, i64::from(is_kept));
                db.store.close().await;
            });
        });
    }
}

/// Whether a write is answered, with whatever, in time.
async fn write(store: &Store, name: String) -> Result<(), StoreError> {
    let put = unit(move |tx| {
        let name = name.clone();
        Box::pin(async move {
            tx.filter_put(&alice(), &name, "{}").await?;
            tx.pos_next().await?;
            Ok(())
        })
    });
    timeout(PATIENCE, store.write(put))
        .await
        .expect("an answer, not a hang")
}

#[test]
fn while_the_database_is_gone_all_fail_and_afterwards_all_works() {
    on(Engine::Postgres, |database, runtime| {
        runtime.block_on(async {
            let proxy = Proxy::before(&database.url).await;
            let store = open(&proxy.url, Arc::new(AfterCommit), Arc::new(Heard::default())).await;
            let mut kept = 0;
            for round in 0..3 {
                // It goes away while they write.
                let writers = join_all((0..16).map(|writer| {
                    let store = &store;
                    async move {
                        let mut kept = 0;
                        for number in 0..100 {
                            match write(store, format!("{round} {writer} {number}")).await {
                                Ok(()) => kept += 1,
                                Err(_) => break,
                            }
                        }
                        kept
                    }
                }));
                let away = async {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    proxy.go_away();
                };
                let (each, ()) = tokio::join!(writers, away);
                kept += each.iter().sum::<i64>();
                for number in 0..5 {
                    let refused = write(&store, format!("away {number}")).await;
                    assert!(
                        matches!(refused, Err(StoreError::Pool(_) | StoreError::Postgres(_))),
                        "{refused:?}"
                    );
                    let reading = store.read(|tx| Box::pin(async { tx.pos_now().await }));
                    let refused = timeout(PATIENCE, reading).await.expect("an answer, not a hang");
                    assert!(
                        matches!(refused, Err(StoreError::Pool(_) | StoreError::Postgres(_))),
                        "{refused:?}"
                    );
                }
                proxy.come_back();
                // A connection that died in the meantime may still have to be found out.
                let again =
                    join_all((0..16).map(|writer| write(&store, format!("back {round} {writer}")))).await;
                assert!(again.iter().all(Result::is_ok), "{again:?}");
                kept += 16;
            }
            store.close().await;
            let stored = database.look_one("SELECT COUNT(*) FROM filters");
            // What was committed just when the connection broke is there without its caller knowing.
            assert!(
                (kept..=kept + 3 * 16).contains(&stored),
                "{stored} stored, {kept} acknowledged"
            );
            assert_eq!(
                database.look_one("SELECT pos FROM stream"),
                stored,
                "no unit was kept by half"
            );
            assert_eq!(
                database.look_one("SELECT COUNT(*) FROM filters WHERE filter_id LIKE 'away%'"),
                0
            );
        });
    });
}

#[test]
fn a_database_that_is_gone_at_the_start_is_said_in_words() {
    on(Engine::Postgres, |database, runtime| {
        runtime.block_on(async {
            let proxy = Proxy::before(&database.url).await;
            proxy.go_away();
            let opened = Store::open(&proxy.url, 2, Arc::new(AfterCommit), Arc::new(Heard::default()));
            let Err(StoreError::Setup(text)) = timeout(PATIENCE, opened).await.unwrap() else {
                panic!("opened a database that isn't there")
            };
            assert!(text.contains("can't reach PostgreSQL"), "{text}");
        });
    });
}
