//! A server of somebody else: it has a name, a key and a socket, and answers what a test says.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header};
use rohrpost_room::{
    Pdu,
    keys::{key_from_seed, key_id, verify_key},
    rules,
};
use ruma::{
    CanonicalJsonObject, OwnedServerName, RoomVersionId, ServerName,
    api::federation::authentication::{XMatrix, XMatrixSigningInput},
    signatures::{Ed25519KeyPair, sign_event, sign_json},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{Neighbours, TestServer, foreign_room::ForeignRoom};

/// Far enough away for every test, ms since the epoch.
const VALID_UNTIL_TS: i64 = 4_000_000_000_000;
/// Largest body that is kept.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// A server of somebody else.
pub struct Stranger {
    name: OwnedServerName,
    key: Arc<Ed25519KeyPair>,
    shared: Arc<Shared>,
    _sockets: JoinSet<()>,
}

/// What is answered to a body.
type Answer = Arc<dyn Fn(&Value) -> (u16, Value) + Send + Sync>;

#[derive(Default)]
struct Shared {
    answers: Mutex<Vec<(String, Answer)>>,
    asked: Mutex<Vec<(String, Value)>>,
}

impl Neighbours {
    /// A server that answers what the test says, and nothing at first but its key.
    pub async fn stranger(&self) -> Stranger {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let name = OwnedServerName::try_from(address.to_string()).expect("a server name");
        let mut seed = [0; 32];
        getrandom_fill(&mut seed);
        let key = Arc::new(key_from_seed(&seed, "stranger").expect("a key"));
        let shared = Arc::new(Shared::default());
        let document = document(&name, &key);
        shared.put("GET /_matrix/key/v2/server", 200, document);
        let answering = Arc::clone(&shared);
        let router = Router::new().fallback(move |request: Request| {
            let shared = Arc::clone(&answering);
            async move { shared.answer(request).await }
        });
        let listener = rohrpost_http::Listener::Tls(listener, self.certificate(folder.path()));
        let mut sockets = JoinSet::new();
        sockets.spawn(async move {
            rohrpost_http::serve(vec![listener], router, std::future::pending()).await;
        });
        Stranger {
            name,
            key,
            shared,
            _sockets: sockets,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a key of its own for each")]
fn getrandom_fill(seed: &mut [u8]) {
    getrandom::fill(seed).expect("randomness");
}

fn document(name: &ServerName, key: &Ed25519KeyPair) -> Value {
    let document = json!({
        "server_name": name,
        "verify_keys": { key_id(key): { "key": verify_key(key) } },
        "old_verify_keys": {},
        "valid_until_ts": VALID_UNTIL_TS,
    });
    let mut document: CanonicalJsonObject = serde_json::from_value(document).expect("an object");
    sign_json(name.as_str(), key, &mut document).expect("a signature");
    json!(document)
}

impl Shared {
    fn put(&self, path: &str, status: u16, answer: Value) {
        self.put_with(path, Arc::new(move |_| (status, answer.clone())));
    }

    fn put_with(&self, path: &str, answer: Answer) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(0, (path.to_owned(), answer));
    }

    async fn answer(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let asked = format!("{} {path}", parts.method);
        let body = to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let found = answers.iter().find(|(path, _)| asked.starts_with(path));
        let answered = found.map(|(_, answer)| Arc::clone(answer));
        drop(answers);
        let answered = answered.map(|answer| answer(&body));
        let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((asked, body));
        drop(all);
        let (status, answer) = match answered {
            Some(answer) => answer,
            None => (
                404,
                json!({ "errcode": "M_NOT_FOUND", "error": "nothing is here" }),
            ),
        };
        let status = StatusCode::from_u16(status).expect("a status code");
        let json = [(header::CONTENT_TYPE, "application/json")];
        (status, json, answer.to_string()).into_response()
    }
}

impl Stranger {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &ServerName {
        &self.name
    }

    /// A user of it.
    #[must_use]
    pub fn user(&self, localpart: &str) -> String {
        format!("@{localpart}:{}", self.name)
    }

    /// Says what it answers to requests whose method and path begin like this, such as `GET /_matrix/federation/v1/event/`.
    /// What was said last counts.
    pub fn answers(&self, path: &str, answer: Value) {
        self.shared.put(path, 200, answer);
    }

    /// The same with another status.
    pub fn refuses(&self, path: &str, status: u16, answer: Value) {
        self.shared.put(path, status, answer);
    }

    /// Says how an answer is made of the body of a request.
    pub fn answers_with(&self, path: &str, answer: impl Fn(&Value) -> (u16, Value) + Send + Sync + 'static) {
        self.shared.put_with(path, Arc::new(answer));
    }

    /// Signs every invite of its users; `change` changes the event before that.
    pub fn signs_invites(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        let (name, key) = (self.name.clone(), Arc::clone(&self.key));
        self.answers_with("PUT /_matrix/federation/v2/invite/", move |body| {
            let version = RoomVersionId::try_from(body["room_version"].as_str().expect("a version"));
            let rules = rules(&version.expect("a version")).expect("a supported version");
            let mut event = body["event"].clone();
            change(&mut event);
            let mut event: CanonicalJsonObject = serde_json::from_value(event).expect("canonical JSON");
            sign_event(name.as_str(), &*key, &mut event, &rules.redaction).expect("a signature");
            (200, json!({ "event": event }))
        });
    }

    /// What it was asked whose method and path begin like this, with the bodies.
    #[must_use]
    pub fn asked(&self, path: &str) -> Vec<(String, Value)> {
        let asked = self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked
            .iter()
            .filter(|(asked, _)| asked.starts_with(path))
            .cloned()
            .collect()
    }

    /// A room of another server as this one sees it.
    pub async fn room_of(&self, server: &TestServer, room_id: &str) -> ForeignRoom {
        ForeignRoom::of(server, room_id, self.name.clone(), Arc::clone(&self.key)).await
    }

    /// A room of its own, with its user `localpart` in it, who made it.
    #[must_use]
    pub fn room(&self, version: &str, localpart: &str) -> ForeignRoom {
        ForeignRoom::new(
            version,
            &self.user(localpart),
            self.name.clone(),
            Arc::clone(&self.key),
        )
    }

    /// Asks a server something, signed; answers status and JSON.
    pub async fn ask(
        &self,
        server: &TestServer,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = http::Request::builder()
            .method(method)
            .uri(format!("https://{}{path}", server.name()))
            .body(body.clone().into_bytes())
            .expect("a request");
        let input = XMatrixSigningInput::new(self.name.clone(), server.name().to_owned(), &self.key);
        let signature = XMatrix::sign_http_request(&request, input).expect("a signature");
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, signature.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .expect("a request");
        let answer = server.ask(request).await;
        (answer.status, answer.json())
    }

    /// Sends events to a server in a transaction; answers what became of them.
    pub async fn send(&self, server: &TestServer, txn_id: &str, pdus: &[&Pdu]) -> Value {
        let pdus = pdus
            .iter()
            .map(|pdu| serde_json::from_str(pdu.json()).expect("JSON"));
        let (status, answer) = self.send_json(server, txn_id, pdus.collect()).await;
        assert_eq!(status, 200, "{answer}");
        answer["pdus"].clone()
    }

    /// Sends anything to a server in a transaction; answers status and JSON.
    pub async fn send_json(&self, server: &TestServer, txn_id: &str, pdus: Vec<Value>) -> (u16, Value) {
        let path = format!("/_matrix/federation/v1/send/{txn_id}");
        let body = json!({ "origin": self.name, "origin_server_ts": 1, "pdus": pdus });
        self.ask(server, "PUT", &path, Some(body)).await
    }
}
