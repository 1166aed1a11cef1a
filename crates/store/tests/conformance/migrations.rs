//! The schema: brought up to date once, whoever starts, and never taken back.

use std::sync::Arc;

use futures_util::future::join_all;
use rohrpost_store::{AfterCommit, SCHEMA_VERSION, Store, StoreError, peek, schema_version};

use crate::support::{Engine, Heard, alice, on, on_both, open, read, tx};

#[test]
fn a_new_database_has_this_programs_version() {
    on_both(async |db| {
        assert_eq!(read!(db, |tx| schema_version(tx).await?), SCHEMA_VERSION);
        assert_eq!(peek(&db.database.url).await.unwrap(), Some(SCHEMA_VERSION));
    });
}

#[test]
fn opening_again_changes_nothing() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.pos_next().await?;
            tx.filter_put(&alice(), "id", "{}").await?;
        });
        db.store.close().await;
        for _ in 0..3 {
            let store = open(
                &db.database.url,
                Arc::new(AfterCommit),
                Arc::new(Heard::default()),
            )
            .await;
            store.close().await;
        }
        assert_eq!(
            db.database.look_one("SELECT COUNT(*) FROM schema_steps"),
            SCHEMA_VERSION
        );
        assert_eq!(db.database.look_one("SELECT COUNT(*) FROM filters"), 1);
        assert_eq!(db.database.look_one("SELECT pos FROM stream"), 1);
    });
}

#[test]
fn many_may_make_the_schema_at_once() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        on(engine, |database, runtime| {
            // Threads, because opening SQLite blocks.
            let opened: Vec<_> = std::thread::scope(|scope| {
                let open = || {
                    let store = Store::open(
                        &database.url,
                        2,
                        Arc::new(AfterCommit),
                        Arc::new(Heard::default()),
                    );
                    runtime.block_on(store)
                };
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            runtime.block_on(join_all(
                opened.iter().map(|store| store.as_ref().unwrap().close()),
            ));
            assert_eq!(
                database.look_one("SELECT COUNT(*) FROM schema_steps"),
                SCHEMA_VERSION
            );
        });
    }
}

#[test]
fn a_newer_schema_is_refused_in_words() {
    on_both(async |db| {
        db.store.close().await;
        let newer = SCHEMA_VERSION + 1;
        db.database.meddle(&format!(
            "INSERT INTO schema_steps (step, name) VALUES ({newer}, 'later')"
        ));
        let opened = Store::open(
            &db.database.url,
            2,
            Arc::new(AfterCommit),
            Arc::new(Heard::default()),
        )
        .await;
        let Err(StoreError::Setup(text)) = opened else {
            panic!("opened a newer database")
        };
        assert!(text.contains(&format!("version {newer}")), "{text}");
        assert!(
            text.contains("newer program") && text.contains("backup"),
            "{text}"
        );
        assert_eq!(peek(&db.database.url).await.unwrap(), Some(newer));
    });
}

#[test]
fn a_database_that_nobody_opened_has_no_version() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        on(engine, |database, runtime| {
            assert_eq!(runtime.block_on(peek(&database.url)).unwrap(), None);
        });
    }
}
