//! Time that stands still until a test moves it.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use rohrpost_core::ports::Clock;
use ruma::{MilliSecondsSinceUnixEpoch, UInt};

/// 2026-01-05T08:00:00Z.
const START_TS: i64 = 1_767_600_000_000;

/// A clock that stands still.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl Default for TestClock {
    fn default() -> Self {
        Self(AtomicI64::new(START_TS))
    }
}

impl TestClock {
    /// Moves the time on.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(
            i64::try_from(by.as_millis()).expect("tests don't take ages"),
            Ordering::SeqCst,
        );
    }
}

impl Clock for TestClock {
    fn now(&self) -> MilliSecondsSinceUnixEpoch {
        let now_ts = self.0.load(Ordering::SeqCst);
        MilliSecondsSinceUnixEpoch(UInt::new_saturating(now_ts.unsigned_abs()))
    }
}
