//! A push gateway, or the push service of a browser, as a server of its own inside the test.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use rohrpost_core::{push::gateways, settings::Settings};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

/// What somebody told the gateway.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    /// The notification, for a gateway.
    pub(crate) fn notification(&self) -> Value {
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        body["notification"].clone()
    }
}

#[derive(Default)]
struct Shared {
    received: Vec<Received>,
    /// The next answers; when there are none left, everything is taken.
    answers: VecDeque<(u16, Value)>,
}

/// A gateway.
pub(crate) struct Gateway {
    pub(crate) origin: String,
    shared: Arc<Mutex<Shared>>,
    _sockets: JoinSet<()>,
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        let shared = Arc::<Mutex<Shared>>::default();
        let router = Router::new()
            .route("/{*path}", post(receive))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let listener = vec![rohrpost_http::Listener::Tcp(listener)];
        let mut sockets = JoinSet::new();
        sockets.spawn(rohrpost_http::serve(listener, router, std::future::pending()));
        Self {
            origin,
            shared,
            _sockets: sockets,
        }
    }

    /// Lets a server tell this gateway something.
    pub(crate) fn allow(&self, settings: &mut Settings) {
        settings.push.gateways = gateways::Gateway::parse(&self.origin).into_iter().collect();
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/_matrix/push/v1/notify", self.origin)
    }

    fn shared<T>(&self, look: impl FnOnce(&mut Shared) -> T) -> T {
        look(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What came since the last call.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared(|shared| std::mem::take(&mut shared.received))
    }

    /// The notifications that came since the last call.
    pub(crate) fn notifications(&self) -> Vec<Value> {
        self.received().iter().map(Received::notification).collect()
    }

    /// Answers the next request so.
    pub(crate) fn answer(&self, status: u16, body: Value) {
        self.shared(|shared| shared.answers.push_back((status, body)));
    }
}

async fn receive(
    State(shared): State<Arc<Mutex<Shared>>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    shared.received.push(Received { headers, body });
    let (status, answer) = shared
        .answers
        .pop_front()
        .unwrap_or((200, json!({ "rejected": [] })));
    (
        StatusCode::from_u16(status).expect("a status"),
        answer.to_string(),
    )
}
