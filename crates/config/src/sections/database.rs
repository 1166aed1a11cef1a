//! `[database]`: where events, accounts and keys are kept.

use std::path::PathBuf;

use figment::value::Value;

use crate::secret::Secret;
use crate::section::{Check, section};
use crate::setting::Setting;
use crate::source::Source;

section! {
    /// Where events, accounts and keys are kept: in one SQLite file, or in PostgreSQL.
    pub struct Database in "database" {
        /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. Without it: the file `rohrpost.db` in the
        /// data folder. A relative path starts at the folder in which the server is started.
        /// For PostgreSQL on another computer add `?sslmode=require`: TLS, with a certificate for that host from an
        /// authority that the system knows, or that `&sslrootcert=PATH` names. Without it the way is not protected.
        pub(crate) url: Option<DatabaseUrl> = None, like "\"postgres://rohrpost:password@127.0.0.1:5432/rohrpost\"";
        /// How many connections to PostgreSQL are open at most. SQLite has one writer and needs no such number.
        pub max_connections: u32 = 10;
    }
}

impl Check for Database {
    fn check(&self, source: &mut Source) {
        if self.max_connections < 2 {
            source.refuse(
                "database",
                "max_connections",
                "must be at least 2: one may have to wait for another",
            );
        }
    }
}

/// Which engine, and where.
#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    /// The path of the database file.
    Sqlite(PathBuf),
    /// The whole `postgres://` URL; holds the password.
    Postgres(Secret),
}

impl Setting for DatabaseUrl {
    fn kind() -> String {
        "`sqlite:PATH` or `postgres://...`".to_owned()
    }

    fn read(value: &Value) -> Result<Self, String> {
        let text = value.as_str().unwrap_or_default().trim();
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err(
                    "sqlite: needs the path of a file behind it, for example sqlite:data/rohrpost.db"
                        .to_owned(),
                )
            } else {
                Ok(Self::Sqlite(PathBuf::from(path)))
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(Secret::new(text.to_owned())));
        }
        Err("must begin with sqlite: or postgres://".to_owned())
    }

    fn show(&self) -> Option<String> {
        None
    }
}
