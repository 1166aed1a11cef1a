//! Units of work: all or nothing, and no unit disturbs another.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::future::{BoxFuture, join_all};
use rohrpost_store::{StoreError, Tx, Work};

use crate::support::{Db, alice, on_both, read, room, try_tx, tx, unit, user};

/// Runs units while others wait, so that SQLite finds them all in one batch.
async fn together<T: Send>(
    db: &Db,
    units: Vec<BoxFuture<'_, Result<T, StoreError>>>,
) -> Vec<Result<T, StoreError>> {
    let (open, gate) = crossbeam_channel::bounded::<()>(0);
    let gate = unit(move |_| {
        let gate = gate.clone();
        Box::pin(async move { Ok(gate.recv().is_err()) })
    });
    let mut gate = std::pin::pin!(db.store.write(gate));
    assert!(futures_util::poll!(&mut gate).is_pending());
    let mut waiting = Vec::new();
    for mut unit in units {
        // Polled once, it stands in the queue.
        match futures_util::poll!(&mut unit) {
            std::task::Poll::Ready(done) => waiting.push(Box::pin(async { done }) as BoxFuture<'_, _>),
            std::task::Poll::Pending => waiting.push(unit),
        }
    }
    drop(open);
    assert!(gate.await.unwrap());
    join_all(waiting).await
}

/// What goes wrong in a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    RefusedAtOnce,
    RefusedAfterWriting,
    SwallowsAnError,
    Panics,
    PanicsAtOnce,
}

impl Fate {
    const ALL: [Self; 6] = [
        Self::Kept,
        Self::RefusedAtOnce,
        Self::RefusedAfterWriting,
        Self::SwallowsAnError,
        Self::Panics,
        Self::PanicsAtOnce,
    ];

    /// Writes two rows and then meets its fate.
    async fn run(self, tx: &mut Tx<'_>, number: usize) -> Result<usize, StoreError> {
        match self {
            Self::RefusedAtOnce => return Err(StoreError::Setup("refused".into())),
            Self::PanicsAtOnce => panic!("a unit panics at once, as it should in this test"),
            _ => {}
        }
        for half in ["first", "second"] {
            tx.filter_put(&alice(), &format!("{number} {half}"), half).await?;
        }
        match self {
            Self::Kept => Ok(number),
            Self::SwallowsAnError => {
                assert!(room(tx, "taken").await.is_err());
                Ok(number)
            }
            Self::Panics => panic!("a unit panics, as it should in this test"),
            _ => Err(StoreError::Setup("refused".into())),
        }
    }

    fn is_told(self, result: &Result<usize, StoreError>, number: usize) -> bool {
        match (self, result) {
            (Self::Kept, Ok(got)) => *got == number,
            (Self::RefusedAtOnce | Self::RefusedAfterWriting, Err(StoreError::Setup(text))) => {
                &**text == "refused"
            }
            (Self::SwallowsAnError, Err(StoreError::FailedUnit)) => true,
            (Self::Panics | Self::PanicsAtOnce, Err(StoreError::Stopped)) => true,
            _ => false,
        }
    }
}

#[test]
fn units_that_fail_keep_nothing_and_disturb_nobody() {
    on_both(async |db| {
        tx!(db, |tx| room(tx, "taken").await?);
        // In many orders: each fate comes first, last, and behind each other one.
        for round in 0..Fate::ALL.len() {
            let fates: Vec<Fate> = (0..60)
                .map(|number| Fate::ALL[(number * (round + 1) + number / 6) % 6])
                .collect();
            let runs: Arc<Vec<AtomicUsize>> = Arc::new(fates.iter().map(|_| AtomicUsize::new(0)).collect());
            let units = fates.iter().enumerate().map(|(number, fate)| {
                let (fate, runs) = (*fate, runs.clone());
                let unit = unit(move |tx| {
                    runs[number].fetch_add(1, Ordering::Relaxed);
                    Box::pin(fate.run(tx, number))
                });
                Box::pin(db.store.write(unit)) as BoxFuture<'_, _>
            });
            let results = together(db, units.collect()).await;
            for (number, (fate, result)) in fates.iter().zip(&results).enumerate() {
                assert!(fate.is_told(result, number), "{number}: {result:?}");
                assert!(runs[number].load(Ordering::Relaxed) <= 2, "run too often");
            }
            let kept = fates.iter().filter(|fate| **fate == Fate::Kept).count();
            assert_eq!(read!(db, |tx| tx.filter_count(&alice()).await?), 2 * kept as i64);
            for number in (0..fates.len()).filter(|number| fates[*number] == Fate::Kept) {
                let found = read!(db, |tx| tx
                    .filter_get(&alice(), &format!("{number} second"))
                    .await?);
                assert_eq!(found.as_deref(), Some("second"));
            }
            db.database.meddle("DELETE FROM filters");
        }
    });
}

