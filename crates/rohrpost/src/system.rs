//! What the core asks of the world, from the operating system.

use std::sync::Arc;

use rohrpost_core::ports::{Clock, Nobody, Ports, Rng};
use ruma::MilliSecondsSinceUnixEpoch;

struct System;

impl Clock for System {
    fn now(&self) -> MilliSecondsSinceUnixEpoch {
        MilliSecondsSinceUnixEpoch::now()
    }
}

impl Rng for System {
    #[expect(clippy::disallowed_methods, reason = "this is the port")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("a computer without randomness can't keep secrets");
    }
}

/// The real ports.
pub(crate) fn ports() -> Ports {
    Ports {
        clock: Arc::new(System),
        rng: Arc::new(System),
        services: None,
        pages: None,
        remote: Arc::new(Nobody),
    }
}
