//! The route table: which handler answers which path, and who may call it.
//!
//! Methods and paths come from `ruma`'s endpoint types. A path is registered in all its versions, so that
//! `/r0/` and unstable spellings work where `ruma` knows them.

use std::{borrow::Cow, collections::BTreeMap, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, RawPathParams, Request, State},
    handler::Handler,
    response::IntoResponse,
    routing::{MethodFilter, MethodRouter},
};
use bytes::Bytes;
use http::{Method, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use rohrpost_core::{
    Caller, Refusal, Server,
    appservices::act::ActAs,
    caller::{authenticate_as, authenticate_even_locked, authenticate_guest_too},
    limits::Kind,
};
use ruma::api::{
    IncomingRequest, IncomingRequestExt,
    error::{DeserializationError, FromHttpRequestError},
    path_builder::PathBuilder,
};

use crate::{
    call::{Authed, Call, Public},
    error::{ApiError, render},
    guests,
};

/// Largest JSON body: a full event with some room around it, or many keys.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// Largest JSON body where no access token is needed: nothing that belongs there is nearly as large.
const MAX_PUBLIC_BODY_BYTES: usize = 64 * 1024;
/// Longest time for a body to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time for a request, its body included. What waits on purpose or streams is registered with
/// [`Routes::raw`] and keeps time itself.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// Who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever has a valid access token.
    Authed,
    /// Everybody.
    Public,
    /// Administrators of this server.
    Administrator,
    /// Other servers, by their signature.
    Server,
}

/// One row of the route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path template, such as `/_matrix/client/v3/rooms/{room_id}/leave`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
}

/// The routes of a part of the API.
#[derive(Default)]
pub(crate) struct Routes {
    methods: BTreeMap<&'static str, MethodRouter<Arc<Server>>>,
    table: Vec<Route>,
}

impl Routes {
    /// An endpoint that needs an access token.
    pub(crate) fn authed<R, F, Fut>(&mut self, handler: F)
    where
        R: IncomingRequest + Send + 'static,
        F: Fn(Authed, R) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<R::OutgoingResponse, Refusal>> + Send,
    {
        self.token_endpoint(Access::Authed, handler);
    }

    /// An endpoint for administrators of this server.
    pub(crate) fn administrator<R, F, Fut>(&mut self, handler: F)
    where
        R: IncomingRequest + Send + 'static,
        F: Fn(Authed, R) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<R::OutgoingResponse, Refusal>> + Send,
    {
        self.token_endpoint(Access::Administrator, handler);
    }

    fn token_endpoint<R, F, Fut>(&mut self, access: Access, handler: F)
    where
        R: IncomingRequest + Send + 'static,
        F: Fn(Authed, R) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<R::OutgoingResponse, Refusal>> + Send,
    {
        self.endpoint::<R, _, _>(access, move |received: Received<R>| {
            let handler = handler.clone();
            async move {
                let caller = received.caller.ok_or(Refusal::MissingToken)?;
                if R::RATE_LIMITED {
                    received.server.limit(Kind::General, caller.user_id.as_str())?;
                }
                let request = received.request?;
                Ok(handler(
                    Authed {
                        server: received.server,
                        caller,
                        call: received.call,
                    },
                    request,
                )
                .await?)
            }
        });
    }

    /// An endpoint that everybody may call. A token that came along but isn't valid is no obstacle.
    pub(crate) fn public<R, F, Fut>(&mut self, handler: F)
    where
        R: IncomingRequest + Send + 'static,
        F: Fn(Public, R) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<R::OutgoingResponse, Refusal>> + Send,
    {
        self.endpoint::<R, _, _>(Access::Public, move |received: Received<R>| {
            let handler = handler.clone();
            async move {
                let Received {
                    server,
                    caller,
                    call,
                    request,
                } = received;
                Ok(handler(Public { server, caller, call }, request?).await?)
            }
        });
    }

