//! Databases that live as long as a test, in a PostgreSQL server that is there for tests. Not part of the server.

use std::time::Duration;

use tokio_postgres::{NoTls, error::SqlState};

use crate::{Result, StoreError};

/// How often and after what pause a database is tried to be made, while another test is copying the template.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Makes an empty database in the server that `url` names.
///
/// # Errors
/// When the server can't be reached or refuses.
pub async fn create_database(url: &str, name: &str) -> Result<()> {
    let sql = format!("CREATE DATABASE \"{}\" TEMPLATE template0", quoted(name));
    let mut attempts = ATTEMPTS;
    loop {
        attempts -= 1;
        match run(url, &sql).await {
            Err(error) if attempts > 0 && error.code() == Some(&SqlState::OBJECT_IN_USE) => {
                tokio::time::sleep(PAUSE).await;
            }
            made => return made.map_err(StoreError::from),
        }
    }
}

/// Drops a database, whoever is connected to it.
///
/// # Errors
/// When the server can't be reached or refuses.
pub async fn drop_database(url: &str, name: &str) -> Result<()> {
    let sql = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", quoted(name));
    Ok(run(url, &sql).await?)
}

fn quoted(name: &str) -> String {
    name.replace('"', "\"\"")
}

async fn run(url: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::select! {
        done = client.batch_execute(sql) => done,
        ended = connection => ended,
    }
}
