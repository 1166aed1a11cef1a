//! `cargo xtask tidy`: what no compiler checks. One line per finding: where, what, what to do.
//!
//! `edges` knows which crate may use which; `files` finds and reads what is checked; `rust` separates code, text and
//! comments; `sizes`, `words` and `crates` look at files; `versions` looks at every `Cargo.lock`;
//! `security` at the tests that `docs/security-tests.md` names.

mod crates;
mod edges;
mod files;
mod rust;
mod security;
mod sizes;
mod versions;
mod words;

use std::fmt;

use anyhow::{Context as _, bail};

use crate::workspace;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    /// Counted from 1.
    line: usize,
    severity: Severity,
    /// What is wrong, and what to do.
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    Error,
    Warning,
}

impl Finding {
    fn error(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            severity: Severity::Error,
            message: message.into(),
        }
    }

    fn warning(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(path, line, message)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.severity == Severity::Warning {
            "warning: "
        } else {
            ""
        };
        write!(f, "{}:{}: {mark}{}", self.path, self.line, self.message)
    }
}

/// Checks the whole checkout and prints what it finds.
///
/// # Errors
/// Something has to be put right; warnings alone are no error.
pub(crate) fn run() -> anyhow::Result<()> {
    let metadata = workspace::metadata()?;
    let files = files::read(workspace::root())?;
    let mut findings = edges::check(&edges::members(&metadata, &files));
    findings.extend(crates::check(&crates::manifests(&metadata), &files));
    for file in &files {
        findings.extend(sizes::check(file));
        findings.extend(words::check(file, workspace::root()));
    }
    findings.extend(security::check(&files));
    let file = |path: &str| {
        files
            .iter()
            .find(|file| file.path == path)
            .with_context(|| format!("{path} is missing"))
    };
    let bans = file("deny.toml")?;
    // The tests with the client library have a lock file of their own.
    for lock in [file("Cargo.lock")?, file("e2e/Cargo.lock")?] {
        findings.extend(versions::check(lock, bans));
    }
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    if errors > 0 {
        bail!("tidy found {errors} things to put right");
    }
    println!("tidy: {} files are in order", files.len());
    Ok(())
}
