//! Making accounts by program, with the shared secret of the configuration.

/// Nonces that were handed out and not used yet.
#[derive(Default)]
pub struct Nonces {}
