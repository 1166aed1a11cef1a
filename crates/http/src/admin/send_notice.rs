//! `POST /_rohrpost/admin/v1/notices`
//!
//! Sends somebody a notice of the server: `{"user_id": "@anna:behoerde.example", "text": "..."}`.

use http::Method;
use rohrpost_core::{Result, notices};
use ruma::{OwnedEventId, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct Send {
    user_id: OwnedUserId,
    text: String,
}

#[derive(Serialize)]
pub(crate) struct Sent {
    event_id: OwnedEventId,
}

impl OwnEndpoint for Send {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/admin/v1/notices";
    type Answer = Sent;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn send(
    Authed { server, .. }: Authed,
    Own(Send { user_id, text }): Own<Send>,
) -> Result<Answer<Sent>> {
    let event_id = notices::send(&server, user_id, text).await?;
    Ok(Answer(Sent { event_id }))
}
