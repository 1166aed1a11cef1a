//! Makes a connection to a server of the federation: to where it was found, with the certificate of its name.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use ruma::OwnedServerName;
use rustls::{ClientConfig, pki_types};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower::Service;

use super::discovery::Discovery;
use crate::egress::Networks;

/// Longest time for one address, TLS included.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Addresses that are tried.
const MAX_ADDRESSES: usize = 6;

/// There is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConnectError {
    /// The name leads nowhere.
    #[error("there is no such server")]
    NoSuchServer,
    /// It leads to where this server may not go.
    #[error("the server is in a network that may not be connected to")]
    NotAllowed,
    /// Nobody answered, or somebody else.
    #[error("no connection")]
    Failed,
}

/// Makes connections.
#[derive(Clone)]
pub(super) struct Connector {
    discovery: Arc<Discovery>,
    networks: Networks,
    tls: TlsConnector,
}

impl Connector {
    pub(super) fn new(discovery: Arc<Discovery>, networks: Networks, tls: ClientConfig) -> Self {
        Self {
            discovery,
            networks,
            tls: TlsConnector::from(Arc::new(tls)),
        }
    }

    async fn connect(&self, uri: Uri) -> Result<Stream, ConnectError> {
        let name = uri.authority().map(|authority| authority.as_str().to_owned());
        let name =
            OwnedServerName::try_from(name.unwrap_or_default()).map_err(|_| ConnectError::NoSuchServer)?;
        let target = self
            .discovery
            .find(&name)
            .await
            .map_err(|_| ConnectError::NoSuchServer)?;
        let certificate = pki_types::ServerName::try_from(target.certificate.clone())
            .map_err(|_| ConnectError::NoSuchServer)?;
        let mut error = ConnectError::NoSuchServer;
        let mut left = MAX_ADDRESSES;
        for place in &target.places {
            for address in self.addresses(&place.host).await {
                if left == 0 {
                    return Err(error);
                }
                if !self.networks.allow(address) {
                    error = ConnectError::NotAllowed;
                    continue;
                }
                left -= 1;
                let attempt = async {
                    let stream = TcpStream::connect((address, place.port)).await?;
                    stream.set_nodelay(true)?;
                    self.tls.connect(certificate.clone(), stream).await
                };
                match tokio::time::timeout(TIMEOUT, attempt).await {
                    Ok(Ok(stream)) => return Ok(Stream(TokioIo::new(stream))),
                    Ok(Err(_)) | Err(_) => error = ConnectError::Failed,
                }
            }
        }
        Err(error)
    }

    async fn addresses(&self, host: &str) -> Vec<IpAddr> {
        match host.parse() {
            Ok(address) => vec![address],
            Err(_) => self.discovery.names.addresses(host).await,
        }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Stream, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.connect(uri).await })
    }
}

/// A connection.
pub(super) struct Stream(TokioIo<TlsStream<TcpStream>>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
