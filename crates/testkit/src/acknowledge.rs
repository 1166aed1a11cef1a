//! An acknowledgement that comes too early, to show that the crash test would find it out.

use std::time::Duration;

use rohrpost_store::{Acknowledge, Completion};
use tokio::runtime::{Handle, RuntimeFlavor};

/// Releases each result at once and then waits before the commit: a kill in between loses what was acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct EarlyAck {
    /// How long to wait between acknowledgement and commit.
    pub pause: Duration,
}

impl Acknowledge for EarlyAck {
    fn finished(&self, completion: Completion) -> Option<Completion> {
        completion.release(Ok(()));
        let wait = || std::thread::sleep(self.pause);
        match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            // Whoever was released may be next on this very thread: let another take over, else the answer would
            // leave after the commit.
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
            _ => wait(),
        }
        None
    }
}
