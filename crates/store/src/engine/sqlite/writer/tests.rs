//! What only a look inside can bring about: SQLite taking a transaction away in the middle of a batch.

use std::sync::Arc;

use crossbeam_channel::unbounded;

use super::*;
use crate::{
    AfterCommit, Committed, Tx, Wakes, Work,
    engine::{batch::Unit, sqlite::open_writer},
};

/// A unit that is a function.
struct Unchecked<F>(F);

impl<F> Work for Unchecked<F>
where
    F: Fn(&mut SqliteConn) -> Result<()> + Send + Sync + 'static,
{
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let TxEngine::Sqlite(conn) = &mut tx.engine else {
            unreachable!("this is SQLite")
        };
        (self.0)(conn)
    }
}

struct Nobody;

impl Committed for Nobody {
    fn committed(&self, _: Wakes) {}
}

/// What a unit of a batch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// Writes a row.
    Writes,
    /// Writes until the database may not grow any more, and reports the error.
    FillsUp,
    /// The same, and swallows the error.
    FillsUpQuietly,
    /// Writes a row and is refused.
    IsRefused,
}

fn fill_up(conn: &mut SqliteConn) -> Result<()> {
    conn.script("PRAGMA max_page_count = 1")?;
    let filled = (0..1_000).try_for_each(|_| {
        let sql = "INSERT INTO filters (user_id, filter_id, filter) VALUES (hex(randomblob(20)), '', hex(randomblob(2000)))";
        conn.execute(sql, &[]).map(|_| ())
    });
    conn.script("PRAGMA max_page_count = 1000000")?;
    filled
}

/// Runs a batch in a fresh database; returns what each unit was told, and whether its row is there.
fn batch(units: &[Does]) -> Vec<(Result<()>, bool)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let (jobs, queue) = unbounded::<Box<dyn Job>>();
    let mut answers = Vec::new();
    for (number, does) in units.iter().copied().enumerate() {
        let work = Unchecked(move |conn: &mut SqliteConn| {
            if does == Does::FillsUpQuietly {
                drop(fill_up(conn));
                return Ok(());
            }
            let name = number.to_string();
            let sql = "INSERT INTO filters (user_id, filter_id, filter) VALUES ('batch', $1, '')";
            conn.execute(sql, crate::value::params![&name])?;
            match does {
                Does::Writes => Ok(()),
                Does::IsRefused => Err(StoreError::Setup("refused".into())),
                Does::FillsUp | Does::FillsUpQuietly => fill_up(conn),
            }
        });
        let (unit, answered) = Unit::job(work, Arc::new(Nobody));
        jobs.send(unit).unwrap();
        answers.push(answered);
    }
    drop(jobs);
    write_loop(open_writer(&path).unwrap(), &queue, &AfterCommit);

    let conn = rusqlite::Connection::open(&path).unwrap();
    let is_there = |number: usize| -> bool {
        let sql = "SELECT COUNT(*) FROM filters WHERE user_id = 'batch' AND filter_id = ?1";
        conn.query_row(sql, [number.to_string()], |row| row.get(0))
            .unwrap()
    };
    let strangers = "SELECT COUNT(*) FROM filters WHERE user_id <> 'batch'";
    assert_eq!(
        conn.query_row(strangers, [], |row| row.get::<_, i64>(0)),
        Ok(0),
        "half a unit was kept"
    );
    let told = answers
        .into_iter()
        .map(|mut answered| answered.try_recv().unwrap());
    told.enumerate()
        .map(|(number, told)| (told, is_there(number)))
        .collect()
}

#[test]
fn a_unit_that_costs_the_transaction_costs_the_others_nothing() {
    use Does::{FillsUp, FillsUpQuietly, IsRefused, Writes};
    for spoiler in [FillsUp, FillsUpQuietly] {
        for units in [
            vec![spoiler],
            vec![spoiler, Writes, Writes],
            vec![Writes, Writes, spoiler],
            vec![Writes, spoiler, Writes, IsRefused, Writes],
        ] {
            let results = batch(&units);
            for (does, (told, is_there)) in units.iter().zip(&results) {
                assert_eq!(told.is_ok(), *does == Writes, "{units:?}: {results:?}");
                assert_eq!(told.is_ok(), *is_there, "{units:?}: {results:?}");
            }
        }
    }
}

#[test]
fn what_was_told_is_what_is_there_however_often_the_transaction_is_lost() {
    use Does::{FillsUp, FillsUpQuietly, IsRefused, Writes};
    let units = [
        Writes,
        IsRefused,
        Writes,
        FillsUp,
        Writes,
        FillsUpQuietly,
        Writes,
        IsRefused,
        Writes,
    ];
    let results = batch(&units);
    for (does, (told, is_there)) in units.iter().zip(&results) {
        assert_eq!(told.is_ok(), *is_there, "{results:?}");
        assert!(told.is_err() || *does == Writes, "{results:?}");
    }
    // Those before the second loss are lost with it and told so; those after it stand.
    let (last, _) = &results[units.len() - 1];
    assert!(last.is_ok(), "{results:?}");
}
