//! The text of a point in the stream, as clients keep it.

use std::{fmt, str::FromStr};

use rohrpost_store::StreamPos;

/// A point in the stream: everything up to and including this position has been seen.
///
/// Written as `s` and the decimal position. The `next_batch` of a sync is taken as well. Clients treat it as opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SyncToken(pub StreamPos);

/// What a device has seen with one answer of a sync.
///
/// Written like a [`SyncToken`], with `_` and the position of the newest delivered to-device message behind it when
/// some are still waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NextBatch {
    /// Everything but to-device messages, up to here.
    pub upto: StreamPos,
    /// To-device messages, up to here.
    pub to_device: StreamPos,
}

/// What a connection of sliding sync has seen with one answer.
///
/// Written like a [`SyncToken`], and taken as one, with `_p` and the number of the answer behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlidingPos {
    /// Everything up to here.
    pub upto: StreamPos,
    /// Random; 0: no room was sent so far, and nothing needs to be known to go on.
    pub tag: u64,
}

impl fmt::Display for SlidingPos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}_p{}", self.upto.0, self.tag)
    }
}

impl FromStr for SlidingPos {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        let (upto, tag) = text.split_once("_p").ok_or(NotAToken)?;
        let SyncToken(upto) = upto.parse()?;
        let is_number = !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_digit());
        match tag.parse() {
            Ok(tag) if is_number && upto.0 >= 0 => Ok(Self { upto, tag }),
            _ => Err(NotAToken),
        }
    }
}

impl fmt::Display for NextBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.upto == self.to_device {
            true => write!(f, "s{}", self.upto.0),
            false => write!(f, "s{}_{}", self.upto.0, self.to_device.0),
        }
    }
}

impl FromStr for NextBatch {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        let batch = match text.split_once('_') {
            None => text.parse::<SyncToken>().map(|SyncToken(pos)| Self {
                upto: pos,
                to_device: pos,
            })?,
            Some((upto, to_device)) => Self {
                upto: upto.parse::<SyncToken>()?.0,
                to_device: position(to_device)?,
            },
        };
        // Only what was fetched from before our time stands at negative positions; no sync ends there.
        match batch.upto.0 >= 0 && batch.to_device.0 >= 0 {
            true => Ok(batch),
            false => Err(NotAToken),
        }
    }
}

/// A decimal position. `parse` would take a plus sign as well; one point has one text.
fn position(text: &str) -> Result<StreamPos, NotAToken> {
    match text.starts_with('+') {
        true => Err(NotAToken),
        false => text.parse().map(StreamPos).map_err(|_| NotAToken),
    }
}

/// The text isn't a token of this server.
#[derive(Debug, thiserror::Error)]
#[error("not a token of this server")]
pub struct NotAToken;

impl fmt::Display for SyncToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0.0)
    }
}

impl FromStr for SyncToken {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        let number = text.strip_prefix('s').ok_or(NotAToken)?;
        match number.split_once('_') {
            None => position(number).map(Self),
            Some((upto, tag)) if tag.starts_with('p') => match tag[1..].parse::<u64>() {
                Ok(_) => position(upto).map(Self),
                Err(_) => Err(NotAToken),
            },
            Some((upto, to_device)) => position(to_device).and(position(upto)).map(Self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NextBatch, SlidingPos, SyncToken};
    use rohrpost_store::StreamPos;

    #[test]
    fn a_token_is_read_as_it_was_written() {
        for pos in [0, 1, -17, i64::MAX, i64::MIN] {
            let token = SyncToken(StreamPos(pos));
            assert_eq!(token.to_string().parse::<SyncToken>().expect("a token"), token);
        }
    }

    #[test]
    fn a_next_batch_is_read_as_it_was_written() {
        for (upto, to_device) in [(5, 5), (5, 3), (0, 0)] {
            let batch = NextBatch {
                upto: StreamPos(upto),
                to_device: StreamPos(to_device),
            };
            assert_eq!(batch.to_string().parse::<NextBatch>().expect("a token"), batch);
            assert_eq!(
                batch.to_string().parse::<SyncToken>().expect("a token"),
                SyncToken(batch.upto)
            );
        }
    }

    #[test]
    fn a_sliding_position_is_read_as_it_was_written_and_where_a_token_is_wanted() {
        for (upto, tag) in [(0, 0), (5, 1), (i64::MAX, u64::MAX)] {
            let upto = StreamPos(upto);
            let text = SlidingPos { upto, tag }.to_string();
            assert_eq!(
                text.parse::<SlidingPos>().expect("a position"),
                SlidingPos { upto, tag }
            );
            assert_eq!(text.parse::<SyncToken>().expect("a token"), SyncToken(upto));
            assert!(
                text.parse::<NextBatch>().is_err(),
                "it says nothing of to-device messages"
            );
        }
        for text in [
            "",
            "s1",
            "s1_p",
            "s1_p+1",
            "s1_px",
            "s-1_p1",
            "s1_2",
            "p1",
            "s1_p99999999999999999999",
        ] {
            assert!(text.parse::<SlidingPos>().is_err(), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "s",
            "17",
            "s+1",
            "s1.0",
            "s 1",
            "t1",
            "s99999999999999999999",
            "s1_",
            "s1_x",
            "s_1",
            "s1_2_3",
        ] {
            assert!(text.parse::<SyncToken>().is_err(), "{text}");
            assert!(text.parse::<NextBatch>().is_err(), "{text}");
        }
        for text in ["s-1", "s-9223372036854775808", "s5_-1"] {
            assert!(text.parse::<NextBatch>().is_err(), "{text}");
        }
    }
}
