//! Rate limits: token buckets in memory, one for each kind of request and whoever makes it.
//!
//! They keep one person or address from taking what all need. A restart forgets them, and each node counts for
//! itself; both are harmless.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{Refusal, Result, ports::Clock, settings::Rate};

/// Buckets that are kept. Whoever comes when there are so many shares one for each kind of request.
const MAX_BUCKETS: usize = 100_000;
/// Time from one search for buckets that aren't needed to the next, in ms: it looks at all of them.
const SWEEP_MS: i64 = 1000;
/// Who shares the bucket of those for whom there is no space.
const OTHERS: &str = "";

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Sign-in attempts from one address.
    LoginPerAddress,
    /// Failed sign-in attempts to one account.
    LoginPerAccount,
    /// New accounts from one address.
    Registration,
    /// Mail that is asked for from one address, or to one e-mail address.
    Email,
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
    /// Pages fetched for previews for one user.
    UrlPreview,
    /// Requests of one other server.
    Federation,
    /// Everything else of one user.
    General,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::LoginPerAddress,
        Self::LoginPerAccount,
        Self::Registration,
        Self::Email,
        Self::Message,
        Self::RoomCreation,
        Self::Invite,
        Self::Join,
        Self::Upload,
        Self::KeyClaim,
        Self::ToDevice,
        Self::UrlPreview,
        Self::Federation,
        Self::General,
    ];
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

impl Bucket {
    /// What is in it by now.
    fn tokens(&self, rate: Rate, now_ts: i64) -> f64 {
        let passed_s = (now_ts - self.at_ts).max(0) as f64 / 1000.0;
        (self.tokens + passed_s * rate.per_second).min(full(rate))
    }
}

/// What a bucket has at most.
fn full(rate: Rate) -> f64 {
    f64::from(rate.burst.max(1))
}

#[derive(Default)]
struct Buckets {
    by_key: HashMap<(Kind, String), Bucket>,
    swept_ts: i64,
}

impl Buckets {
    /// Makes space for another bucket if there is none, by dropping those that are full again: a new one is the same.
    /// `false`: there is none.
    fn make_space(&mut self, rates: &Rates, now_ts: i64) -> bool {
        if self.by_key.len() >= MAX_BUCKETS && !(0..SWEEP_MS).contains(&(now_ts - self.swept_ts)) {
            self.swept_ts = now_ts;
            self.by_key.retain(|(kind, _), bucket| {
                let rate = rates.0.get(kind);
                rate.is_some_and(|rate| bucket.tokens(*rate, now_ts) < full(*rate))
            });
        }
        self.by_key.len() < MAX_BUCKETS
    }
}

/// The buckets of a server.
pub(crate) struct Limits {
    rates: Option<Rates>,
    buckets: Mutex<Buckets>,
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
        let Some(rates) = &self.rates else { return Ok(()) };
        let Some(rate) = rates.0.get(&kind).copied() else {
            return Ok(());
        };
        let now_ts = clock.now_ts();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (kind, who.to_owned());
        if !buckets.by_key.contains_key(&key) && !buckets.make_space(rates, now_ts) {
            key.1 = OTHERS.to_owned();
        }
        let bucket = buckets.by_key.entry(key).or_insert(Bucket {
            tokens: full(rate),
            at_ts: now_ts,
        });
        bucket.tokens = bucket.tokens(rate, now_ts);
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
        let mut key = (kind, who.to_owned());
        if !buckets.by_key.contains_key(&key) {
            key.1 = OTHERS.to_owned();
        }
        if let Some(bucket) = buckets.by_key.get_mut(&key) {
            bucket.tokens = (bucket.tokens + 1.0).min(full(*rate));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use ruma::{MilliSecondsSinceUnixEpoch, UInt};

    use super::{Kind, Limits, MAX_BUCKETS, Rates};
    use crate::{ports::Clock, settings::Rate};

    #[derive(Default)]
    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> MilliSecondsSinceUnixEpoch {
            MilliSecondsSinceUnixEpoch(UInt::new_saturating(
                self.0.load(Ordering::Relaxed).unsigned_abs(),
            ))
        }
    }

    fn limits() -> Limits {
        let rate = |per_second| Rate { per_second, burst: 2 };
        Limits::new(Some(Rates::new([
            (Kind::Message, rate(1.0)),
            (Kind::LoginPerAddress, rate(0.01)),
        ])))
    }

    fn count(limits: &Limits) -> usize {
        limits.buckets.lock().expect("nobody panicked").by_key.len()
    }

    #[test]
    fn an_empty_bucket_fills_again() {
        let (limits, clock) = (limits(), Hand::default());
        let take = || limits.take(Kind::Message, "anna", &clock).is_ok();
        assert_eq!([take(), take(), take()], [true, true, false]);
        clock.0.store(1000, Ordering::Relaxed);
        assert_eq!([take(), take()], [true, false]);
    }

    #[test]
    fn full_buckets_make_space_and_there_is_an_end_to_the_others() {
        let (limits, clock) = (limits(), Hand::default());
        clock.0.store(1_000_000, Ordering::Relaxed);
        limits
            .take(Kind::LoginPerAddress, "slow", &clock)
            .expect("the first");
        for i in 0..MAX_BUCKETS + 10 {
            // Those for whom there is no space share a bucket, which is empty soon.
            let taken = limits.take(Kind::Message, &i.to_string(), &clock).is_ok();
            assert_eq!(taken, i < MAX_BUCKETS + 1);
        }
        assert_eq!(count(&limits), MAX_BUCKETS + 1);
        limits
            .take(Kind::Message, "7", &clock)
            .expect("who has a bucket keeps it");
        clock.0.fetch_add(500, Ordering::Relaxed);
        assert!(
            limits.take(Kind::Message, "new", &clock).is_err(),
            "it isn't looked again so soon"
        );
        clock.0.fetch_add(600, Ordering::Relaxed);
        limits
            .take(Kind::Message, "new", &clock)
            .expect("there is space again");
        assert!(count(&limits) < 10, "{}", count(&limits));
        limits
            .take(Kind::LoginPerAddress, "slow", &clock)
            .expect("the second");
        assert!(
            limits.take(Kind::LoginPerAddress, "slow", &clock).is_err(),
            "it was not forgotten"
        );
    }
}
