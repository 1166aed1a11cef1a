//! What to say of many durations.

use std::time::Duration;

/// Durations of the same operation.
pub(crate) struct Timings(Vec<Duration>);

impl Timings {
    pub(crate) fn new(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        Self(durations)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The duration that `percent` of all do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1) - 1;
        self.0.get(rank).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Timings;

    #[test]
    fn a_percentile_is_the_duration_that_so_many_do_not_exceed() {
        let timings = Timings::new((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!(timings.percentile(50), Duration::from_millis(100));
        assert_eq!(timings.percentile(99), Duration::from_millis(198));
        assert_eq!(timings.percentile(100), Duration::from_millis(200));
        assert_eq!(Timings::new(Vec::new()).percentile(50), Duration::ZERO);
    }
}
