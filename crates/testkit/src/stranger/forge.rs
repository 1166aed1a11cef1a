//! What only a hostile server does: other people's names under its signatures, bodies that are no JSON, events that are
//! none.

use axum::body::Body;
use http::{Request, header};
use rohrpost_room::keys::key_id;
use rohrpost_store::{EventStatus, StoreError};
use ruma::{
    CanonicalJsonObject, EventId, OwnedEventId, RoomId, RoomVersionId, ServerName,
    api::federation::authentication::XMatrix,
    serde::Base64,
    signatures::{KeyPair as _, hash_and_sign_event, reference_hash},
};
use serde_json::{Value, json};

use super::Stranger;
use crate::{TestServer, ask::enc};

/// What a server keeps of an event.
#[derive(Debug, Clone)]
pub struct KeptEvent {
    /// Whether it was let in.
    pub status: EventStatus,
    /// Whether it has a place in the timeline.
    pub in_timeline: bool,
    /// The event.
    pub event: Value,
}

impl TestServer {
    /// What is kept of an event, if anything, whether somebody may see it or not.
    pub async fn kept(&self, room_id: &RoomId, event_id: &EventId) -> Option<KeptEvent> {
        let (room_id, event_id) = (room_id.to_owned(), event_id.to_owned());
        let core = self.core();
        let reading = core.store.read(move |tx| {
            Box::pin(async move {
                let Some(room) = tx.room_get(&room_id).await? else {
                    return Ok::<_, StoreError>(None);
                };
                tx.event_get(room.nid, &event_id).await
            })
        });
        let row = reading.await.expect("the store works")?;
        Some(KeptEvent {
            status: row.status,
            in_timeline: row.pos.is_some(),
            event: serde_json::from_str(&row.json).expect("JSON"),
        })
    }
}

impl Stranger {
    /// Hashes and signs any event with its own key, in the name of any server. Answers its id and the event.
    #[must_use]
    pub fn sign_as(
        &self,
        name: &ServerName,
        version: &RoomVersionId,
        mut event: Value,
    ) -> (OwnedEventId, Value) {
        for stale in ["hashes", "signatures"] {
            event.as_object_mut().expect("an object").remove(stale);
        }
        let rules = rohrpost_room::rules(version).expect("a supported version");
        let mut event: CanonicalJsonObject = serde_json::from_value(event).expect("canonical JSON");
        hash_and_sign_event(name.as_str(), self.key(), &mut event, &rules.redaction).expect("a signature");
        let event = json!(event);
        (Self::event_id(version, &event), event)
    }

    /// The id that an event has.
    #[must_use]
    pub fn event_id(version: &RoomVersionId, event: &Value) -> OwnedEventId {
        let rules = rohrpost_room::rules(version).expect("a supported version");
        let event: CanonicalJsonObject = serde_json::from_value(event.clone()).expect("canonical JSON");
        let hash = reference_hash(&event, rules).expect("a hash");
        EventId::new_v2_or_v3(&hash).expect("an event id")
    }

    /// Asks something with any text as the body, which it signs as it stands.
    pub async fn ask_text(&self, server: &TestServer, method: &str, path: &str, body: &str) -> (u16, Value) {
        let content = match body {
            "" => String::new(),
            body => format!("\"content\":{body},"),
        };
        let signed = format!(
            "{{{content}\"destination\":{},\"method\":{},\"origin\":{},\"uri\":{}}}",
            json!(server.name()),
            json!(method),
            json!(self.name()),
            json!(path)
        );
        let signature = Base64::new(self.key().sign(signed.as_bytes()).as_bytes().to_vec());
        let key = key_id(self.key()).as_str().try_into().expect("a key id");
        let proof = XMatrix::new(self.name().to_owned(), server.name().to_owned(), key, signature);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, proof.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .expect("a request");
        let answer = server.ask(request).await;
        (answer.status, answer.json())
    }

    /// Sends any texts as the events of a transaction. Canonical ones are taken for what they are.
    pub async fn send_texts(&self, server: &TestServer, txn_id: &str, pdus: &[String]) -> (u16, Value) {
        let body = format!(
            "{{\"edus\":[],\"origin\":{},\"origin_server_ts\":1,\"pdus\":[{}]}}",
            json!(self.name()),
            pdus.join(",")
        );
        let path = format!("/_matrix/federation/v1/send/{txn_id}");
        self.ask_text(server, "PUT", &path, &body).await
    }

    /// Tells a server what isn't an event; answers the status.
    pub async fn tell(&self, server: &TestServer, txn_id: &str, edus: &[(&str, Value)]) -> u16 {
        let edus: Vec<Value> = edus
            .iter()
            .map(|(kind, content)| json!({ "edu_type": kind, "content": content }))
            .collect();
        let body = json!({ "origin": self.name(), "origin_server_ts": 1, "pdus": [], "edus": edus });
        let path = format!("/_matrix/federation/v1/send/{txn_id}");
        self.ask(server, "PUT", &path, Some(body)).await.0
    }

    /// Gives an event to whoever asks for one with this id, whatever it is.
    pub fn gives(&self, event_id: &EventId, event: &Value) {
        let answer = json!({ "origin": self.name(), "origin_server_ts": 1, "pdus": [event] });
        // Ids are written as they are in paths, or escaped.
        for id in [event_id.to_string(), enc(event_id.as_str())] {
            self.answers(&format!("GET /_matrix/federation/v1/event/{id}"), answer.clone());
        }
    }
}
