//! Which compressed form of a file a client takes.

use http::{HeaderMap, header};

/// A form that a file is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Plain,
}

impl Encoding {
    /// What stands behind the file's name.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
            Self::Plain => "",
        }
    }

    /// Its name in HTTP.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Plain => None,
        }
    }
}

/// The forms that `Accept-Encoding` allows, smallest first. The plain form is always among them.
pub(super) fn accepted(headers: &HeaderMap) -> Vec<Encoding> {
    let mut accepted = vec![Encoding::Plain];
    let values = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    for one in values.flat_map(|value| value.split(',')) {
        let mut parts = one.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default();
        let is_refused = parts
            .filter_map(|part| part.strip_prefix("q="))
            .any(|q| q.parse() == Ok(0.0));
        match coding {
            _ if is_refused => {}
            "br" => accepted.push(Encoding::Brotli),
            "gzip" => accepted.push(Encoding::Gzip),
            _ => {}
        }
    }
    accepted.sort_by_key(|encoding| *encoding as u8);
    accepted.dedup();
    accepted
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{Encoding, accepted};

    fn of(value: &'static str) -> Vec<Encoding> {
        accepted(&HeaderMap::from_iter([(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static(value),
        )]))
    }

    #[test]
    fn takes_the_smallest_form_that_is_allowed() {
        assert_eq!(
            of("gzip, deflate, br"),
            [Encoding::Brotli, Encoding::Gzip, Encoding::Plain]
        );
        assert_eq!(of("br;q=0, gzip;q=0.5"), [Encoding::Gzip, Encoding::Plain]);
        assert_eq!(of("zstd"), [Encoding::Plain]);
        assert_eq!(accepted(&HeaderMap::new()), [Encoding::Plain]);
    }
}
