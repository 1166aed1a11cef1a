//! `POST /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{device_id}/events`
//!
//! What was sent to the caller's dehydrated device. Not in the specification yet (MSC3814).

use rohrpost_core::{Result, encryption::dehydrated_device};
use ruma::{
    api::client::dehydrated_device::get_events::unstable::{Request, Response},
    serde::Raw,
};
use serde_json::{json, value::RawValue};

use crate::call::Authed;

pub(crate) async fn events(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let (messages, next_batch) =
        dehydrated_device::events(&server, caller, request.device_id, request.next_batch).await?;
    let mut events = Vec::with_capacity(messages.len());
    for message in messages {
        let content: Box<RawValue> = serde_json::from_str(&message.content)?;
        let event = json!({ "type": message.kind, "sender": message.sender, "content": content });
        events.push(Raw::new(&event)?.cast_unchecked());
    }
    let mut response = Response::new(events);
    response.next_batch = next_batch;
    Ok(response)
}
