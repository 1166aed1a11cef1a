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
            Some((upto, to_device)) => position(to_device).and(position(upto)).map(Self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NextBatch, SyncToken};
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
