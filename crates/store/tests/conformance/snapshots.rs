//! Reads: one snapshot each, and nothing of them is kept.

use futures_util::future::join_all;
use rohrpost_store::StoreError;

use crate::support::{alice, on_both, read, tx};

#[test]
fn a_read_sees_one_snapshot_while_others_write() {
    on_both(async |db| {
        tx!(db, |tx| tx.pos_next().await?);
        let (begun, has_begun) = crossbeam_channel::bounded::<()>(1);
        let (go_on, may_go_on) = crossbeam_channel::bounded::<()>(1);
        let store = db.store.clone();
        // In a task of its own: it blocks a thread, on SQLite a reader's, on PostgreSQL one of the runtime.
        let mut reading = tokio::task::JoinSet::new();
        reading.spawn(async move {
            let snapshot = store.read(move |tx| {
                Box::pin(async move {
                    let before = (tx.pos_now().await?, tx.filter_count(&alice()).await?);
                    begun.send(()).unwrap();
                    may_go_on.recv().unwrap();
                    let after = (tx.pos_now().await?, tx.filter_count(&alice()).await?);
                    Ok::<_, StoreError>((before, after))
                })
            });
            snapshot.await.unwrap()
        });
        tokio::task::spawn_blocking(move || has_begun.recv())
            .await
            .unwrap()
            .unwrap();
        tx!(db, |tx| {
            tx.filter_put(&alice(), "id", "{}").await?;
            tx.pos_next().await?
        });
        go_on.send(()).unwrap();
        let (before, after) = reading.join_next().await.unwrap().unwrap();
        assert_eq!(before, after);
        assert_eq!(read!(db, |tx| tx.filter_count(&alice()).await?), 1);
    });
}

#[test]
fn a_read_cannot_write() {
    on_both(async |db| {
        for _ in 0..10 {
            let written = db
                .store
                .read(|tx| Box::pin(async { tx.filter_put(&alice(), "id", "{}").await }));
            assert!(matches!(
                written.await,
                Err(StoreError::Sqlite(_) | StoreError::Postgres(_))
            ));
            let swallowed = db.store.read(|tx| {
                Box::pin(async {
                    drop(tx.pos_next().await);
                    Ok::<_, StoreError>(())
                })
            });
            drop(swallowed.await);
        }
        assert_eq!(read!(db, |tx| tx.filter_count(&alice()).await?), 0);
        assert_eq!(read!(db, |tx| tx.pos_now().await?).0, 0);
        tx!(db, |tx| tx.filter_put(&alice(), "id", "{}").await?);
    });
}

#[test]
fn a_read_that_fails_or_panics_leaves_its_connection_clean() {
    on_both(async |db| {
        tx!(db, |tx| tx.pos_next().await?);
        for number in 0..30 {
            let failed = db.store.read(|tx| {
                Box::pin(async {
                    tx.pos_now().await?;
                    Err::<(), _>(StoreError::Setup("refused".into()))
                })
            });
            assert!(matches!(failed.await, Err(StoreError::Setup(_))));
            if db.is_sqlite() {
                let panicked = db.store.read(|tx| {
                    Box::pin(async {
                        tx.pos_now().await?;
                        panic!("a read panics, as it should in this test");
                        #[expect(unreachable_code, reason = "gives the type")]
                        Ok::<(), StoreError>(())
                    })
                });
                assert!(matches!(panicked.await, Err(StoreError::Stopped)));
            }
            assert_eq!(read!(db, |tx| tx.pos_now().await?).0, number + 1);
            tx!(db, |tx| tx.pos_next().await?);
            assert_eq!(
                read!(db, |tx| tx.pos_now().await?).0,
                number + 2,
                "not an old snapshot"
            );
        }
    });
}

#[test]
fn many_read_at_once() {
    on_both(async |db| {
        tx!(db, |tx| tx.pos_next().await?);
        let reads = join_all((0..500).map(|_| async { read!(db, |tx| tx.pos_now().await?).0 })).await;
        assert!(reads.iter().all(|pos| *pos == 1));
    });
}

#[test]
fn a_look_up_is_a_read_that_is_over_soon() {
    on_both(async |db| {
        for number in 1..=20 {
            tx!(db, |tx| tx.pos_next().await?);
            let now = db
                .store
                .look_up(|tx| Box::pin(async { tx.pos_now().await }))
                .await;
            assert_eq!(now.map_err(|error: StoreError| error).unwrap().0, number);
            let written = db
                .store
                .look_up(|tx| Box::pin(async { tx.filter_put(&alice(), "id", "{}").await }));
            assert!(matches!(
                written.await,
                Err(StoreError::Sqlite(_) | StoreError::Postgres(_))
            ));
        }
        let many = join_all((0..500).map(|_| db.store.look_up(|tx| Box::pin(async { tx.pos_now().await }))));
        let many: Result<Vec<_>, StoreError> = many.await.into_iter().collect();
        assert!(many.unwrap().iter().all(|now| now.0 == 20));
        assert_eq!(read!(db, |tx| tx.filter_count(&alice()).await?), 0);
    });
}
