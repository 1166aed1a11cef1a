//! Another server that says what a test wants it to say, signed with its real key.

use axum::body::Body;
use http::{Request, header};
use rohrpost_room::{
    handshake::{Ask, AskedMembership, check_template},
    keys::key_from_seed,
    rules,
};
use ruma::{
    CanonicalJsonObject, EventId, RoomId, RoomVersionId, UserId,
    api::federation::authentication::{XMatrix, XMatrixSigningInput},
    signatures::{Ed25519KeyPair, hash_and_sign_event, reference_hash},
};
use serde_json::{Value, json};

use crate::{Answer, TestServer, ask::enc};

/// The room versions that a peer says it supports.
const VERSIONS: &str = "ver=10&ver=11&ver=12";

/// A server of the test as the other server, with everything that it could say. It must be one of
/// [`Neighbours`](crate::Neighbours), so that its key can be fetched.
pub struct Peer {
    server: TestServer,
    key: Ed25519KeyPair,
}

impl Peer {
    /// Speaks for a server.
    pub async fn of(server: &TestServer) -> Self {
        let core = server.core();
        let key = core
            .store
            .read(|tx| Box::pin(async move { tx.signing_key_current().await }));
        let key = key.await.expect("the store works").expect("a key");
        let seed: [u8; 32] = key.seed.try_into().expect("a seed");
        let version = key.key_id.strip_prefix("ed25519:").expect("a key id");
        Self {
            server: server.clone(),
            key: key_from_seed(&seed, version).expect("a key"),
        }
    }

    /// Asks another server something, signed; answers status and JSON.
    pub async fn ask(
        &self,
        other: &TestServer,
        method: &str,
        path: &str,
        json: Option<Value>,
    ) -> (u16, Value) {
        let answer = self.ask_anything(other, method, path, json).await;
        (answer.status, answer.json())
    }

    async fn ask_anything(
        &self,
        other: &TestServer,
        method: &str,
        path: &str,
        json: Option<Value>,
    ) -> Answer {
        let body = json.map(|json| json.to_string()).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(body)
            .expect("an address");
        let input =
            XMatrixSigningInput::new(self.server.name().to_owned(), other.name().to_owned(), &self.key);
        let signature = XMatrix::sign_http_request(&request, input).expect("a signature");
        let (mut parts, body) = request.into_parts();
        let signature = signature.to_string().parse().expect("a header");
        parts.headers.insert(header::AUTHORIZATION, signature);
        if !body.is_empty() {
            let json = "application/json".parse().expect("a header");
            parts.headers.insert(header::CONTENT_TYPE, json);
        }
        other.ask(Request::from_parts(parts, Body::from(body))).await
    }

    /// Asks another server for something that isn't JSON, signed.
    pub async fn ask_raw(&self, other: &TestServer, method: &str, path: &str) -> Answer {
        self.ask_anything(other, method, path, None).await
    }

    /// `GET`, signed.
    pub async fn get(&self, other: &TestServer, path: &str) -> (u16, Value) {
        self.ask(other, "GET", path, None).await
    }

    /// `POST`, signed.
    pub async fn post(&self, other: &TestServer, path: &str, json: Value) -> (u16, Value) {
        self.ask(other, "POST", path, Some(json)).await
    }

    /// `PUT`, signed.
    pub async fn put(&self, other: &TestServer, path: &str, json: Value) -> (u16, Value) {
        self.ask(other, "PUT", path, Some(json)).await
    }

    /// Asks for the template of a membership: `join`, `leave` or `knock`.
    pub async fn make(
        &self,
        other: &TestServer,
        membership: &str,
        room_id: &str,
        user: &UserId,
    ) -> (u16, Value) {
        let versions = match membership {
            "leave" => String::new(),
            _ => format!("?{VERSIONS}"),
        };
        let path = format!(
            "/_matrix/federation/v1/make_{membership}/{}/{}{versions}",
            enc(room_id),
            enc(user.as_str())
        );
        self.get(other, &path).await
    }

    /// The signed membership that an honest server makes of the template; its id, the room's version, and itself.
    pub async fn membership(
        &self,
        other: &TestServer,
        membership: AskedMembership,
        room_id: &str,
        user: &UserId,
    ) -> (String, RoomVersionId, Value) {
        let (status, made) = self.make(other, membership.as_str(), room_id, user).await;
        assert_eq!(status, 200, "a template was refused: {made}");
        let version =
            RoomVersionId::try_from(made["room_version"].as_str().expect("a version")).expect("a version");
        let ask = Ask {
            room_id: &RoomId::parse(room_id).expect("a room id"),
            user,
            membership,
            resident: other.name(),
            version: None,
        };
        let template = check_template(&made["event"].to_string(), Some(&version), ask).expect("a template");
        let now = self.server.core().now();
        let pdu = template
            .sign(CanonicalJsonObject::new(), now, self.server.name(), &self.key)
            .expect("an event");
        let event = serde_json::from_str(pdu.json()).expect("JSON");
        (pdu.event_id().to_string(), version, event)
    }

    /// Hashes and signs any event; answers its id and the event.
    pub fn sign(&self, version: &RoomVersionId, mut event: Value) -> (String, Value) {
        let rules = rules(version).expect("a supported version");
        for stale in ["hashes", "signatures"] {
            event.as_object_mut().expect("an object").remove(stale);
        }
        let mut object: CanonicalJsonObject = serde_json::from_value(event).expect("canonical JSON");
        hash_and_sign_event(
            self.server.name().as_str(),
            &self.key,
            &mut object,
            &rules.redaction,
        )
        .expect("a signature");
        let hash = reference_hash(&object, rules).expect("a hash");
        let id = EventId::new_v2_or_v3(&hash).expect("an event id");
        (id.to_string(), json!(object))
    }

    /// Hands an event over: to `v2/send_join`, say.
    pub async fn hand(
        &self,
        other: &TestServer,
        endpoint: &str,
        (room_id, event_id): (&str, &str),
        event: Value,
    ) -> (u16, Value) {
        let path = format!(
            "/_matrix/federation/{endpoint}/{}/{}",
            enc(room_id),
            enc(event_id)
        );
        self.put(other, &path, event).await
    }

    /// Brings a user into a room of another server; answers what that server told.
    pub async fn join(&self, other: &TestServer, room_id: &str, user: &UserId) -> Value {
        let (id, _, event) = self.membership(other, AskedMembership::Join, room_id, user).await;
        let (status, told) = self.hand(other, "v2/send_join", (room_id, &id), event).await;
        assert_eq!(status, 200, "a join was refused: {told}");
        told
    }
}
