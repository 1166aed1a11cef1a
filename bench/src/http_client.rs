//! One HTTP/1.1 connection that is kept open, as a client's is.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, task::JoinSet};

/// A connection, on behalf of whoever the access token belongs to.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Moves bytes; ends with this value.
    _io: JoinSet<()>,
    host: String,
    pub(crate) token: Option<String>,
    /// The name of this connection in sliding sync.
    pub(crate) conn_id: String,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .context("the server does not answer")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut io = JoinSet::new();
        io.spawn(async move {
            // Whoever sends the next request hears of it.
            drop(connection.await);
        });
        Ok(Self {
            sender,
            _io: io,
            host: address.to_string(),
            token: None,
            conn_id: "room-list".to_owned(),
        })
    }

    /// Asks; answers status and body.
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: String,
    ) -> anyhow::Result<(u16, Bytes)> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status().as_u16();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// Asks for what must be granted; answers the body as JSON.
    pub(crate) async fn json(&mut self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let (status, answer) = self.ask(method.clone(), path, body).await?;
        if status != 200 {
            bail!(
                "{method} {path} was refused with {status}: {}",
                String::from_utf8_lossy(&answer)
            );
        }
        Ok(serde_json::from_slice(&answer)?)
    }
}
