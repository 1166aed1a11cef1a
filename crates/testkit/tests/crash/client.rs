//! Clients that don't give up when the server is gone for a moment.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use rohrpost_testkit::PASSWORD;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait before trying again.
const PAUSE: Duration = Duration::from_millis(10);

/// Somebody who is signed in. Clones are the same person.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) user_id: Arc<str>,
    token: Arc<str>,
}

/// Connections to the server, wherever it listens now.
#[derive(Clone)]
pub(crate) struct Client {
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    address: watch::Receiver<SocketAddr>,
}

impl Client {
    pub(crate) fn new(address: watch::Receiver<SocketAddr>) -> Self {
        let http = legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { http, address }
    }

    /// Makes an account.
    pub(crate) async fn register(&self, name: &str) -> Person {
        let body = json!({ "username": name, "password": PASSWORD, "auth": { "type": "m.login.dummy" } });
        let answer = self
            .ask(None, "POST", "/_matrix/client/v3/register", Some(body))
            .await;
        let text = |key: &str| Arc::from(answer[key].as_str().unwrap_or_else(|| panic!("{key} is missing")));
        Person {
            user_id: text("user_id"),
            token: text("access_token"),
        }
    }

    /// Asks once.
    ///
    /// # Panics
    /// When there is no answer or a refusal.
    pub(crate) async fn ask(
        &self,
        person: Option<&Person>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        let answer = self.attempt(person, method, path, body.as_ref()).await;
        answer.expect("the server answers")
    }

    /// Asks until there is an answer; tells how many attempts that took.
    ///
    /// # Panics
    /// When there is a refusal.
    pub(crate) async fn insist(
        &self,
        person: &Person,
        method: &str,
        path: &str,
        body: &Value,
    ) -> (Value, usize) {
        let body = (!body.is_null()).then_some(body);
        let mut attempts = 1;
        loop {
            if let Some(answer) = self.attempt(Some(person), method, path, body).await {
                return (answer, attempts);
            }
            attempts += 1;
            sleep(PAUSE).await;
        }
    }

    /// `None`: the server is gone, or went before it had answered.
    async fn attempt(
        &self,
        person: Option<&Person>,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Option<Value> {
        let address = *self.address.borrow();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{address}{path}"));
        if let Some(person) = person {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", person.token));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::new(Bytes::from(body))).expect("a request");
        let asked = async {
            let response = self.http.request(request).await.ok()?;
            let status = response.status().as_u16();
            Some((status, response.into_body().collect().await.ok()?.to_bytes()))
        };
        let (status, body) = timeout(PATIENCE, asked).await.expect("an answer or an end")?;
        assert_eq!(
            status,
            200,
            "{method} {path} was refused: {}",
            String::from_utf8_lossy(&body)
        );
        Some(serde_json::from_slice(&body).expect("answers are JSON"))
    }
}
