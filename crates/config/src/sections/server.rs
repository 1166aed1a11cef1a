//! `[server]`: who this server is.

use std::path::PathBuf;

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// Who this server is and where it keeps its things.
    pub struct Server in "server" {
        /// The server's name, the part after the colon in every user's address (`@anna:behoerde.example`). It can
        /// never be changed once there are accounts.
        pub name: String = String::new(), like "\"behoerde.example\"";
        /// The address at which people and their programs reach this server. Without it: `https://` and the server's
        /// name.
        pub(crate) public_url: Option<String> = None, like "\"https://messenger.behoerde.example\"";
        /// The folder for everything that is kept: files that people send, and the database where it is SQLite. A
        /// relative path starts at the folder in which the server is started.
        pub data_dir: PathBuf = PathBuf::from("data");
    }
}

impl Check for Server {
    fn check(&self, source: &mut Source) {
        if self.name.is_empty() {
            source.refuse(
                "server",
                "name",
                "is not set: give the part that stands after the colon in every user's address, \
                 for example name = \"behoerde.example\"",
            );
        } else if let Err(message) = check_server_name(&self.name) {
            source.refuse("server", "name", &message);
        }
        if let Some(url) = &self.public_url
            && let Err(message) = check_public_url(url)
        {
            source.refuse("server", "public_url", message);
        }
    }
}

/// Whether the text is a server name of the specification, in small letters so that there is one spelling only.
pub(crate) fn check_server_name(name: &str) -> Result<(), String> {
    if !is_server_name(name) {
        return Err(format!(
            "\"{name}\" is not a server name: a host name or IP address, with :port only where it is needed, \
             without https:// and without a slash"
        ));
    }
    if name.chars().any(|letter| letter.is_ascii_uppercase()) {
        return Err(format!(
            "write the server name in small letters: \"{}\"",
            name.to_ascii_lowercase()
        ));
    }
    Ok(())
}

/// Whether the text is a server name whose host can be looked up. The specification's grammar takes any row of letters,
/// digits, dots and hyphens for a host; no resolver takes one with a label that is empty, longer than 63 bytes, or begins
/// or ends with a hyphen.
fn is_server_name(name: &str) -> bool {
    let is_label =
        |label: &str| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    let host = name.split(':').next().unwrap_or_default();
    ruma_identifiers_validation::server_name::validate(name).is_ok()
        && (name.starts_with('[') || host.split('.').all(is_label))
}

fn check_public_url(url: &str) -> Result<(), &'static str> {
    let Some(rest) = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
    else {
        return Err("must begin with https:// (or http:// where nothing but this computer is meant)");
    };
    if rest.ends_with('/') {
        return Err("must not end with a slash");
    }
    if !is_server_name(rest) {
        return Err("must be https://HOST or https://HOST:PORT and nothing behind it");
    }
    Ok(())
}
