//! Wakes: told once, after the commit, and only if there was one.

use std::sync::{Arc, Mutex};

use rohrpost_store::{AfterCommit, Committed, StoreError, Wakes};

use crate::support::{Database, Engine, alice, bob, on, on_both, open, room, try_tx, tx, unit};

#[test]
fn those_concerned_are_woken_once_for_each_unit() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.wake_user(&alice());
            tx.wake(Arc::new([bob(), alice()]));
            tx.wake(Arc::new([]));
            tx.filter_put(&alice(), "a", "{}").await?;
        });
        tx!(db, |tx| tx.filter_put(&alice(), "b", "{}").await?);
        tx!(db, |tx| {
            tx.wake(Arc::new([]));
            tx.filter_put(&alice(), "c", "{}").await?;
        });
        tx!(db, |tx| tx.wake_user(&bob()));
        db.store.close().await;
        let (alice, bob) = (alice().to_string(), bob().to_string());
        assert_eq!(
            db.heard.users(),
            [vec![alice.clone(), bob.clone(), alice], vec![bob]]
        );
    });
}

#[test]
fn nobody_is_woken_by_a_unit_that_was_refused() {
    on_both(async |db| {
        tx!(db, |tx| room(tx, "taken").await?);
        let refused = try_tx!(db, |tx| {
            tx.wake_user(&alice());
            tx.filter_put(&alice(), "a", "{}").await?;
            Err::<(), _>(StoreError::Setup("refused".into()))
        });
        assert!(refused.is_err());
        let failed = try_tx!(db, |tx| {
            tx.wake_user(&alice());
            drop(room(tx, "taken").await);
            Ok(())
        });
        assert!(failed.is_err());
        let panicked = try_tx!(db, |tx| {
            tx.wake_user(&alice());
            tx.filter_put(&alice(), "a", "{}").await?;
            assert!(
                tx.filter_count(&alice()).await? > 5,
                "panics, as it should in this test"
            );
            Ok(())
        });
        assert!(panicked.is_err());
        db.store.close().await;
        assert!(db.heard.users().is_empty());
    });
}

/// Notes what another connection sees when it is told of a commit.
struct Looking {
    database: Arc<Database>,
    saw: Mutex<Vec<i64>>,
}

impl Committed for Looking {
    fn committed(&self, _: Wakes) {
        let saw = self.database.look_one("SELECT pos FROM stream");
        self.saw.lock().unwrap().push(saw);
    }
}

#[test]
fn a_wake_comes_when_others_can_see_the_change() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        on(engine, |database, runtime| {
            let looking = Arc::new(Looking {
                database: database.clone(),
                saw: Mutex::default(),
            });
            runtime.block_on(async {
                let store = open(&database.url, Arc::new(AfterCommit), looking.clone()).await;
                for _ in 0..20 {
                    let work = unit(|tx| {
                        Box::pin(async {
                            tx.wake_user(&alice());
                            tx.pos_next().await
                        })
                    });
                    store.write(work).await.unwrap();
                }
                store.close().await;
            });
            let saw = looking.saw.lock().unwrap();
            assert_eq!(saw.len(), 20);
            assert!(
                (1..).zip(saw.iter()).all(|(written, saw)| *saw >= written),
                "{saw:?}"
            );
        });
    }
}

/// Panics whenever it is told of a commit.
struct Panicking;

impl Committed for Panicking {
    fn committed(&self, _: Wakes) {
        panic!("a listener panics, as it should in this test");
    }
}

#[test]
fn a_listener_that_panics_does_not_end_the_store() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        on(engine, |database, runtime| {
            runtime.block_on(async {
                let store = open(&database.url, Arc::new(AfterCommit), Arc::new(Panicking)).await;
                for expected in 1..=3 {
                    let work = unit(|tx| {
                        Box::pin(async {
                            tx.wake_user(&alice());
                            tx.pos_next().await
                        })
                    });
                    assert_eq!(store.write(work).await.unwrap().0, expected);
                }
                store.close().await;
            });
        });
    }
}
