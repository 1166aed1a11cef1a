//! When results are released: 200 means that it is on disk.

use std::{sync::Arc, time::Duration};

use rohrpost_store::{Acknowledge, AfterCommit, Completion, StreamPos};

use crate::support::{Database, Engine, Heard, on, open, unit};

/// Releases results before the commit, and then takes its time. What the server must never do.
struct TooEarly;

impl Acknowledge for TooEarly {
    fn finished(&self, completion: Completion) -> Option<Completion> {
        completion.release(Ok(()));
        std::thread::sleep(Duration::from_millis(200));
        None
    }
}

/// How many of ten acknowledged writes another connection couldn't see when their caller was told of them.
fn unseen(
    database: &Arc<Database>,
    runtime: &tokio::runtime::Runtime,
    acknowledge: Arc<dyn Acknowledge>,
) -> usize {
    runtime.block_on(async {
        let store = open(&database.url, acknowledge, Arc::new(Heard::default())).await;
        let mut unseen = 0;
        for _ in 0..10 {
            let StreamPos(written) = store.write(unit(|tx| Box::pin(tx.pos_next()))).await.unwrap();
            unseen += usize::from(database.look_one("SELECT pos FROM stream") < written);
        }
        store.close().await;
        unseen
    })
}

#[test]
fn a_result_is_released_when_another_connection_sees_the_commit() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        on(engine, |database, runtime| {
            assert_eq!(unseen(database, runtime, Arc::new(AfterCommit)), 0);
        });
    }
}

#[test]
fn releasing_too_early_is_found_out() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        on(engine, |database, runtime| {
            assert_eq!(unseen(database, runtime, Arc::new(TooEarly)), 10);
        });
    }
}
