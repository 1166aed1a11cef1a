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
use tokio::{sync::Barrier, time::timeout};

use crate::support::{Db, Engine, Heard, Proxy, alice, on, open, read, room, room_id, tx, unit};

/// No answer takes longer, whatever is broken.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn units_that_block_each_other_run_again() {
    on(Engine::Postgres, |database, runtime| {
        runtime.block_on(async {
            let db = Db::open(database).await;
            tx!(db, |tx| (room(tx, "a").await?, room(tx, "b").await?));
            let (both, runs) = (Arc::new(Barrier::new(2)), Arc::new(AtomicUsize::new(0)));
            let units = [("a", "b"), ("b", "a")].map(|(first, second)| {
                let (both, runs) = (both.clone(), runs.clone());
                db.store.write(unit(move |tx| {
                    let both = both.clone();
                    let is_first_run = runs.fetch_add(1, Ordering::Relaxed) < 2;
                    Box::pin(async move {
                        tx.room_lock(&room_id(first)).await?;
                        if is_first_run {
                            both.wait().await;
                        }
                        tx.room_lock(&room_id(second)).await?;
                        tx.wake_user(&alice());
                        tx.pos_next().await
                    })
                }))
            });
            let results = timeout(PATIENCE, join_all(units)).await.unwrap();
            assert!(results.iter().all(Result::is_ok), "{results:?}");
            // On a busy computer the database may end more than one wait.
            assert!(runs.load(Ordering::Relaxed) >= 3, "one of them ran again");
            assert_eq!(read!(db, |tx| tx.pos_now().await?).0, 2);
            db.store.close().await;
            assert_eq!(db.heard.users().len(), 2, "who ran twice wakes once");
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
