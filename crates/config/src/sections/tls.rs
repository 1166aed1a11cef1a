//! `[tls]`: the certificate that other servers see.

use std::path::PathBuf;

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// The certificate for `listen.federation`.
    pub struct Tls in "tls" {
        /// File with the certificate and the certificates it builds on (PEM). Must be valid for the server's name or
        /// the host it delegates to.
        pub certificate: Option<PathBuf> = None, like "\"/etc/rohrpost/tls/fullchain.pem\"";
        /// File with the private key of the certificate (PEM). Only the server's own user should be able to read it.
        pub key: Option<PathBuf> = None, like "\"/etc/rohrpost/tls/key.pem\"";
    }
}

impl Check for Tls {
    fn check(&self, source: &mut Source) {
        match (&self.certificate, &self.key) {
            (Some(_), None) => source.refuse("tls", "key", "is not set: a certificate needs its private key"),
            (None, Some(_)) => source.refuse("tls", "certificate", "is not set: a key needs its certificate"),
            _ => {}
        }
    }
}
