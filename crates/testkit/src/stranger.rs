//! A server of somebody else, as a test wants it: it has a name, a key and a socket with TLS, and answers what the test says.
//! It is as honest or as hostile as that.
//!
//! ```ignore
//! let (server, stranger) = (neighbours.sqlite().await, neighbours.stranger().await);
//! stranger.answer(|asked| asked.is_transaction().then(|| Said::json(502, json!({}))));
//! stranger.seat(&server, &room, "eva").await;
//! server.tell_servers().await;
//! assert_eq!(stranger.transactions().len(), 1);
//! ```
//!
//! Without a word from the test it publishes its key, takes every transaction, and knows nothing else.

mod forge;

pub use self::forge::KeptEvent;

use std::{
    fmt,
    net::TcpListener as StdListener,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::header;
use http_body_util::BodyExt as _;
use rohrpost_core::Refusal;
use rohrpost_http::{Listener, Tls};
use rohrpost_room::{
    Pdu,
    keys::{key_from_seed, key_id, verify_key},
    rules,
};
use rohrpost_store::{EventNid, NewMembership, Tx, Work};
use ruma::{
    CanonicalJsonObject, OwnedRoomId, OwnedServerName, OwnedUserId, RoomVersionId, ServerName,
    api::federation::authentication::{XMatrix, XMatrixSigningInput},
    events::room::member::MembershipState,
    signatures::{Ed25519KeyPair, hash_and_sign_event, reference_hash, sign_event, sign_json},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{Neighbours, TestServer, foreign_room::ForeignRoom};

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Such as `PUT`.
    pub method: String,
    /// Path and query, as they came.
    pub path: String,
    /// The header `Authorization`.
    pub authorization: String,
    /// The body; `null` without one.
    pub body: Value,
}

impl Asked {
    /// Whether it tells something: `PUT /_matrix/federation/v1/send/{txnId}`.
    #[must_use]
    pub fn is_transaction(&self) -> bool {
        self.txn_id().is_some()
    }

    /// The id of the transaction that it is.
    #[must_use]
    pub fn txn_id(&self) -> Option<&str> {
        self.path.strip_prefix("/_matrix/federation/v1/send/")
    }

    /// The members of an array in its body.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<Value> {
        self.body[name].as_array().cloned().unwrap_or_default()
    }

    /// The bodies of the messages among the events that it tells, in order.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        let pdus = self.list("pdus");
        let body = |pdu: &Value| pdu["content"]["body"].as_str().map(str::to_owned);
        pdus.iter().filter_map(body).collect()
    }
}

/// How a request is answered.
pub enum Said {
    /// With JSON.
    Json(u16, Value),
    /// With anything.
    Raw(Box<Response>),
    /// Not at all; the connection stays open.
    Never,
}

impl Said {
    /// With JSON.
    #[must_use]
    pub fn json(status: u16, json: Value) -> Self {
        Self::Json(status, json)
    }
}

/// What is answered to a body.
type Answer = Arc<dyn Fn(&Value) -> (u16, Value) + Send + Sync>;
type Answering = Box<dyn FnMut(&Asked) -> Option<Said> + Send>;

struct Shared {
    name: OwnedServerName,
    key: Arc<Ed25519KeyPair>,
    /// What it answers to requests that begin like this; what was said last comes first.
    answers: Mutex<Vec<(String, Answer)>>,
    requests: Mutex<Vec<Asked>>,
    answering: Mutex<Option<Answering>>,
    /// How many requests came.
    came: watch::Sender<usize>,
}

/// Another server as a test wants it.
pub struct Stranger {
    shared: Arc<Shared>,
    edus: Mutex<u64>,
    _sockets: JoinSet<()>,
}

