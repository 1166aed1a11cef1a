//! Devices people are signed in on: seeing, naming and removing them.

pub(crate) mod changed;
pub mod list;
pub mod remove;
pub mod rename;
pub(crate) mod seen;
