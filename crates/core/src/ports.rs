//! What the core needs from the outside world: time and randomness. The binary brings the real ones, tests bring
//! their own.

use std::sync::Arc;

use ruma::MilliSecondsSinceUnixEpoch;

/// The time of day.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> MilliSecondsSinceUnixEpoch;

    /// Now, in ms since the epoch, as the store keeps it.
    fn now_ts(&self) -> i64 {
        i64::from(self.now().0)
    }
}

/// A cryptographic source of randomness.
pub trait Rng: Send + Sync + 'static {
    /// Fills the slice.
    fn fill(&self, bytes: &mut [u8]);
}

/// The ports of a server, as the binary or a test hands them in.
#[derive(Clone)]
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
}
