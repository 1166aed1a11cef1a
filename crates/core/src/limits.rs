//! Rate limits: token buckets in memory, one for each kind of request and whoever makes it.
//!
//! They keep one person or address from taking what all need. A restart forgets them, and each node counts for
//! itself; both are harmless.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{Refusal, Result, ports::Clock, settings::Rate};

/// Buckets that are kept before full ones are dropped.
const MAX_BUCKETS: usize = 100_000;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Sign-in attempts from one address.
    LoginPerAddress,
    /// Failed sign-in attempts to one account.
    LoginPerAccount,
    /// New accounts from one address.
    Registration,
    /// Events of one user.
    Message,
    /// New rooms of one user.
    RoomCreation,
    /// Invitations of one user.
    Invite,
    /// Joins of one user.
    Join,
    /// Uploads of one user.
    Upload,
    /// Claims of one-time keys of one user.
    KeyClaim,
    /// To-device requests of one user.
    ToDevice,
    /// Everything else of one user.
    General,
}

/// A rate for each kind.
#[derive(Clone)]
pub struct Rates(HashMap<Kind, Rate>);

impl Rates {
    /// Rates for the given kinds; what isn't named isn't limited.
    pub fn new(rates: impl IntoIterator<Item = (Kind, Rate)>) -> Self {
        Self(rates.into_iter().collect())
    }
}

struct Bucket {
    tokens: f64,
    at_ts: i64,
}

/// The buckets of a server.
pub(crate) struct Limits {
    rates: Option<Rates>,
    buckets: Mutex<HashMap<(Kind, String), Bucket>>,
}

impl Limits {
    pub(crate) fn new(rates: Option<Rates>) -> Self {
        Self {
            rates,
            buckets: Mutex::default(),
        }
    }

    /// Takes one token from the bucket of `who`.
    ///
    /// # Errors
    /// `LimitExceeded` when it is empty.
    pub(crate) fn take(&self, kind: Kind, who: &str, clock: &dyn Clock) -> Result<()> {
        let Some(rate) = self.rates.as_ref().and_then(|rates| rates.0.get(&kind)) else {
            return Ok(());
        };
        let now_ts = clock.now_ts();
        let full = f64::from(rate.burst.max(1));
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS {
            // A bucket that nobody touched for an hour is full again under any sensible rate.
            buckets.retain(|_, bucket| now_ts - bucket.at_ts < 3_600_000);
        }
        let bucket = buckets.entry((kind, who.to_owned())).or_insert(Bucket {
            tokens: full,
            at_ts: now_ts,
        });
        let passed_s = (now_ts - bucket.at_ts).max(0) as f64 / 1000.0;
        bucket.tokens = (bucket.tokens + passed_s * rate.per_second).min(full);
        bucket.at_ts = now_ts;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let wait_s = (1.0 - bucket.tokens) / rate.per_second.max(0.000_001);
        Err(Refusal::LimitExceeded {
            retry_after_ms: (wait_s * 1000.0).ceil() as u64,
        })
    }

    /// Takes so many tokens, or none when there are fewer.
    ///
    /// # Errors
    /// `LimitExceeded` when there are fewer.
    pub(crate) fn take_all(&self, kind: Kind, count: usize, who: &str, clock: &dyn Clock) -> Result<()> {
        for taken in 0..count {
            if let Err(refusal) = self.take(kind, who, clock) {
                (0..taken).for_each(|_| self.give_back(kind, who));
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// Gives a token back that was taken, for limits that only count failures: taking it first keeps many attempts
    /// at the same time within the limit.
    pub(crate) fn give_back(&self, kind: Kind, who: &str) {
        let Some(rate) = self.rates.as_ref().and_then(|rates| rates.0.get(&kind)) else {
            return;
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(&(kind, who.to_owned())) {
            bucket.tokens = (bucket.tokens + 1.0).min(f64::from(rate.burst.max(1)));
        }
    }
}
