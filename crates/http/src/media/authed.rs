//! What handlers that read and answer HTTP themselves are given: the server, who calls, and the request.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use http::request::Parts;
use rohrpost_core::{
    Caller, Refusal, Server,
    caller::{authenticate_as, authenticate_guest_too},
};
use ruma::api::{
    IncomingRequest, IncomingRequestExt as _,
    error::{DeserializationError, FromHttpRequestError},
};

use crate::{
    error::ApiError,
    guests,
    routes::{act_as, bad_address, token},
};

/// A request with a valid access token, its body not read yet.
pub(crate) struct RawAuthed {
    pub(crate) caller: Caller,
    params: Vec<String>,
}

impl FromRequestParts<Arc<Server>> for RawAuthed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, ApiError> {
        let token = token(server, &parts.headers, parts.uri.query()).ok_or(Refusal::MissingToken)?;
        let act_as = act_as(parts.uri.query());
        let path = parts
            .extensions
            .get::<MatchedPath>()
            .map_or("", MatchedPath::as_str);
        let caller = if guests::may(&format!("{} {path}", parts.method)) {
            authenticate_guest_too(server, &token, &act_as).await?
        } else {
            authenticate_as(server, &token, &act_as).await?
        };
        let params = RawPathParams::from_request_parts(parts, server).await;
        // What isn't UTF-8 names nothing.
        let params = params.map_err(|_| Refusal::not_found("file"))?;
        let params: Vec<String> = params.iter().map(|(_, value)| value.to_owned()).collect();
        Ok(Self { caller, params })
    }
}

impl RawAuthed {
    /// Reads path, query and headers as `ruma` does; the body counts as empty.
    pub(crate) fn parse<R: IncomingRequest>(&self, parts: Parts) -> Result<R, ApiError> {
        let has_nul = self.params.iter().any(|param| param.contains('\0'));
        let params: Vec<&str> = self.params.iter().map(String::as_str).collect();
        let request = http::Request::from_parts(parts, &[][..]);
        let parsed = R::try_from_http_request(request, &params);
        match parsed {
            Ok(request) if !has_nul => Ok(request),
            Ok(_) => {
                Err(Refusal::InvalidParam("a part of the address has a NUL character".to_owned()).into())
            }
            Err(FromHttpRequestError::Deserialization(DeserializationError::Query(error))) => {
                Err(bad_address(&error.to_string()))
            }
            Err(error) => Err(Refusal::InvalidParam(error.to_string()).into()),
        }
    }
}