    fn endpoint<R, F, Fut>(&mut self, access: Access, handler: F)
    where
        R: IncomingRequest + Send + 'static,
        F: Fn(Received<R>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<R::OutgoingResponse, ApiError>> + Send,
    {
        let mut paths: Vec<&'static str> = R::PATH_BUILDER.all_paths().collect();
        // "If the state key is an empty string the trailing slash on this endpoint is optional."
        let without_key: Vec<&'static str> = paths
            .iter()
            .filter_map(|path| path.strip_suffix("{state_key}"))
            .collect();
        for path in without_key {
            paths.extend([path, path.trim_end_matches('/')]);
        }
        for path in paths {
            let operation: &'static str = operation(&R::METHOD, path);
            let handler = handler.clone();
            let answer = move |State(server): State<Arc<Server>>, params: RawPathParams, request: Request| async move {
                let answered = async {
                    let received = receive::<R>(server, params, (operation, access), request).await?;
                    handler(received).await
                };
                // Like a caller who goes away: a unit of work that began is done wholly or not at all.
                let answered = tokio::time::timeout(REQUEST_TIMEOUT, answered).await;
                answered
                    .unwrap_or(Err(ApiError::Overdue))
                    .map_or_else(IntoResponse::into_response, render)
            };
            self.raw(R::METHOD, path, access, answer);
        }
    }

    /// A handler that reads and answers HTTP itself, for what is streamed or isn't of the specification.
    pub(crate) fn raw<H, T>(&mut self, method: Method, path: &'static str, access: Access, handler: H)
    where
        H: Handler<T, Arc<Server>>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).expect("endpoints use ordinary methods");
        let methods = self.methods.remove(path).unwrap_or_default();
        self.methods.insert(path, methods.on(filter, handler));
        self.table.push(Route { method, path, access });
    }

    /// The router, without fallbacks.
    pub(crate) fn into_router(self) -> Router<Arc<Server>> {
        let no_method = |_: Method| async { ApiError::NoMethod };
        self.methods
            .into_iter()
            .fold(Router::new(), |router, (path, methods)| {
                router.route(path, methods.fallback(no_method))
            })
    }

    /// The table.
    pub(crate) fn into_table(self) -> Vec<Route> {
        self.table
    }
}

/// `METHOD path`. Leaked: there are as many as routes, and they live as long as the program.
fn operation(method: &Method, path: &str) -> &'static str {
    Box::leak(format!("{method} {path}").into_boxed_str())
}

/// A request that arrived. What is wrong with it is told only after the token was looked at.
struct Received<R> {
    server: Arc<Server>,
    /// Is there unless the endpoint is public.
    caller: Option<Caller>,
    call: Call,
    request: Result<R, ApiError>,
}

async fn receive<R: IncomingRequest>(
    server: Arc<Server>,
    params: RawPathParams,
    (operation, access): (&'static str, Access),
    request: Request,
) -> Result<Received<R>, ApiError> {
    let (parts, body) = request.into_parts();
    // Nothing of the body is read for those who may not call.
    let act_as = act_as(parts.uri.query());
    let token = token(&server, &parts.headers, parts.uri.query());
    let caller = caller(&server, (operation, access), token.as_deref(), &act_as).await?;
    let max_bytes = if access == Access::Public {
        MAX_PUBLIC_BODY_BYTES
    } else {
        MAX_BODY_BYTES
    };
    let address = address(&parts.extensions);
    let body = read_body(body, max_bytes).await?;
    let call = Call {
        address,
        operation,
        body: body.clone(),
    };
    let request = parse::<R>(&params, http::Request::from_parts(parts, &*body));
    Ok(Received {
        server,
        caller,
        call,
        request,
    })
}

/// Who calls, if they may.
async fn caller(
    server: &Arc<Server>,
    (operation, access): (&str, Access),
    token: Option<&str>,
    act_as: &ActAs,
) -> Result<Option<Caller>, Refusal> {
    let is_sign_out = operation.ends_with("/logout") || operation.ends_with("/logout/all");
    let found = match token {
        // "All but the following": a locked account can still be signed out of.
        Some(token) if is_sign_out => authenticate_even_locked(server, token)
            .await
            .map(|(caller, _)| Some(caller)),
        Some(token) if guests::may(operation) => {
            authenticate_guest_too(server, token, act_as).await.map(Some)
        }
        Some(token) => authenticate_as(server, token, act_as).await.map(Some),
        None => Ok(None),
    };
    match (access, found) {
        (_, Err(Refusal::Store(error))) => Err(Refusal::Store(error)),
        // Who isn't signed in may change a password, too; whoever says they are, must be.
        (Access::Public, Err(refusal)) if operation.ends_with("/account/password") => Err(refusal),
        (Access::Public, found) => Ok(found.unwrap_or(None)),
        (_, Ok(None)) => Err(Refusal::MissingToken),
        (Access::Administrator, Ok(Some(caller))) if !caller.administrator => Err(Refusal::Forbidden(
            "this is for administrators of this server".to_owned(),
        )),
        (_, found) => found,
    }
}

/// The address of the peer, from the socket.
pub(crate) fn address(extensions: &http::Extensions) -> std::net::IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(
        std::net::IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
        |ConnectInfo(peer)| peer.ip().to_canonical(),
    )
}

