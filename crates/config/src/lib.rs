//! What an operator may set, and nothing else: one file `rohrpost.toml`, each key also as an environment variable
//! `ROHRPOST__SECTION__KEY`.
//!
//! Each section is one file under `sections/`, which states a key's name, type, default and meaning once; the struct,
//! the commented example and the reference in `docs/configuration.md` come from that one statement. Reading reports
//! every problem at once, in words that say what to do. Only this crate reads the environment; it opens no database
//! and checks no file but its own. Start reading at [`Config`].

mod error;
mod nearest;
mod reference;
mod secret;
mod section;
mod sections;
mod setting;
mod source;

use std::path::Path;

pub use crate::error::{ConfigError, Problem};
pub use crate::reference::reference;
pub use crate::secret::Secret;
pub use crate::sections::appservices::Appservices;
pub use crate::sections::client_api::ClientApi;
pub use crate::sections::database::{Database, DatabaseUrl};
pub use crate::sections::email::Email;
pub use crate::sections::federation::{Federation, FederationMode, RosterPlace};
pub use crate::sections::limits::{Limits, Rate};
pub use crate::sections::listen::Listen;
pub use crate::sections::log::{Log, LogFormat};
pub use crate::sections::media::Media;
pub use crate::sections::oauth::OAuth;
pub use crate::sections::password::Password;
pub use crate::sections::policy::{EncryptionPolicy, Policy};
pub use crate::sections::presence::Presence;
pub use crate::sections::push::Push;
pub use crate::sections::registration::{Registration, RegistrationMode};
pub use crate::sections::rooms::{DefaultRoomVersion, Rooms};
pub use crate::sections::rtc::Rtc;
pub use crate::sections::server::Server;
pub use crate::sections::server_notices::ServerNotices;
pub use crate::sections::support::Support;
pub use crate::sections::tls::Tls;
pub use crate::sections::turn::Turn;
pub use crate::sections::url_preview::UrlPreview;
pub use crate::sections::user_directory::{PeopleSearch, UserDirectory};

use crate::section::{Check, sections};
use crate::source::Source;

/// The file that is read from the working directory when no other is named.
pub const DEFAULT_FILE: &str = "rohrpost.toml";

sections! {
    /// Everything an operator decides, read and checked. Each field is one section of `rohrpost.toml`.
    pub struct Config {
        server: Server,
        listen: Listen,
        tls: Tls,
        database: Database,
        registration: Registration,
        policy: Policy,
        rooms: Rooms,
        limits: Limits,
        media: Media,
        url_preview: UrlPreview,
        client_api: ClientApi,
        presence: Presence,
        appservices: Appservices,
        rtc: Rtc,
        turn: Turn,
        push: Push,
        email: Email,
        federation: Federation,
        oauth: OAuth,
        password: Password,
        user_directory: UserDirectory,
        server_notices: ServerNotices,
        support: Support,
        log: Log,
    }
}

impl Config {
    /// Reads `path`, then lets the environment override single keys.
    ///
    /// Without a path, [`DEFAULT_FILE`] in the working directory is read if it is there; if it is not, the environment
    /// alone has to say everything.
    ///
    /// # Errors
    /// The file can't be read, isn't TOML, or it or the environment holds unknown keys or values that can't be used.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let file = path.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.is_none() => String::new(),
            Err(source) => {
                return Err(ConfigError::Unreadable {
                    path: file.to_owned(),
                    source,
                });
            }
        };
        Self::read(&file.display().to_string(), &text, source::process_environment())
    }

    /// Reads a configuration from the text of a file and the given environment variables.
    ///
    /// # Errors
    /// As [`Config::load`], except that there is no file that can't be read.
    pub fn from_parts(
        toml: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        Self::read(DEFAULT_FILE, toml, environment)
    }

    /// A `rohrpost.toml` with every key, its meaning and its default.
    #[must_use]
    pub fn example() -> String {
        reference::example()
    }

    /// The address at which people and their programs reach this server, without a slash at the end.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.server
            .public_url
            .clone()
            .unwrap_or_else(|| format!("https://{}", self.server.name))
    }

    /// Where the database is: as set, else a SQLite file in the data folder.
    #[must_use]
    pub fn database_url(&self) -> DatabaseUrl {
        self.database
            .url
            .clone()
            .unwrap_or_else(|| DatabaseUrl::Sqlite(self.server.data_dir.join("rohrpost.db")))
    }

    fn read(
        file: &str,
        toml: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut source = Source::read(file, toml, environment)?;
        source.report_unknown(&Self::keys());
        let config = Self::take(&mut source);
        config.check(&mut source);
        source.finish()?;
        Ok(config)
    }

    fn check(&self, source: &mut Source) {
        self.check_sections(source);
        if self.registration.mode == RegistrationMode::Email
            && (self.email.smtp_url.is_none() || self.registration.email_domains.is_empty())
        {
            source.refuse(
                "registration",
                "mode",
                "is \"email\": name the domains in [registration] email_domains and the mail server in [email], or take \
                 another mode",
            );
        }
        let tls = &self.tls;
        if !self.listen.federation.is_empty() && (tls.certificate.is_none() || tls.key.is_none()) {
            source.refuse(
                "tls",
                "certificate",
                "listen.federation is set, and other servers speak TLS only: name the certificate and the key \
                 in [tls], or leave listen.federation empty",
            );
        }
    }
}

#[cfg(test)]
mod tests;
