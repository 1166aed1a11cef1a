//! `[email]`: the mail server.

use crate::secret::Secret;
use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// The mail server, by which people show that an address is theirs, set a forgotten password anew, and hear of
    /// messages that they missed. Mail never holds a message.
    pub struct Email in "email" {
        /// The mail server: `smtps://USER:PASSWORD@HOST`, or `smtp://USER:PASSWORD@HOST:587?tls=required` for STARTTLS. Not
        /// set: no mail is sent.
        pub smtp_url: Option<Secret> = None, like "\"smtps://messenger:password@mail.behoerde.example\"";
        /// From whom mail comes.
        pub from: Option<String> = None, like "\"Messenger <messenger@behoerde.example>\"";
        /// Whether people may have mail about messages that they missed: that there are some and in how many rooms.
        pub notices: bool = true;
    }
}

impl Check for Email {
    fn check(&self, source: &mut Source) {
        let Some(url) = &self.smtp_url else { return };
        let url = url.expose();
        let rest = url.strip_prefix("smtp://");
        let host = rest.map(|rest| rest.rsplit('@').next().unwrap_or(rest));
        let is_here = host.is_some_and(|host| {
            ["localhost", "127.0.0.1", "[::1]"].iter().any(|here| {
                host.strip_prefix(here)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?']))
            })
        });
        let is_encrypted = url.starts_with("smtps://") || (rest.is_some() && url.ends_with("?tls=required"));
        if !is_here && !is_encrypted {
            source.refuse(
                "email",
                "smtp_url",
                "must be smtps://USER:PASSWORD@HOST, or smtp://USER:PASSWORD@HOST:587?tls=required; without TLS it must be \
                 on this computer",
            );
        }
        if self.from.as_ref().is_none_or(|from| !from.contains('@')) {
            source.refuse(
                "email",
                "from",
                "must be set where there is a mail server, for example \"Messenger <messenger@behoerde.example>\"",
            );
        }
    }
}
