//! Builds a server from a configuration: constructors only, from top to bottom.

mod appservices;
pub(crate) mod federation;
pub(crate) mod listeners;
mod settings;

use std::{
    fs::{DirBuilder, File, TryLockError},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use rohrpost_config::{Config, DatabaseUrl};
use rohrpost_core::{
    Server, StoreSettings,
    ports::{Egress, Mailer, Pages, Ports, Services},
    settings::Settings,
};
use rohrpost_remote::{
    egress::{Networks, Outside},
    mail::Smtp,
};
use rohrpost_store::AfterCommit;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::system;

/// Opens the server that a configuration describes: makes its folder, brings its database up to date.
///
/// # Errors
/// In words for the operator, when the folder or the database can't be used.
pub(crate) async fn server(config: &Config) -> anyhow::Result<Arc<Server>> {
    let folder = folder(config)?;
    let store = StoreSettings {
        url: &database_url(config),
        max_connections: config.database.max_connections as usize,
        media_dir: &folder.join("media"),
        acknowledge: Arc::new(AfterCommit),
    };
    let settings = settings::settings(config)?;
    let ports = Ports {
        services: services(&settings)?,
        pages: pages(config)?,
        remote: federation::remote(config)?,
        ..system::ports()
    };
    Server::open(settings, store, ports)
        .await
        .context("can't open the database")
}

/// The way to push gateways and push services.
///
/// # Errors
/// When TLS can't be set up.
pub(crate) fn egress(config: &Config) -> anyhow::Result<Arc<dyn Egress>> {
    let networks = if config.push.allow_private_addresses {
        Networks::All
    } else {
        Networks::Public
    };
    Ok(Arc::new(Outside::new(networks)?))
}

/// The way to pages behind links, if previews are made.
fn pages(config: &Config) -> anyhow::Result<Option<Arc<dyn Pages>>> {
    if !config.url_preview.enabled {
        return Ok(None);
    }
    let networks = Networks::PublicAnd(config.url_preview.allowed_private_networks.clone());
    Ok(Some(Arc::new(Outside::to_pages(networks)?)))
}

/// The way to application services, where there are any.
fn services(settings: &Settings) -> anyhow::Result<Option<Arc<dyn Services>>> {
    if settings.appservices.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(Outside::to_services()?)))
}

/// The way to the mail server, if there is one.
///
/// # Errors
/// In words for the operator, when it can't be used.
pub(crate) fn mailer(config: &Config) -> anyhow::Result<Option<Arc<dyn Mailer>>> {
    let (Some(url), Some(from)) = (&config.email.smtp_url, &config.email.from) else {
        return Ok(None);
    };
    let host = config.server.name.split(':').next().unwrap_or_default();
    Ok(Some(Arc::new(Smtp::new(url.expose(), from, host)?)))
}

/// The database's address, as the store reads it. May hold a password.
pub(crate) fn database_url(config: &Config) -> String {
    match config.database_url() {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(url) => url.expose().to_owned(),
    }
}

/// The data folder, made if it isn't there, closed to others from its first moment.
fn folder(config: &Config) -> anyhow::Result<&Path> {
    let folder = config.server.data_dir.as_path();
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| {
        format!(
            "can't make the folder {}: make it, and give it to the user that runs this program",
            folder.display()
        )
    })?;
    Ok(folder)
}

/// Makes sure that no other server runs on the same SQLite database: people on one would not hear of the other.
/// Holds for as long as the answer is kept; the system ends it with the process.
///
/// # Errors
/// In words for the operator, when another server is running.
pub(crate) fn be_alone(config: &Config) -> anyhow::Result<Option<File>> {
    if let DatabaseUrl::Postgres(_) = config.database_url() {
        return Ok(None);
    }
    let path = folder(config)?.join("rohrpost.lock");
    let file = File::create(&path).with_context(|| format!("can't make {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another server is running on {}: stop it first",
                config.server.data_dir.display()
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("can't lock {}", path.display()))
        }
    }
}

/// Each connection is an open file, and the usual limit of 1,024 is meant for programs that don't ask for more.
pub(crate) fn allow_many_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    ) {
        tracing::warn!(%error, "the number of connections stays limited by the number of files that may be open");
    }
}
