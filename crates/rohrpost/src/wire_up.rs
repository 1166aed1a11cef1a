//! Builds a server from a configuration: constructors only, from top to bottom.

pub(crate) mod listeners;
mod settings;

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt as _, path::Path, sync::Arc};

use anyhow::Context as _;
use rohrpost_config::{Config, DatabaseUrl};
use rohrpost_core::{Server, StoreSettings};
use rohrpost_store::AfterCommit;

use crate::system;

/// Opens the server that a configuration describes: makes its folder, brings its database up to date.
///
/// # Errors
/// In words for the operator, when the folder or the database can't be used.
pub(crate) async fn server(config: &Config) -> anyhow::Result<Arc<Server>> {
    let folder = &config.server.data_dir;
    make_private(folder).with_context(|| {
        format!(
            "can't make the folder {}: make it, and give it to the user that runs this program",
            folder.display()
        )
    })?;
    let store = StoreSettings {
        url: &database_url(config),
        max_connections: config.database.max_connections as usize,
        media_dir: &folder.join("media"),
        acknowledge: Arc::new(AfterCommit),
    };
    let settings = settings::settings(config)?;
    Server::open(settings, store, system::ports())
        .await
        .context("can't open the database")
}

/// The database's address, as the store reads it. May hold a password.
pub(crate) fn database_url(config: &Config) -> String {
    match config.database_url() {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(url) => url.expose().to_owned(),
    }
}

/// Makes a folder that only its owner may look into, if it isn't there.
fn make_private(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