impl fmt::Debug for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stranger")
            .field("name", &self.shared.name)
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Neighbours {
    /// A server that answers what the test says.
    pub async fn stranger(&self) -> Stranger {
        self.stranger_at("127.0.0.1").await
    }

    /// The same at another address of this computer, 127.0.0.2 or 127.0.0.3: access control lists look at names without
    /// their ports.
    #[expect(clippy::unused_async, reason = "it begins to listen, which needs the runtime")]
    pub async fn stranger_at(&self, address: &str) -> Stranger {
        let listener = StdListener::bind((address, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let folder = tempfile::tempdir().expect("a temporary folder");
        Stranger::start(listener, self.certificate(folder.path()))
    }
}

impl Stranger {
    fn start(listener: StdListener, tls: Tls) -> Self {
        let address = listener.local_addr().expect("an address");
        let name = OwnedServerName::try_from(address.to_string()).expect("a server name");
        let mut seed = [0; 32];
        getrandom_seed(&mut seed);
        let shared = Arc::new(Shared {
            name,
            key: Arc::new(key_from_seed(&seed, "stranger").expect("a key")),
            answers: Mutex::default(),
            requests: Mutex::default(),
            answering: Mutex::default(),
            came: watch::Sender::new(0),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let mut sockets = JoinSet::new();
        let listener = TcpListener::from_std(listener).expect("the socket");
        sockets.spawn(rohrpost_http::serve(
            vec![Listener::Tls(listener, tls)],
            router,
            std::future::pending(),
        ));
        Self {
            shared,
            edus: Mutex::new(0),
            _sockets: sockets,
        }
    }

    /// Its name, such as `127.0.0.1:40123`.
    #[must_use]
    pub fn name(&self) -> &ServerName {
        &self.shared.name
    }

    /// A user of it.
    #[must_use]
    pub fn user(&self, localpart: &str) -> String {
        format!("@{localpart}:{}", self.shared.name)
    }

    /// The key that it publishes.
    #[must_use]
    pub fn key(&self) -> &Ed25519KeyPair {
        &self.shared.key
    }

    /// Says what it answers to requests whose method and path begin like this, such as `GET /_matrix/federation/v1/event/`.
    /// What was said last counts.
    pub fn answers(&self, path: &str, answer: Value) {
        self.refuses(path, 200, answer);
    }

    /// The same with another status.
    pub fn refuses(&self, path: &str, status: u16, answer: Value) {
        self.answers_with(path, move |_| (status, answer.clone()));
    }

    /// Hashes and signs any event of a room of this version; answers its id and the event.
    #[must_use]
    pub fn sign_event(&self, version: &str, event: Value) -> (String, Value) {
        let version = RoomVersionId::try_from(version).expect("a version");
        let rules = rules(&version).expect("a supported version");
        let mut event: CanonicalJsonObject = serde_json::from_value(event).expect("canonical JSON");
        hash_and_sign_event(
            self.shared.name.as_str(),
            &*self.shared.key,
            &mut event,
            &rules.redaction,
        )
        .expect("a signature");
        let hash = reference_hash(&event, rules).expect("a hash");
        (format!("${hash}"), json!(event))
    }

    /// Says how an answer is made of the body of a request.
    pub fn answers_with(&self, path: &str, answer: impl Fn(&Value) -> (u16, Value) + Send + Sync + 'static) {
        lock(&self.shared.answers).insert(0, (path.to_owned(), Arc::new(answer)));
    }

    /// Signs every invite of its users; `change` changes the event before that.
    pub fn signs_invites(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        let (name, key) = (self.shared.name.clone(), Arc::clone(&self.shared.key));
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
        let asked = self.requests().into_iter();
        let asked = asked.map(|asked| (format!("{} {}", asked.method, asked.path), asked.body));
        asked.filter(|(asked, _)| asked.starts_with(path)).collect()
    }

    /// A room of another server as this one sees it.
    pub async fn room_of(&self, server: &TestServer, room_id: &str) -> ForeignRoom {
        let (name, key) = (self.shared.name.clone(), Arc::clone(&self.shared.key));
        ForeignRoom::of(server, room_id, name, key).await
    }

    /// A room of its own, with its user `localpart` in it, who made it.
    #[must_use]
    pub fn room(&self, version: &str, localpart: &str) -> ForeignRoom {
        let (name, key) = (self.shared.name.clone(), Arc::clone(&self.shared.key));
        ForeignRoom::new(version, &self.user(localpart), name, key)
    }

    /// Says how requests are answered from now on; those for which the closure answers `None`, as if nothing was said.
    pub fn answer(&self, answering: impl FnMut(&Asked) -> Option<Said> + Send + 'static) {
        *lock(&self.shared.answering) = Some(Box::new(answering));
    }

    /// Answers again as if nothing had been said.
    pub fn behave(&self) {
        *lock(&self.shared.answering) = None;
    }

    /// What came so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Asked> {
        lock(&self.shared.requests).clone()
    }

    /// The transactions that came so far, whether they were taken or not.
    #[must_use]
    pub fn transactions(&self) -> Vec<Asked> {
        let mut requests = self.requests();
        requests.retain(Asked::is_transaction);
        requests
    }

    /// Waits until so many transactions came.
    pub async fn transactions_at_least(&self, many: usize) -> Vec<Asked> {
        let mut came = self.shared.came.subscribe();
        loop {
            came.mark_unchanged();
            let transactions = self.transactions();
            if transactions.len() >= many {
                return transactions;
            }
            came.changed().await.expect("the stranger is there");
        }
    }

    /// Forgets what came so far.
    pub fn forget(&self) {
        lock(&self.shared.requests).clear();
    }

    /// Signs an object, such as an event, as this server.
    ///
    /// # Panics
    /// When it isn't canonical JSON.
    #[must_use]
    pub fn sign(&self, object: Value) -> Value {
        let mut object: CanonicalJsonObject = serde_json::from_value(object).expect("canonical JSON");
        sign_json(self.shared.name.as_str(), &*self.shared.key, &mut object).expect("a signature");
        serde_json::to_value(object).expect("JSON")
    }

    /// The header `Authorization` for a request of this server to another one.
    #[must_use]
    pub fn authorization(&self, destination: &ServerName, request: &http::Request<Vec<u8>>) -> String {
        let input =
            XMatrixSigningInput::new(self.shared.name.clone(), destination.to_owned(), &self.shared.key);
        XMatrix::sign_http_request(request, input)
            .expect("a signature")
            .to_string()
    }

    /// Asks a server, signed as it must be; answers status and JSON.
    pub async fn ask(
        &self,
        server: &TestServer,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let bytes = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let request = http::Request::builder()
            .method(method)
            .uri(format!("https://{}{path}", server.name()))
            .body(bytes.clone())
            .expect("the path is a valid address");
        let authorization = self.authorization(server.name(), &request);
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(bytes))
            .expect("the path is a valid address");
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
        let body = json!({ "origin": self.shared.name, "origin_server_ts": 1, "pdus": pdus });
        self.ask(server, "PUT", &path, Some(body)).await
    }

    /// Tells a server one thing that is no event, in a transaction of its own; answers status and JSON.
    pub async fn edu(&self, server: &TestServer, kind: &str, content: Value) -> (u16, Value) {
        let number = {
            let mut edus = lock(&self.edus);
            *edus += 1;
            *edus
        };
        let body = json!({
            "origin": self.shared.name,
            "origin_server_ts": 1,
            "pdus": [],
            "edus": [{ "edu_type": kind, "content": content }],
        });
        let path = format!("/_matrix/federation/v1/send/edu{number}");
        self.ask(server, "PUT", &path, Some(body)).await
    }

    /// Makes one of its users a member of a room of that server, in the table of members only: there is no event for it.
    pub async fn seat(&self, server: &TestServer, room_id: &str, localpart: &str) -> String {
        self.member(server, room_id, localpart, MembershipState::Join)
            .await
    }

    /// The same with any membership.
    pub async fn member(
        &self,
        server: &TestServer,
        room_id: &str,
        localpart: &str,
        membership: MembershipState,
    ) -> String {
        let user_id = self.user(localpart);
        let member = Member {
            room_id: OwnedRoomId::try_from(room_id.to_owned()).expect("a room id"),
            user_id: OwnedUserId::try_from(user_id.clone()).expect("a user id"),
            membership,
        };
        server.core().store.write(member).await.expect("the store works");
        user_id
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a key of a server that is no part of the product"
)]
fn getrandom_seed(seed: &mut [u8; 32]) {
    getrandom::fill(seed).expect("randomness");
}

struct Member {
    room_id: OwnedRoomId,
    user_id: OwnedUserId,
    membership: MembershipState,
}

impl Work for Member {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Refusal> {
        let room = tx.room_get(&self.room_id).await?;
        let room = room.ok_or_else(|| Refusal::not_found("room"))?;
        let pos = tx.pos_next().await?;
        let new = NewMembership {
            user_id: &self.user_id,
            membership: &self.membership,
            event: EventNid(pos.0),
            sender: &self.user_id,
            pos,
            is_direct: false,
            is_local: false,
        };
        Ok(tx.membership_put(room.nid, &new).await?)
    }
}

async fn answer(State(stranger): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let Ok(body) = body.collect().await else {
        return json_answer(400, &json!({}));
    };
    let authorization = parts.headers.get(header::AUTHORIZATION);
    let request = Asked {
        method: parts.method.to_string(),
        path,
        authorization: authorization
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        body: serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null),
    };
    let said = {
        let mut answering = lock(&stranger.answering);
        answering.as_mut().and_then(|answering| answering(&request))
    };
    let said = said.unwrap_or_else(|| usual(&stranger, &request));
    lock(&stranger.requests).push(request);
    stranger.came.send_modify(|came| *came += 1);
    match said {
        Said::Json(status, json) => json_answer(status, &json),
        Said::Raw(answer) => *answer,
        Said::Never => std::future::pending().await,
    }
}

fn usual(stranger: &Shared, request: &Asked) -> Said {
    let asked = format!("{} {}", request.method, request.path);
    let answers = lock(&stranger.answers);
    let found = answers.iter().find(|(path, _)| asked.starts_with(path));
    let answer = found.map(|(_, answer)| Arc::clone(answer));
    drop(answers);
    if let Some(answer) = answer {
        let (status, answer) = answer(&request.body);
        return Said::json(status, answer);
    }
    if request.is_transaction() {
        return Said::json(200, json!({ "pdus": {} }));
    }
    if request.path.starts_with("/_matrix/key/v2/server") {
        return Said::json(200, keys(stranger));
    }
    Said::json(
        404,
        json!({ "errcode": "M_NOT_FOUND", "error": "nothing is here" }),
    )
}

/// The document with its key, good for as long as anybody believes one.
fn keys(stranger: &Shared) -> Value {
    let document = json!({
        "server_name": stranger.name,
        "verify_keys": { key_id(&stranger.key): { "key": verify_key(&stranger.key) } },
        "old_verify_keys": {},
        "valid_until_ts": 4_000_000_000_000_i64,
    });
    let mut object: CanonicalJsonObject = serde_json::from_value(document).expect("canonical JSON");
    sign_json(stranger.name.as_str(), &*stranger.key, &mut object).expect("a signature");
    serde_json::to_value(object).expect("JSON")
}

fn json_answer(status: u16, json: &Value) -> Response {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json.to_string()))
        .expect("an answer")
}
