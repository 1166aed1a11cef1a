//! What can be wrong with a configuration, in words for the operator.

use std::fmt;
use std::path::PathBuf;

/// A configuration that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is missing, is no UTF-8 text, or may not be read.
    #[error("can't read the configuration file {}: {source}", path.display())]
    Unreadable {
        /// The file that was asked for.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{file} is not valid TOML: {message}")]
    Syntax {
        /// The file as it was named.
        file: String,
        /// Where and why, from the TOML reader.
        message: String,
    },
    /// Keys nobody knows or values that can't be used, all of them at once.
    #[error("{}", Problem::list(.0))]
    Problems(Vec<Problem>),
}

/// One thing to put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, or `environment variable NAME`.
    pub place: String,
    /// The key as `section.key`; empty when the place says it all.
    pub key: String,
    /// What is wrong and what to do. Never holds a secret.
    pub message: String,
}

impl Problem {
    fn list(problems: &[Self]) -> String {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.place, self.message)
        } else {
            write!(f, "{}: {}: {}", self.place, self.key, self.message)
        }
    }
}
