//! `[appservices]`: programs that act for users of their own.

use std::path::PathBuf;

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// Application services: bridges to other networks and other programs that act for users of their own.
    pub struct Appservices in "appservices" {
        /// Their registrations (YAML): files, or folders whose files ending in `.yaml` or `.yml` are read. They hold
        /// secrets; only the server's own user should be able to read them.
        pub registrations: Vec<PathBuf> = Vec::new(), like "[\"/etc/rohrpost/appservices\"]";
    }
}

impl Check for Appservices {
    fn check(&self, _source: &mut Source) {}
}