#[test]
fn a_failure_that_nobody_waited_for_refuses_its_own_unit_alone() {
    on_both(async |db| {
        let room = tx!(db, |tx| room(tx, "a").await?);
        // Refuses a number, whenever the statement happens to be answered.
        db.database.meddle(match db.is_sqlite() {
            true => {
                "CREATE TRIGGER refuse BEFORE INSERT ON typing WHEN NEW.until_ts % 3 = 0 BEGIN \
                 SELECT RAISE(ABORT, 'refused'); END"
            }
            false => {
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.until_ts % 3 = 0 THEN \
                 RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END $$; \
                 CREATE TRIGGER refuse BEFORE INSERT ON typing FOR EACH ROW EXECUTE FUNCTION refuse()"
            }
        });
        let units = (0..30_i64).map(|number| {
            let unit = unit(move |tx| {
                Box::pin(async move {
                    let typist = user(&format!("u{number}"));
                    let pos = tx.pos_next().await?;
                    tx.typing_put(room, &typist, number, pos).await?;
                    Ok(pos.0)
                })
            });
            Box::pin(db.store.write(unit)) as BoxFuture<'_, _>
        });
        let results = together(db, units.collect()).await;
        for (number, result) in results.iter().enumerate() {
            assert_eq!(result.is_ok(), number % 3 != 0, "{number}: {result:?}");
            let typist = user(&format!("u{number}"));
            let kept = read!(db, |tx| tx.typing_until(room, &typist).await?);
            assert_eq!(kept.is_some(), result.is_ok(), "{number}: {result:?}");
        }
        let mut taken: Vec<i64> = results.into_iter().flatten().collect();
        taken.sort_unstable();
        assert_eq!(
            taken,
            (1..=20).collect::<Vec<_>>(),
            "a refused unit gives its position back"
        );
        assert_eq!(read!(db, |tx| tx.pos_now().await?).0, 20);
    });
}

#[test]
fn a_unit_sees_what_it_wrote_and_others_see_it_after_the_commit() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.filter_put(&alice(), "a", "1").await?;
            assert_eq!(tx.filter_get(&alice(), "a").await?.as_deref(), Some("1"));
        });
        assert_eq!(db.database.look_one("SELECT COUNT(*) FROM filters"), 1);
        assert_eq!(
            read!(db, |tx| tx.filter_get(&alice(), "a").await?).as_deref(),
            Some("1")
        );
    });
}

#[test]
fn a_statement_that_failed_refuses_the_unit_whatever_comes_after() {
    on_both(async |db| {
        tx!(db, |tx| room(tx, "taken").await?);
        let result = try_tx!(db, |tx| {
            tx.filter_put(&alice(), "before", "1").await?;
            assert!(room(tx, "taken").await.is_err());
            // PostgreSQL refuses this one, SQLite doesn't: neither may keep it.
            drop(tx.filter_put(&alice(), "after", "1").await);
            Ok(())
        });
        assert!(matches!(result, Err(StoreError::FailedUnit)), "{result:?}");
        assert_eq!(read!(db, |tx| tx.filter_count(&alice()).await?), 0);
    });
}

#[test]
fn a_unit_that_waits_for_something_else_is_an_error_on_sqlite() {
    on_both(async |db| {
        let result = try_tx!(db, |tx| {
            tx.filter_put(&alice(), "before", "1").await?;
            tokio::task::yield_now().await;
            tx.filter_put(&alice(), "after", "1").await
        });
        let kept = read!(db, |tx| tx.filter_count(&alice()).await?);
        if db.is_sqlite() {
            assert!(matches!(result, Err(StoreError::Waited)), "{result:?}");
            assert_eq!(kept, 0);
        } else {
            result.unwrap();
            assert_eq!(kept, 2);
        }
        tx!(db, |tx| tx.filter_put(&alice(), "later", "1").await?);
    });
}

#[test]
fn text_with_a_nul_is_refused_on_both_engines() {
    on_both(async |db| {
        let put = try_tx!(db, |tx| tx.filter_put(&alice(), "id", "a\0b").await);
        assert!(matches!(put, Err(StoreError::NulInText)), "{put:?}");
        let swallowed = try_tx!(db, |tx| {
            drop(tx.filter_get(&alice(), "\0").await);
            tx.filter_put(&alice(), "id", "{}").await
        });
        assert!(matches!(swallowed, Err(StoreError::FailedUnit)), "{swallowed:?}");
        assert_eq!(read!(db, |tx| tx.filter_count(&alice()).await?), 0);
        tx!(db, |tx| tx
            .filter_put(&alice(), "id", "\u{1}\u{7f}\u{10ffff}")
            .await?);
    });
}

/// Why a use case refuses.
#[derive(Debug)]
enum Refusal {
    Forbidden,
    Store,
}

impl From<StoreError> for Refusal {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

struct Forbidden;

impl Work for Forbidden {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Refusal> {
        tx.filter_put(&alice(), "id", "{}").await?;
        Err(Refusal::Forbidden)
    }
}

#[test]
fn a_use_cases_own_refusal_reaches_its_caller() {
    on_both(async |db| {
        let result = db.store.write(Forbidden).await;
        assert!(matches!(result, Err(Refusal::Forbidden)), "{result:?}");
        assert_eq!(read!(db, |tx| tx.filter_count(&alice()).await?), 0);
    });
}
