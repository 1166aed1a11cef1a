//! Times as people read them, in UTC, to the minute. Inside, a time is milliseconds since 1970.

use js_int::UInt;
use ruma_common::MilliSecondsSinceUnixEpoch;
use time::{Date, Month, OffsetDateTime};

/// The time as `2026-12-28 07:00 UTC`.
#[must_use]
pub fn utc(at: MilliSecondsSinceUnixEpoch) -> String {
    let seconds = i64::try_from(u64::from(at.get()) / 1000);
    let moment = seconds
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    match moment {
        Some(moment) => format!(
            "{:04}-{:02}-{:02} {:02}:{:02} UTC",
            moment.year(),
            u8::from(moment.month()),
            moment.day(),
            moment.hour(),
            moment.minute()
        ),
        None => "after the year 9999".to_owned(),
    }
}

/// The beginning, in UTC, of a day written as `2026-12-28`; `None` when there is no such day, or it is before 1970.
#[must_use]
pub fn day(text: &str) -> Option<MilliSecondsSinceUnixEpoch> {
    let [year, month, day] = text.split('-').collect::<Vec<_>>()[..] else {
        return None;
    };
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let day = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    let seconds = u64::try_from(day.midnight().assume_utc().unix_timestamp()).ok()?;
    UInt::new(seconds.checked_mul(1000)?).map(MilliSecondsSinceUnixEpoch)
}

/// The time that is so many milliseconds later; the end of all times where there is none.
#[must_use]
pub fn later(at: MilliSecondsSinceUnixEpoch, by_ms: u64) -> MilliSecondsSinceUnixEpoch {
    let later = u64::from(at.get()).saturating_add(by_ms);
    MilliSecondsSinceUnixEpoch(UInt::new(later).unwrap_or(UInt::MAX))
}

#[cfg(test)]
mod tests {
    use js_int::UInt;
    use ruma_common::MilliSecondsSinceUnixEpoch;

    use super::{day, later, utc};

    #[test]
    fn days_are_read_and_written() {
        let leap_day = day("2028-02-29").expect("a day");
        assert_eq!(utc(leap_day), "2028-02-29 00:00 UTC");
        assert_eq!(utc(later(leap_day, 86_399_999)), "2028-02-29 23:59 UTC");
        for wrong in [
            "2027-02-29",
            "2027-13-01",
            "1960-01-01",
            "2027-01",
            "2027-01-01-01",
            "x",
            "",
        ] {
            assert_eq!(day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn there_is_a_last_time() {
        let last = MilliSecondsSinceUnixEpoch(UInt::MAX);
        assert_eq!(later(last, u64::MAX), last);
        assert_eq!(utc(last), "after the year 9999");
    }
}
