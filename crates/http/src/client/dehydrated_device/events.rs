//! `POST` and `GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{device_id}/events`
//!
//! What was sent to the caller's dehydrated device. Not in the specification yet (MSC3814). The proposal's first text
//! has `POST` with the token in the body, which matrix-sdk-crypto's types follow; matrix-js-sdk follows the later one,
//! which has `GET` with the token as `from` in the query.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rohrpost_core::{Caller, Result, Server, encryption::dehydrated_device};
use ruma::api::{
    IncomingRequest, Metadata, client::dehydrated_device::get_events::unstable::Request,
    error::DeserializationError,
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Answering},
};

/// A page of messages. `ruma` writes `null` where there is no token, and matrix-js-sdk begins anew at that.
#[derive(Serialize)]
pub(crate) struct Page {
    events: Vec<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_batch: Option<String>,
}

#[derive(Serialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    sender: String,
    content: Box<RawValue>,
}

/// The request as a `GET`.
pub(crate) struct ByQuery(Request);

impl Metadata for ByQuery {
    const METHOD: http::Method = http::Method::GET;
    const RATE_LIMITED: bool = Request::RATE_LIMITED;
    type Authentication = <Request as Metadata>::Authentication;
    type PathBuilder = <Request as Metadata>::PathBuilder;
    const PATH_BUILDER: Self::PathBuilder = Request::PATH_BUILDER;
}

impl IncomingRequest for ByQuery {
    type EndpointError = <Request as IncomingRequest>::EndpointError;
    type OutgoingResponse = Answer<Page>;

    fn try_from_http_request_inner(
        request: http::Request<&[u8]>,
        path_args: &[&str],
    ) -> std::result::Result<Self, DeserializationError> {
        let device_id = path_args.first().copied().unwrap_or_default();
        let mut asked = Request::new(device_id.into());
        let query = request.uri().query().unwrap_or_default();
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        asked.next_batch = pairs
            .find(|(name, _)| *name == "from")
            .map(|(_, token)| percent_decode_str(token).decode_utf8_lossy().into_owned());
        Ok(Self(asked))
    }
}

pub(crate) async fn events_by_query(
    Authed { server, caller, .. }: Authed,
    ByQuery(request): ByQuery,
) -> Result<Answer<Page>> {
    page(&server, caller, request).await
}

pub(crate) async fn events(
    Authed { server, caller, .. }: Authed,
    request: Answering<Request, Page>,
) -> Result<Answer<Page>> {
    page(&server, caller, request.0).await
}

async fn page(server: &Arc<Server>, caller: Caller, request: Request) -> Result<Answer<Page>> {
    let (messages, next_batch) =
        dehydrated_device::events(server, caller, request.device_id, request.next_batch).await?;
    let events = messages
        .into_iter()
        .map(|message| {
            Ok(Message {
                kind: message.kind,
                sender: message.sender.to_string(),
                content: serde_json::from_str(&message.content)?,
            })
        })
        .collect::<Result<_>>()?;
    Ok(Answer(Page { events, next_batch }))
}
