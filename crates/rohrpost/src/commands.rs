//! The commands of the program, one file each.

pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod migrate;
pub(crate) mod roster;
pub(crate) mod serve;
pub(crate) mod user;

use std::io::{self, Write as _};

/// Prints a line for people. A closed pipe is no reason to panic.
///
/// # Errors
/// When standard output is gone.
pub(crate) fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}
