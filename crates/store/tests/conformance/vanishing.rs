//! Callers that go away: their unit is all or nothing, and the connection is clean.

use std::time::Duration;

use rohrpost_store::StoreError;

use crate::support::{alice, bob, on_both, pos, read, tx, unit};

#[test]
fn a_unit_whose_caller_went_away_is_all_or_nothing() {
    const CALLERS: i64 = 200;
    on_both(async |db| {
        let is_sqlite = db.is_sqlite();
        for number in 0..CALLERS {
            let work = unit(move |tx| {
                Box::pin(async move {
                    tx.filter_put(&alice(), &number.to_string(), "{}").await?;
                    if !is_sqlite {
                        tokio::time::sleep(Duration::from_micros(200)).await;
                    }
                    tx.pos_next().await?;
                    tx.filter_put(&bob(), &number.to_string(), "{}").await
                })
            });
            let patience = Duration::from_micros(u64::try_from(number * 13 % 1_500).unwrap());
            // Whether it was in time or not must not matter.
            drop(tokio::time::timeout(patience, db.store.write(work)).await);
        }
        // Those that run behind their callers come before this one on SQLite; PostgreSQL waits for them in close.
        tx!(db, |tx| tx.filter_put(&alice(), "last", "{}").await?);
        tx!(db, |tx| tx.filter_put(&bob(), "last", "{}").await?);
        db.store.close().await;
        let halves = db.database.look_one(
            "SELECT COUNT(*) FROM (SELECT filter_id FROM filters GROUP BY filter_id HAVING COUNT(*) <> 2) AS half",
        );
        assert_eq!(halves, 0);
        let units = db
            .database
            .look_one("SELECT COUNT(DISTINCT filter_id) FROM filters");
        assert_eq!(units - 1, db.database.look_one("SELECT pos FROM stream"));
    });
}

#[test]
fn reads_whose_callers_went_away_leave_their_connections_clean() {
    on_both(async |db| {
        tx!(db, |tx| tx.pos_next().await?);
        for number in 0..200_u64 {
            let reading = db.store.read(|tx| {
                Box::pin(async {
                    for _ in 0..20 {
                        tx.pos_now().await?;
                    }
                    Ok::<_, StoreError>(())
                })
            });
            drop(tokio::time::timeout(Duration::from_micros(number * 7 % 900), reading).await);
        }
        for number in 1..=20 {
            assert_eq!(read!(db, |tx| tx.pos_now().await?), pos(number));
            assert_eq!(tx!(db, |tx| tx.pos_next().await?), pos(number + 1));
        }
    });
}
