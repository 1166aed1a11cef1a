//! Requests to other servers of the federation: found by their name, known by their certificate.
//!
//! A connection belongs to one server name from the beginning: where it leads is found out when it is made
//! ([`discovery`]), and the certificate must be that of the name ([`connect`]). Speaks HTTP/1.1 only, follows no
//! redirections, and asks no proxy of the environment.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#server-discovery>

mod connect;
mod discovery;
mod names;
mod well_known;

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response, Uri, header, uri::Authority};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use rohrpost_core::ports::{RemoteError, RemoteServers, ToServer};
use rustls::pki_types::CertificateDer;

use crate::{
    egress::{EgressError, Networks},
    tls,
};

use self::{
    connect::{ConnectError, Connector},
    discovery::Discovery,
};

/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(90);
/// Connections to one server that are kept.
const MAX_IDLE: usize = 4;

/// The way to the other servers of the federation.
pub struct Servers {
    client: Client<Connector, Full<Bytes>>,
    discovery: Arc<Discovery>,
}

impl Servers {
    /// Trusts the certificates that this computer trusts, and those authorities besides.
    ///
    /// # Errors
    /// When TLS or the resolver can't be set up.
    pub fn new(networks: Networks, authorities: &[CertificateDer<'static>]) -> Result<Self, EgressError> {
        let tls = tls::client(tls::system_roots_and(authorities)?)?;
        let discovery = Arc::new(Discovery::new(networks.clone(), tls.clone())?);
        let connector = Connector::new(Arc::clone(&discovery), networks, tls);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE)
            .set_host(false)
            .build(connector);
        Ok(Self { client, discovery })
    }

    async fn send(&self, ask: ToServer) -> Result<Response<Vec<u8>>, RemoteError> {
        let ToServer {
            destination,
            request,
            max_answer_bytes,
            ..
        } = ask;
        let target = self.discovery.find(&destination).await?;
        let request = address(request, &destination, &target.host_header)?;
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|error| failed(&error))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, max_answer_bytes).collect().await;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() {
                RemoteError::TooLong
            } else {
                RemoteError::Unreachable
            }
        })?;
        Ok(Response::from_parts(parts, body.to_bytes().into()))
    }
}

impl RemoteServers for Servers {
    fn ask(&self, ask: ToServer) -> BoxFuture<'_, Result<Response<Vec<u8>>, RemoteError>> {
        Box::pin(async move {
            let timeout = ask.timeout;
            tokio::time::timeout(timeout, self.send(ask))
                .await
                .unwrap_or(Err(RemoteError::Unreachable))
        })
    }
}

/// The request as it goes over the wire. Its authority is the server's name, which is what connections are kept by.
fn address(
    request: Request<Vec<u8>>,
    destination: &ruma::ServerName,
    host_header: &str,
) -> Result<Request<Full<Bytes>>, RemoteError> {
    let (mut parts, body) = request.into_parts();
    let mut uri = parts.uri.into_parts();
    let authority = Authority::try_from(destination.as_str()).map_err(|_| RemoteError::NoSuchServer)?;
    uri.authority = Some(authority);
    uri.scheme = Some(http::uri::Scheme::HTTPS);
    parts.uri = Uri::from_parts(uri).map_err(|_| RemoteError::NoSuchServer)?;
    let host = HeaderValue::try_from(host_header).map_err(|_| RemoteError::NoSuchServer)?;
    parts.headers.insert(header::HOST, host);
    parts.headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("Rohrpost/", env!("CARGO_PKG_VERSION"))),
    );
    Ok(Request::from_parts(parts, Full::new(Bytes::from(body))))
}

/// Why there was no connection, where the connector told.
fn failed(error: &(dyn Error + 'static)) -> RemoteError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<ConnectError>() {
            return match error {
                ConnectError::NotAllowed => RemoteError::NotAllowed,
                ConnectError::NoSuchServer => RemoteError::NoSuchServer,
                ConnectError::Failed => RemoteError::Unreachable,
            };
        }
        cause = error.source();
    }
    RemoteError::Unreachable
}

#[cfg(test)]
pub(crate) mod tests;
