//! The signed roster: whether it can be read, whether it holds, until when, and whether it names this server.

use rohrpost_config::{Config, FederationMode};
use rohrpost_core::federation::roster::{self, Standing};
use rohrpost_store::{SCHEMA_VERSION, peek};

use super::Finding;
use crate::{
    commands::roster::pins::pins,
    wire_up::{self, database_url, federation::roster_source},
};

pub(super) async fn examine(config: &Config) -> Option<Finding> {
    if config.federation.mode != FederationMode::Roster {
        return None;
    }
    let id = config.federation.roster_id.as_deref().unwrap_or_default();
    let what = format!("roster of {id}");
    // Nothing is set up here: only a database that is there is opened.
    if !matches!(peek(&database_url(config)).await, Ok(Some(version)) if version == SCHEMA_VERSION) {
        return Some(
            match pins(&config.federation).and_then(|_| roster_source(config)) {
                Ok(_) => Finding::good(format!("{what} (is looked at once the database is up to date)")),
                Err(error) => Finding::bad(what, format!("{error:#}")),
            },
        );
    }
    Some(match look(config).await {
        Ok(Some(Standing { title, concern: None })) => Finding::good(title),
        Ok(Some(Standing {
            title,
            concern: Some(concern),
        })) => Finding::bad(title, concern.text),
        Ok(None) => Finding::good(what),
        Err(error) => Finding::bad(what, format!("{error:#}")),
    })
}

async fn look(config: &Config) -> anyhow::Result<Option<Standing>> {
    let Some(source) = roster_source(config)? else {
        return Ok(None);
    };
    let server = wire_up::server(config).await?;
    let standing = roster::examine(&server, &*source).await;
    server.store.close().await;
    Ok(standing?)
}
