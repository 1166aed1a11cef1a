//! `[log]`: what the server says about itself.

use crate::section::{Check, choice, section};
use crate::source::Source;

section! {
    /// What the server says about itself on standard error. Never content, tokens, names or addresses of people.
    pub struct Log in "log" {
        /// How a line looks.
        pub format: LogFormat = LogFormat::Text;
        /// `error`, `warn`, `info`, `debug`, `trace` or `off`; also per part of the server, as in
        /// `info,rohrpost_http=debug`.
        pub level: String = "info".to_owned();
    }
}

choice! {
    /// The looks of a log line.
    pub enum LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object per line, for programs.
        Json = "json",
    }
}

impl Check for Log {
    fn check(&self, source: &mut Source) {
        for part in self.level.split(',') {
            let level = part.rsplit('=').next().unwrap_or_default().trim();
            if !LEVELS.contains(&level) {
                let message = format!("\"{level}\" is not a level: use one of {}", LEVELS.join(", "));
                source.refuse("log", "level", &message);
            }
        }
    }
}

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
