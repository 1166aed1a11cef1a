//! One transaction: what is in it, and what comes of it.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1sendtxnid>

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ruma::{
    EventId, MilliSecondsSinceUnixEpoch, RoomId, ServerName, UInt,
    api::federation::transactions::{edu::Edu, send_transaction_message::v1::Request},
    canonical_json::{CanonicalJsonObject, CanonicalJsonValue},
    exports::http,
    serde::Raw,
};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest as _, Sha256};

use rohrpost_room::Pdu;

use crate::{Server, federation::ask::AskError};

/// Events in one transaction. "The list must not be longer than 50."
pub(super) const MAX_PDUS: u32 = 50;
/// Other news in one transaction. "The list must not be longer than 100."
pub(super) const MAX_EDUS: u32 = 100;
/// Largest event, in bytes.
const MAX_PDU_BYTES: usize = 65_536;

/// What is sent in one request.
#[derive(Default)]
pub(super) struct Transaction {
    /// When it was made, ms since the epoch.
    pub(super) ts: i64,
    pub(super) pdus: Vec<Box<RawValue>>,
    pub(super) edus: Vec<Raw<Edu>>,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The other server has it.
    Taken,
    /// It can't make anything of it: perhaps of a part of it.
    Refused,
    /// It may be taken later; not before this time has passed, in ms, if the server said so.
    Failed(Option<i64>),
}

impl Transaction {
    /// The same for the same content, and another one for any other.
    fn id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.ts.to_be_bytes());
        let pdus = self.pdus.iter().map(|pdu| pdu.get());
        let edus = self.edus.iter().map(|edu| edu.json().get());
        for part in pdus.chain(edus) {
            hash.update([0]);
            hash.update(part);
        }
        URL_SAFE_NO_PAD.encode(&hash.finalize()[..18])
    }

    /// Sends it to a server.
    pub(super) async fn send(self, server: &Server, destination: &ServerName) -> Outcome {
        let ts = MilliSecondsSinceUnixEpoch(UInt::try_from(self.ts).unwrap_or_default());
        let mut request = Request::new(self.id().into(), server.name().to_owned(), ts);
        request.pdus = self.pdus;
        request.edus = self.edus;
        let patience = server.settings.outbox.patience;
        match server.tell(destination, request, patience).await {
            Ok(answer) => outcome(&answer),
            Err(AskError::Request(error)) => {
                tracing::error!(error, "a transaction for another server can't be written");
                Outcome::Refused
            }
            Err(error) => {
                tracing::debug!(%error, "a server can't be told anything");
                Outcome::Failed(None)
            }
        }
    }
}

/// The answer to a transaction; what else stands in it doesn't matter.
#[derive(Default, Deserialize)]
struct Answer {
    #[serde(default)]
    pdus: BTreeMap<String, Processed>,
}

#[derive(Deserialize)]
struct Processed {
    #[serde(default)]
    error: Option<serde::de::IgnoredAny>,
}

fn outcome(answer: &http::Response<Vec<u8>>) -> Outcome {
    match answer.status().as_u16() {
        200..=299 => {
            let read: Answer = serde_json::from_slice(answer.body()).unwrap_or_default();
            for (event_id, _) in read.pdus.iter().filter(|(_, pdu)| pdu.error.is_some()) {
                // An id that is none was not one of ours.
                if let Ok(event_id) = EventId::parse(event_id) {
                    tracing::info!(%event_id, "another server doesn't take an event");
                }
            }
            Outcome::Taken
        }
        400 | 413 => Outcome::Refused,
        429 => Outcome::Failed(retry_after_ms(answer.headers())),
        _ => Outcome::Failed(None),
    }
}

fn retry_after_ms(headers: &http::HeaderMap) -> Option<i64> {
    let value = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    value.parse::<u32>().ok().map(|seconds| i64::from(seconds) * 1000)
}

