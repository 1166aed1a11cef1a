//! A web site as a server of its own inside the test.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Request, Response},
};
use futures_util::{StreamExt as _, stream};
use rohrpost_core::media::preview::PreviewSettings;
use tokio::{net::TcpListener, task::JoinSet};

/// What stands at a path.
#[derive(Clone)]
pub(crate) enum Page {
    /// Status, headers and body.
    Answer(u16, Vec<(&'static str, String)>, Bytes),
    /// The same piece without end, with a pause between.
    Endless(&'static str, Bytes, Duration),
}

#[derive(Default)]
struct Shared {
    pages: HashMap<String, Page>,
    asked: Vec<(String, HeaderMap)>,
}

/// A web site on 127.0.0.1.
pub(crate) struct Site {
    pub(crate) port: u16,
    shared: Arc<Mutex<Shared>>,
    _sockets: JoinSet<()>,
}

impl Site {
    pub(crate) async fn start() -> Self {
        let shared = Arc::<Mutex<Shared>>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let listener = vec![rohrpost_http::Listener::Tcp(listener)];
        let mut sockets = JoinSet::new();
        sockets.spawn(rohrpost_http::serve(listener, router, std::future::pending()));
        Self {
            port,
            shared,
            _sockets: sockets,
        }
    }

    /// What an operator would set who wants previews of this site.
    pub(crate) fn settings(&self) -> PreviewSettings {
        PreviewSettings {
            allowed_hosts: Vec::new(),
            denied_hosts: Vec::new(),
            allowed_ports: vec![80, 443, u32::from(self.port)],
            max_page_bytes: 1024 * 1024,
            max_picture_bytes: 1024 * 1024,
            timeout: Duration::from_secs(10),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn shared<T>(&self, look: impl FnOnce(&mut Shared) -> T) -> T {
        look(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn put(&self, path: &str, page: Page) {
        self.shared(|shared| shared.pages.insert(path.to_owned(), page));
    }

    pub(crate) fn html(&self, path: &str, html: impl Into<Bytes>) {
        self.content(path, "text/html; charset=utf-8", html);
    }

    pub(crate) fn content(&self, path: &str, content_type: &str, body: impl Into<Bytes>) {
        let headers = vec![("content-type", content_type.to_owned())];
        self.put(path, Page::Answer(200, headers, body.into()));
    }

    pub(crate) fn redirect(&self, path: &str, to: &str) {
        let headers = vec![("location", to.to_owned()), ("set-cookie", "a=b".to_owned())];
        self.put(path, Page::Answer(302, headers, Bytes::new()));
    }

    /// What was asked for since the last call.
    pub(crate) fn asked(&self) -> Vec<(String, HeaderMap)> {
        self.shared(|shared| std::mem::take(&mut shared.asked))
    }

    /// The paths that were asked for since the last call.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.asked().into_iter().map(|(path, _)| path).collect()
    }
}

async fn answer(State(shared): State<Arc<Mutex<Shared>>>, request: Request<Body>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let page = {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.asked.push((path.clone(), request.headers().clone()));
        shared.pages.get(&path).cloned()
    };
    let response = match page {
        None => Response::builder().status(404).body(Body::empty()),
        Some(Page::Answer(status, headers, body)) => headers
            .into_iter()
            .fold(Response::builder().status(status), |response, (name, value)| {
                response.header(name, value)
            })
            .body(Body::from(body)),
        Some(Page::Endless(content_type, piece, pause)) => {
            let pieces = stream::repeat(piece).then(move |piece| async move {
                tokio::time::sleep(pause).await;
                Ok::<_, std::io::Error>(piece)
            });
            Response::builder()
                .header("content-type", content_type)
                .body(Body::from_stream(pieces))
        }
    };
    response.expect("a response")
}
