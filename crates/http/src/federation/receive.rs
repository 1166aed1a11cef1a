//! Takes a request of another server in: first what it announces, then its body, then the proof, then its content.

use std::{future::Future, sync::Arc, time::Duration};

use axum::{
    extract::{RawPathParams, Request, State},
    response::{IntoResponse as _, Response},
};
use rohrpost_core::{
    Refusal, Server,
    federation::authenticate::{announced, authenticate},
};
use ruma::{
    OwnedServerName,
    api::{IncomingRequest, federation::authentication::ServerSignatures, path_builder::PathBuilder as _},
};

use crate::{
    error::{ApiError, render, render_v1},
    routes::{Access, Routes, address, parse, parse_parts, read_body},
};

/// Largest body: 50 events and 100 other pieces of news, each as large as it may be, with some room around them.
const MAX_BODY_BYTES: usize = 12 * 1024 * 1024;
/// Longest time for a request, its body included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// A request that another server signed.
#[derive(Clone)]
pub(crate) struct FromServer {
    pub(crate) server: Arc<Server>,
    /// Who made it, as its signature proves.
    pub(crate) origin: OwnedServerName,
}

/// How an answer is written.
type Render<T> = fn(T) -> Response;

/// How a request is read.
type Parse<R> = fn(&RawPathParams, http::Request<&[u8]>) -> Result<R, ApiError>;

impl Routes {
    /// An endpoint for other servers.
    pub(crate) fn federation<R, F, Fut>(&mut self, handler: F)
    where
        R: IncomingRequest<Authentication = ServerSignatures> + Send + 'static,
        F: Fn(FromServer, R) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<R::OutgoingResponse, Refusal>> + Send,
    {
        for path in R::PATH_BUILDER.all_paths() {
            self.federation_at(path, handler.clone(), (parse, render));
        }
    }

    /// An endpoint to which many things are sent at once, each of which is looked at by itself.
    pub(crate) fn federation_parts<R, F, Fut>(&mut self, handler: F)
    where
        R: IncomingRequest<Authentication = ServerSignatures> + Send + 'static,
        F: Fn(FromServer, R) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<R::OutgoingResponse, Refusal>> + Send,
    {
        for path in R::PATH_BUILDER.all_paths() {
            self.federation_at(path, handler.clone(), (parse_parts, render));
        }
    }

    /// The same endpoint in its first version, which answers `[200, {...}]`.
    pub(crate) fn federation_v1<R, F, Fut>(&mut self, path: &'static str, handler: F)
    where
        R: IncomingRequest<Authentication = ServerSignatures> + Send + 'static,
        F: Fn(FromServer, R) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<R::OutgoingResponse, Refusal>> + Send,
    {
        self.federation_at(path, handler, (parse, render_v1));
    }

    /// An endpoint for other servers that writes its answer itself.
    pub(crate) fn federation_raw<R, F, Fut>(&mut self, handler: F)
    where
        R: IncomingRequest<Authentication = ServerSignatures> + Send + 'static,
        F: Fn(FromServer, R) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, Refusal>> + Send,
    {
        for path in R::PATH_BUILDER.all_paths() {
            self.federation_at(path, handler.clone(), (parse, |answer| answer));
        }
    }

    fn federation_at<R, A, F, Fut>(
        &mut self,
        path: &'static str,
        handler: F,
        (parse, render): (Parse<R>, Render<A>),
    ) where
        R: IncomingRequest<Authentication = ServerSignatures> + Send + 'static,
        A: 'static,
        F: Fn(FromServer, R) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<A, Refusal>> + Send,
    {
        let answer = move |State(server): State<Arc<Server>>, params: RawPathParams, request: Request| async move {
            let answered = async {
                let (from, request) = receive::<R>(server, &params, request, parse).await?;
                Ok::<_, ApiError>(handler(from, request).await?)
            };
            tokio::time::timeout(REQUEST_TIMEOUT, answered)
                .await
                .unwrap_or(Err(ApiError::Overdue))
                .map_or_else(|error| error.into_response(), render)
        };
        self.raw(R::METHOD, path, Access::Server, answer);
    }
}

async fn receive<R: IncomingRequest>(
    server: Arc<Server>,
    params: &RawPathParams,
    request: Request,
    parse: Parse<R>,
) -> Result<(FromServer, R), ApiError> {
    let (parts, body) = request.into_parts();
    let announced = announced(&server, &parts.headers, address(&parts.extensions))?;
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let request = http::Request::from_parts(parts, &*body);
    let origin = authenticate(&server, announced, &request).await?;
    let request = parse(params, request)?;
    Ok((FromServer { server, origin }, request))
}
