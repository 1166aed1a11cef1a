//! Opening and closing.

use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};
use rohrpost_store::{AfterCommit, Store, StoreError};

use crate::support::{Heard, alice, on_both, read, try_tx, tx, unit};

#[test]
fn closing_waits_for_what_is_under_way() {
    on_both(async |db| {
        let mut units: Vec<BoxFuture<'_, Result<(), StoreError>>> = Vec::new();
        for number in 0..50 {
            let work = unit(move |tx| {
                Box::pin(async move {
                    for part in 0..5 {
                        tx.filter_put(&alice(), &format!("{number} {part}"), "{}").await?;
                    }
                    Ok(())
                })
            });
            let mut begun = Box::pin(db.store.write(work)) as BoxFuture<'_, _>;
            if futures_util::poll!(&mut begun).is_pending() {
                units.push(begun);
            }
        }
        // Twice at once: both wait.
        let closing = async {
            tokio::join!(db.store.close(), db.store.close());
            assert_eq!(db.database.look_one("SELECT COUNT(*) FROM filters"), 250);
        };
        let ((), results) = tokio::join!(closing, join_all(units));
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    });
}

#[test]
fn a_closed_store_says_so() {
    on_both(async |db| {
        let other = db.store.clone();
        db.store.close().await;
        db.store.close().await;
        let written = try_tx!(db, |tx| tx.pos_next().await);
        assert!(matches!(written, Err(StoreError::Stopped)), "{written:?}");
        let read = other.read(|tx| Box::pin(async { tx.pos_now().await })).await;
        assert!(matches!(read, Err(StoreError::Stopped)), "{read:?}");
        let looked_up = other.look_up(|tx| Box::pin(async { tx.pos_now().await })).await;
        assert!(matches!(looked_up, Err(StoreError::Stopped)), "{looked_up:?}");
        let checkpoint = other.checkpoint().await;
        assert!(matches!(checkpoint, Err(StoreError::Stopped)), "{checkpoint:?}");
    });
}

#[test]
fn a_checkpoint_moves_everything_to_its_place() {
    on_both(async |db| {
        for number in 0..20 {
            tx!(db, |tx| tx
                .filter_put(&alice(), &number.to_string(), "{}")
                .await?);
        }
        db.store.checkpoint().await.unwrap();
        if db.is_sqlite() {
            let log = std::fs::metadata(db.database.path().with_extension("db-wal")).unwrap();
            assert_eq!(log.len(), 0);
        }
        assert_eq!(db.database.look_one("SELECT COUNT(*) FROM filters"), 20);
        tx!(db, |tx| tx.filter_put(&alice(), "more", "{}").await?);
        assert_eq!(read!(db, |tx| tx.filter_count(&alice()).await?), 21);
    });
}

#[test]
fn the_engine_has_a_name() {
    on_both(async |db| {
        assert_eq!(
            db.store.engine_name(),
            if db.is_sqlite() { "SQLite" } else { "PostgreSQL" }
        );
    });
}

#[tokio::test]
async fn a_url_that_is_none_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(
        &file,
        "this is no database, but a text that is long enough to be taken for one".repeat(50),
    )
    .unwrap();
    for url in [
        "mysql://somewhere".to_owned(),
        String::new(),
        "postgres://user:secret-password@127.0.0.1:1/none".to_owned(),
        "postgres://user:secret-password@127.0.0.1:notaport/none".to_owned(),
        format!("sqlite:{}", folder.path().display()),
        format!("sqlite:{}/under-a-file.db", file.display()),
        format!("sqlite:{}", file.display()),
    ] {
        let opened = Store::open(&url, 2, Arc::new(AfterCommit), Arc::new(Heard::default())).await;
        let Err(StoreError::Setup(text)) = opened else {
            panic!("{url}: {:?}", opened.err())
        };
        assert!(!text.contains("secret-password"), "{text}");
        assert!(text.len() > 20, "{url}: {text}");
    }
}
