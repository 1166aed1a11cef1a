//! `PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}`
//!
//! Says that the caller types, or stopped. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidtypinguserid)

use rohrpost_core::{
    Result,
    personal::{
        own,
        typing::{self, SetTyping},
    },
};
use ruma::api::{
    IncomingRequest, Metadata,
    client::typing::create_typing_event::v3::{Request as Full, Response, Typing},
    error::DeserializationError,
};
use serde_json::{Value, json};

use crate::call::Authed;

/// How long somebody types who doesn't say.
const DEFAULT_TIMEOUT_MS: u32 = 30_000;

/// The request. The specification asks for no `timeout`, `ruma` does.
pub(crate) struct Request(Full);

impl Metadata for Request {
    const METHOD: http::Method = Full::METHOD;
    const RATE_LIMITED: bool = Full::RATE_LIMITED;
    type Authentication = <Full as Metadata>::Authentication;
    type PathBuilder = <Full as Metadata>::PathBuilder;
    const PATH_BUILDER: Self::PathBuilder = Full::PATH_BUILDER;
}

impl IncomingRequest for Request {
    type EndpointError = <Full as IncomingRequest>::EndpointError;
    type OutgoingResponse = Response;

    fn try_from_http_request_inner(
        request: http::Request<&[u8]>,
        path_args: &[&str],
    ) -> Result<Self, DeserializationError> {
        let mut body: Value = serde_json::from_slice(request.body())?;
        if let Some(body) = body.as_object_mut()
            && body.get("typing") == Some(&Value::Bool(true))
        {
            body.entry("timeout").or_insert(json!(DEFAULT_TIMEOUT_MS));
        }
        let body = serde_json::to_vec(&body)?;
        Full::try_from_http_request_inner(request.map(|_| &*body), path_args).map(Self)
    }
}

pub(crate) async fn set_typing(
    Authed { server, caller, .. }: Authed,
    Request(request): Request,
) -> Result<Response> {
    own(&caller, &request.user_id)?;
    let timeout = match request.state {
        Typing::Yes(info) => Some(info.timeout),
        Typing::No => None,
    };
    typing::set(
        &server,
        SetTyping {
            caller,
            room_id: request.room_id,
            timeout,
        },
    )
    .await?;
    Ok(Response::new())
}
