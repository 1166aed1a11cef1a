//! An acknowledgement that comes too early, to show that the crash test would find it out.

use std::time::Duration;

use rohrpost_store::{Acknowledge, Completion};

/// Releases each result at once and then waits before the commit: a kill in between loses what was acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct EarlyAck {
    /// How long to wait between acknowledgement and commit.
    pub pause: Duration,
}

impl Acknowledge for EarlyAck {
    fn finished(&self, completion: Completion) -> Option<Completion> {
        completion.release(Ok(()));
        std::thread::sleep(self.pause);
        None
    }
}
