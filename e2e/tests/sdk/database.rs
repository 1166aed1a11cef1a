//! PostgreSQL databases that live as long as a test.

use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

/// Names the PostgreSQL in which tests make their databases.
const VARIABLE: &str = "ROHRPOST_TEST_POSTGRES";

/// A database of its own.
pub(crate) struct PostgresDatabase {
    pub(crate) url: String,
    admin_url: String,
    name: String,
}

impl PostgresDatabase {
    /// Makes one. `None`, and a line that can be seen, when there is no PostgreSQL to make it in.
    pub(crate) async fn create() -> anyhow::Result<Option<Self>> {
        let Some(admin_url) = variable(VARIABLE) else {
            let in_ci = variable("CI").is_some_and(|ci| ci != "false");
            ensure!(!in_ci, "{VARIABLE} is not set: nothing was tested on PostgreSQL");
            // Not through eprintln!, which the test harness keeps to itself.
            writeln!(std::io::stderr(), "SKIPPED on PostgreSQL: {VARIABLE} is not set")?;
            return Ok(None);
        };
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("rohrpost_e2e_{}_{number}", std::process::id());
        // One of that name can only be left over from a run that was killed long ago.
        run(
            &admin_url,
            &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        )
        .await?;
        for attempt in 1.. {
            match run(&admin_url, &format!("CREATE DATABASE {name} TEMPLATE template0")).await {
                Ok(()) => break,
                // Another test may be copying the template at this moment.
                Err(error) if attempt < 50 && error.code() == Some(&SqlState::OBJECT_IN_USE) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => {
                    return Err(error)
                        .context(format!("can't make a database in the PostgreSQL of {VARIABLE}"));
                }
            }
        }
        let (address, parameters) = admin_url.split_once('?').unwrap_or((&admin_url, ""));
        let (place, _) = address.rsplit_once('/').with_context(|| {
            format!("{VARIABLE} must end in a database, as in postgres://user@host:port/postgres")
        })?;
        let separator = if parameters.is_empty() { "" } else { "?" };
        let url = format!("{place}/{name}{separator}{parameters}");
        Ok(Some(Self { url, admin_url, name }))
    }

    /// Removes it, with whatever connections are left.
    pub(crate) async fn remove(&self) -> anyhow::Result<()> {
        run(
            &self.admin_url,
            &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        )
        .await
        .with_context(|| format!("the database {} is left behind", self.name))
    }

    /// Everything in it that contains a text, as the names of the tables. Looks at every column of every row.
    pub(crate) async fn tables_containing(&self, text: &str) -> anyhow::Result<Vec<String>> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
        let search = async {
            let tables = client
                .query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", &[])
                .await?;
            let mut found = Vec::new();
            for row in tables {
                let table: String = row.get(0);
                // Whatever the type of a column, its bytes: `bytea` is text in hexadecimal otherwise.
                let columns = client
                    .query(
                        "SELECT column_name::text, data_type = 'bytea' FROM information_schema.columns
                         WHERE table_schema = 'public' AND table_name = $1",
                        &[&table],
                    )
                    .await?;
                for column in columns {
                    let name: String = column.get(0);
                    let bytes = if column.get(1) {
                        format!("\"{name}\"")
                    } else {
                        format!("convert_to(\"{name}\"::text, 'UTF8')")
                    };
                    let sql =
                        format!("SELECT count(*) FROM \"{table}\" WHERE position($1::bytea IN {bytes}) > 0");
                    let rows: i64 = client.query_one(&sql, &[&text.as_bytes()]).await?.get(0);
                    if rows > 0 {
                        found.push(format!("{table}.{name}"));
                    }
                }
            }
            Ok(found)
        };
        tokio::select! {
            found = search => found,
            ended = connection => Err(ended.err().context("the connection ended")?.into()),
        }
    }
}

pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

async fn run(url: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        done = client.batch_execute(sql) => done,
        ended = &mut connection => ended,
    }
}
