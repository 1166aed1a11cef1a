//! `rohrpost migrate`: brings the database up to date without starting the server.

use std::process::ExitCode;

use rohrpost_config::Config;
use rohrpost_store::SCHEMA_VERSION;

use crate::{commands::say, wire_up};

pub(crate) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let server = wire_up::server(config).await?;
    server.store.close().await;
    say(&format!(
        "the {} database is up to date: schema version {SCHEMA_VERSION}",
        server.store.engine_name()
    ))?;
    Ok(ExitCode::SUCCESS)
}