/// An event as it is sent. `None`: no server could take it, whatever put it into the database.
pub(super) fn pdu(room_id: &RoomId, event_id: &EventId, json: &str) -> Option<Box<RawValue>> {
    if json.len() > MAX_PDU_BYTES || Pdu::from_stored(room_id, event_id, json).is_err() {
        return None;
    }
    let mut object: CanonicalJsonObject = serde_json::from_str(json).ok()?;
    object.remove("unsigned");
    to_raw_value(&object).ok()
}

/// Other news as they are sent. `None`: no server could take them.
pub(super) fn edu(json: String) -> Option<Raw<Edu>> {
    serde_json::from_str::<CanonicalJsonValue>(&json).ok()?;
    RawValue::from_string(json).ok().map(Raw::from_json)
}

#[cfg(test)]
mod tests {
    use ruma::{event_id, exports::http::Response, room_id};

    use super::{Outcome, Transaction, edu, outcome, pdu};

    fn answer(status: u16, body: &str) -> Outcome {
        let answer = Response::builder().status(status);
        outcome(&answer.body(body.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn only_200_is_taken() {
        assert_eq!(
            answer(200, r#"{"pdus":{"$a":{"error":"no"},"$b":{}}}"#),
            Outcome::Taken
        );
        assert_eq!(answer(200, "{}"), Outcome::Taken);
        assert_eq!(answer(200, "nonsense"), Outcome::Taken);
        for (status, expected) in [
            (400, Outcome::Refused),
            (413, Outcome::Refused),
            (301, Outcome::Failed(None)),
            (401, Outcome::Failed(None)),
            (404, Outcome::Failed(None)),
            (429, Outcome::Failed(None)),
            (502, Outcome::Failed(None)),
        ] {
            assert_eq!(answer(status, "{}"), expected, "{status}");
        }
        let busy = Response::builder().status(429).header("retry-after", "7");
        assert_eq!(
            outcome(&busy.body(Vec::new()).unwrap()),
            Outcome::Failed(Some(7000))
        );
    }

    #[test]
    fn the_same_content_has_the_same_id() {
        let transaction = |ts, edus: &[&str]| Transaction {
            ts,
            pdus: Vec::new(),
            edus: edus.iter().filter_map(|json| edu((*json).to_owned())).collect(),
        };
        let one = transaction(1, &["{}", "{}"]).id();
        assert_eq!(one, transaction(1, &["{}", "{}"]).id());
        assert_ne!(one, transaction(2, &["{}", "{}"]).id());
        assert_ne!(one, transaction(1, &["{}"]).id());
        assert!(
            one.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
    }

    #[test]
    fn what_no_server_could_take_isnt_sent() {
        let room = room_id!("!r:a.example");
        let event = |depth: &str, content: &str| {
            let json = format!(
                r#"{{"auth_events":[],"content":{content},"depth":{depth},"hashes":{{}},"origin_server_ts":1,
                   "prev_events":[],"room_id":"!r:a.example","sender":"@u:a.example","type":"m.room.message",
                   "unsigned":{{"age":1}}}}"#
            );
            pdu(room, event_id!("$a"), &json)
        };
        let good = event("5", r#"{"body":"x"}"#).unwrap();
        assert!(!good.get().contains("unsigned"));
        for (depth, content) in [
            ("9007199254740992", "{}"),
            ("-1", "{}"),
            ("1.5", "{}"),
            ("5", r#"{"n":1.5}"#),
            ("5", r#"{"n":9007199254740993}"#),
            ("5", &format!(r#"{{"body":"{}"}}"#, "x".repeat(70_000))),
        ] {
            assert!(event(depth, content).is_none(), "{depth} {:.20}", content);
        }
        assert!(pdu(room_id!("!other:a.example"), event_id!("$a"), good.get()).is_none());
        assert!(edu("{\"n\":1e400}".to_owned()).is_none());
        assert!(edu("{".to_owned()).is_none());
    }
}
