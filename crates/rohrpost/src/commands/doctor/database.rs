//! The database: reachable, of a version that this program knows, closed to others.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rohrpost_config::{Config, DatabaseUrl};
use rohrpost_store::{SCHEMA_VERSION, peek};

use super::Finding;
use crate::wire_up::database_url;

pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let url = config.database_url();
    let what = match &url {
        DatabaseUrl::Sqlite(path) => format!("SQLite database {}", path.display()),
        DatabaseUrl::Postgres(_) => "PostgreSQL database".to_owned(),
    };
    let mut findings = vec![match peek(&database_url(config)).await {
        Ok(None) => Finding::good(format!("{what} (is set up at the first start)")),
        Ok(Some(version)) if version > SCHEMA_VERSION => Finding::bad(
            what,
            format!(
                "was written by a newer program (schema version {version}, this one knows {SCHEMA_VERSION}): start that \
                 program, or restore a backup from before the upgrade"
            ),
        ),
        Ok(Some(version)) if version < SCHEMA_VERSION => Finding::good(format!(
            "{what}, schema version {version} (comes up to {SCHEMA_VERSION} at the next start)"
        )),
        Ok(Some(version)) => Finding::good(format!("{what}, schema version {version}")),
        Err(error) => Finding::bad(
            what,
            format!("{error}\ncheck [database] url, and whether the database is running"),
        ),
    }];
    if let DatabaseUrl::Sqlite(path) = &url
        && let Ok(metadata) = fs::metadata(path)
        && metadata.permissions().mode() & 0o077 != 0
    {
        let todo = format!(
            "others on this computer may read it: chmod 600 {}",
            path.display()
        );
        findings.push(Finding::bad("database file", todo));
    }
    findings
}