/// The access token of a request: that of its header, or that of its address where the operator takes those. An
/// address is not looked at when there is a header, whatever stands in it.
pub(crate) fn token<'a>(
    server: &Server,
    headers: &'a http::HeaderMap,
    query: Option<&'a str>,
) -> Option<Cow<'a, str>> {
    if headers.contains_key(header::AUTHORIZATION) || !server.settings.query_tokens {
        return bearer(headers).map(Cow::Borrowed);
    }
    let pairs = query.unwrap_or_default().split('&');
    let mut tokens = pairs.filter_map(|pair| pair.strip_prefix("access_token="));
    let (first, None) = (tokens.next()?, tokens.next()) else {
        return Some(Cow::Borrowed(""));
    };
    let token = percent_encoding::percent_decode_str(first).decode_utf8();
    Some(token.unwrap_or(Cow::Borrowed("")))
}

/// The access token of a request in one `Authorization: Bearer` header. Of several none is taken.
pub(crate) fn bearer(headers: &http::HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (first, None) = (values.next()?, values.next()) else {
        return Some("");
    };
    let (scheme, token) = first.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The JSON body of a request with an access token, for what is registered with [`Routes::raw`].
pub(crate) async fn read_json<T: serde::de::DeserializeOwned>(body: axum::body::Body) -> Result<T, ApiError> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let body = if body.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        body
    };
    check_body(&body)?;
    serde_json::from_slice(&body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            Refusal::BadJson(format!("the body is not as it should be: {error}")).into()
        }
        _ => ApiError::NotJson("the body is not JSON".to_owned()),
    })
}

/// As whom an application service wants to act, by the query of its request.
pub(crate) fn act_as(query: Option<&str>) -> ActAs {
    let mut act_as = ActAs::default();
    let pairs = query.unwrap_or_default().split('&');
    for (name, value) in pairs.filter_map(|pair| pair.split_once('=')) {
        let value = || {
            percent_encoding::percent_decode_str(value)
                .decode_utf8_lossy()
                .into_owned()
        };
        match name {
            "user_id" => act_as.user_id = Some(value()),
            "device_id" | "org.matrix.msc3202.device_id" => act_as.device_id = Some(value().into()),
            _ => {}
        }
    }
    act_as
}

/// The whole body, within its limits.
pub(crate) async fn read_body(body: axum::body::Body, max_bytes: usize) -> Result<Bytes, ApiError> {
    let collected = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, max_bytes).collect());
    match collected.await {
        Err(_) => Err(ApiError::TooSlow),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Refusal::TooLarge(format!("the body is larger than {max_bytes} bytes")).into())
        }
        Ok(Err(_)) => Err(Refusal::Unknown("the request broke off".to_owned()).into()),
    }
}

/// Refuses a query string with a NUL, as such or as JSON writes it: PostgreSQL can't keep or compare it, and no text
/// has a use for it.
pub(crate) fn check_query(query: Option<&str>) -> Result<(), Refusal> {
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(query.unwrap_or_default()).collect();
    if decoded.contains(&0) || decoded.windows(6).any(|window| window == br"\u0000") {
        return Err(Refusal::InvalidParam(
            "a query parameter has a NUL character".to_owned(),
        ));
    }
    Ok(())
}

