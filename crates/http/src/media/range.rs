//! Which part of a file is asked for. One range is understood; several at once, and what isn't understood, get the whole
//! file, as [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-14.2) allows.

use std::ops::RangeInclusive;

use http::{HeaderMap, header};

/// How much of a file is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// A part, from its first to its last byte.
    Part(RangeInclusive<u64>),
    /// A part that lies behind its end.
    Nothing,
}

/// The part of a file of `size` bytes that is asked for, if it is the file that the client means.
pub(super) fn wanted(headers: &HeaderMap, etag: &str, size: u64) -> Wanted {
    part(headers, etag, size).unwrap_or(Wanted::Whole)
}

/// `None`: nothing that is understood.
fn part(headers: &HeaderMap, etag: &str, size: u64) -> Option<Wanted> {
    let if_range = headers.get(header::IF_RANGE);
    if if_range.is_some_and(|value| value.as_bytes() != etag.as_bytes()) {
        return None;
    }
    let (unit, range) = headers.get(header::RANGE)?.to_str().ok()?.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.split_once('-')?;
    let end = size.checked_sub(1)?;
    let (first, last) = match (number(first)?, number(last)?) {
        (Some(first), Some(last)) if last < first => return None,
        (Some(first), last) => (first, last.unwrap_or(end).min(end)),
        // The last so many bytes.
        (None, Some(count)) => (size.saturating_sub(count), end),
        (None, None) => return None,
    };
    Some(if first <= last {
        Wanted::Part(first..=last)
    } else {
        Wanted::Nothing
    })
}

/// A number or nothing; `None` when it is something else.
fn number(text: &str) -> Option<Option<u64>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
        .map(Some)
}

/// Whether the client has this content already.
pub(super) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    tags.any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{Wanted, is_known, wanted};

    fn range(value: &'static str) -> Option<(u64, u64)> {
        match asked(value) {
            Wanted::Part(range) => Some((*range.start(), *range.end())),
            Wanted::Whole | Wanted::Nothing => None,
        }
    }

    fn asked(value: &'static str) -> Wanted {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(value))]);
        wanted(&headers, "\"tag\"", 100)
    }

    #[test]
    fn understands_one_range() {
        assert_eq!(range("bytes=0-9"), Some((0, 9)));
        assert_eq!(range("bytes=90-"), Some((90, 99)));
        assert_eq!(range("bytes=-10"), Some((90, 99)));
        assert_eq!(range("bytes=-1000"), Some((0, 99)));
        assert_eq!(range("bytes=50-1000"), Some((50, 99)));
    }

    #[test]
    fn anything_else_gets_the_whole_file() {
        for hostile in [
            "bytes=",
            "bytes=-",
            "bytes=9-1",
            "bytes=0-1,5-6",
            "items=0-1",
            "bytes=+1-2",
            "bytes=99999999999999999999-",
            "0-1",
        ] {
            assert_eq!(asked(hostile), Wanted::Whole, "{hostile}");
        }
    }

    #[test]
    fn behind_the_end_there_is_nothing() {
        for behind in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(asked(behind), Wanted::Nothing, "{behind}");
        }
    }

    #[test]
    fn an_empty_file_has_no_ranges() {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static("bytes=0-"))]);
        assert_eq!(wanted(&headers, "\"tag\"", 0), Wanted::Whole);
    }

    #[test]
    fn a_range_of_another_version_is_not_taken() {
        let mut headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static("bytes=0-9"))]);
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"other\""));
        assert_eq!(wanted(&headers, "\"tag\"", 100), Wanted::Whole);
        for other in ["W/\"tag\"", "Sat, 29 Oct 1994 19:43:31 GMT"] {
            headers.insert(header::IF_RANGE, HeaderValue::from_static(other));
            assert_eq!(wanted(&headers, "\"tag\"", 100), Wanted::Whole, "{other}");
        }
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"tag\""));
        assert_eq!(wanted(&headers, "\"tag\"", 100), Wanted::Part(0..=9));
    }

    #[test]
    fn knows_what_the_client_has() {
        let has = |value| {
            is_known(
                &HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(value))]),
                "\"tag\"",
            )
        };
        assert!(has("\"a\", W/\"tag\""));
        assert!(has("*"));
        assert!(!has("\"a\""));
        assert!(!has("tag"));
    }
}
