//! How long a server that doesn't answer is left alone.

use std::time::Duration;

use crate::{ports::Rng, settings::OutboxSettings};

/// A duration in ms, as the store keeps times.
pub(super) fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The pause after so many failures in a row (at least one), in ms: twice as long each time, up to the longest, and up to a
/// quarter shorter, so that the servers that missed the same outage don't all come back at once.
pub(super) fn pause_ms(settings: &OutboxSettings, failures: i64, rng: &dyn Rng) -> i64 {
    let doublings = u32::try_from(failures.clamp(1, 32) - 1).unwrap_or(0);
    let longest = ms(settings.max_retry).max(1);
    let whole = ms(settings.first_retry)
        .max(1)
        .saturating_mul(1_i64 << doublings)
        .min(longest);
    let mut bytes = [0; 2];
    rng.fill(&mut bytes);
    let less = whole / 4 * i64::from(u16::from_be_bytes(bytes)) / i64::from(u16::MAX);
    whole - less
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::pause_ms;
    use crate::{ports::Rng, settings::OutboxSettings};

    struct Always(u8);

    impl Rng for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn pauses_get_longer_up_to_the_longest() {
        let settings = OutboxSettings {
            first_retry: Duration::from_secs(5),
            max_retry: Duration::from_secs(60),
            ..OutboxSettings::default()
        };
        let pauses = |rng| [1, 2, 3, 4, 5, 500].map(|failures| pause_ms(&settings, failures, &Always(rng)));
        assert_eq!(pauses(0), [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
        assert_eq!(pauses(255), [3_750, 7_500, 15_000, 30_000, 45_000, 45_000]);
    }
}