/// Refuses a body with a NUL: it can't be kept by PostgreSQL, and no text has a use for it. The check only runs where
/// one is in sight.
fn check_body(body: &[u8]) -> Result<(), ApiError> {
    if body.windows(6).any(|window| window == br"\u0000") {
        let value =
            serde_json::from_slice(body).map_err(|_| ApiError::NotJson("the body is not JSON".to_owned()))?;
        rohrpost_room::check_json(&value).map_err(Refusal::from)?;
    }
    Ok(())
}

pub(crate) fn parse<R: IncomingRequest>(
    params: &RawPathParams,
    request: http::Request<&[u8]>,
) -> Result<R, ApiError> {
    check_body(request.body())?;
    parse_parts(params, request)
}

/// The same for a body whose parts are each looked at by whoever reads them, where one must not spoil the others.
pub(crate) fn parse_parts<R: IncomingRequest>(
    params: &RawPathParams,
    request: http::Request<&[u8]>,
) -> Result<R, ApiError> {
    let body = *request.body();
    let is_empty_post = body.is_empty() && matches!(R::METHOD, Method::POST | Method::PUT);
    // Many clients send no body where the specification wants an empty object.
    let request = if is_empty_post {
        request.map(|_| &b"{}"[..])
    } else {
        request
    };
    check_query(request.uri().query())?;
    let params: Vec<&str> = params.iter().map(|(_, value)| value).collect();
    if params.iter().any(|param| param.contains('\0')) {
        return Err(Refusal::InvalidParam("a part of the address has a NUL character".to_owned()).into());
    }
    let is_other = !body.is_empty() && !body.trim_ascii_start().starts_with(b"{");
    if is_other && reads_body::<R>(&request, &params) {
        // `serde` takes a list for an object, its members in the order of the fields.
        return Err(
            not_json(body).unwrap_or_else(|| Refusal::BadJson("the body is no object".to_owned()).into())
        );
    }
    R::try_from_http_request(request, &params).map_err(|error| match error {
        FromHttpRequestError::MethodMismatch { .. } => ApiError::NoMethod,
        FromHttpRequestError::Deserialization(DeserializationError::Query(error)) => {
            bad_address(&error.to_string())
        }
        error => not_json(body).unwrap_or_else(|| Refusal::BadJson(error.to_string()).into()),
    })
}

/// Whether an endpoint reads its body at all: those that have no use for one take anything.
fn reads_body<R: IncomingRequest>(request: &http::Request<&[u8]>, params: &[&str]) -> bool {
    let mut other = http::Request::new(&b"{"[..]);
    other.method_mut().clone_from(request.method());
    other.uri_mut().clone_from(request.uri());
    other.headers_mut().clone_from(request.headers());
    R::try_from_http_request(other, params).is_err()
}

/// The refusal of a body that isn't JSON. `None`: it is, or there is none.
fn not_json(body: &[u8]) -> Option<ApiError> {
    let is_json = body.is_empty() || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    (!is_json).then(|| ApiError::NotJson("the body is not JSON".to_owned()))
}

/// The refusal of a part of the address or of its query that is missing or can't be read.
pub(crate) fn bad_address(error: &str) -> ApiError {
    let text = format!("this address can't be read: {error}");
    if error.starts_with("missing field") {
        Refusal::MissingParam(text).into()
    } else {
        Refusal::InvalidParam(text).into()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::{body::Body, extract::Request};
    use http::StatusCode;
    use rohrpost_core::Refusal;
    use rohrpost_testkit::TestServer;
    use ruma::api::client::discovery::get_supported_versions;
    use tower::ServiceExt as _;

    use super::{Public, Routes};

    #[tokio::test]
    async fn a_request_that_takes_too_long_is_answered_all_the_same() {
        let server = TestServer::sqlite().await;
        let mut routes = Routes::default();
        routes.public(async |_: Public, _: get_supported_versions::Request| {
            pending::<Result<get_supported_versions::Response, Refusal>>().await
        });
        let router = routes.into_router().with_state(server.core());
        let request = Request::get("/_matrix/client/versions")
            .body(Body::empty())
            .expect("a request");
        // Time that nobody uses is left out from here on.
        tokio::time::pause();
        let answer = router.oneshot(request).await.expect("an answer");
        tokio::time::resume();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
