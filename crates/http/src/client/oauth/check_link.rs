//! `POST /_rohrpost/client/v1/oauth/link/check`
//!
//! Says who asks with the code that a device shows.

use http::Method;
use rohrpost_core::{
    Result,
    oauth::{Client, device, page::PageSecret},
};
use ruma::OwnedDeviceId;
use serde::{Deserialize, Serialize};

use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct CheckLink {
    session: String,
    user_code: String,
}

/// A program that wants to sign somebody in.
#[derive(Serialize)]
pub(crate) struct Asker {
    name: String,
    /// The host that stands behind it: what people can trust.
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tos_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_uri: Option<String>,
}

impl From<Client> for Asker {
    fn from(client: Client) -> Self {
        Self {
            name: client.name(),
            host: client.host(),
            tos_uri: client.tos_uri,
            policy_uri: client.policy_uri,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Question {
    client: Asker,
    device_id: OwnedDeviceId,
}

impl OwnEndpoint for CheckLink {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/oauth/link/check";
    type Answer = Question;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn check_link(
    Public { server, .. }: Public,
    Own(asked): Own<CheckLink>,
) -> Result<Answer<Question>> {
    let waiting = device::look(&server, &PageSecret(asked.session), &asked.user_code).await?;
    Ok(Answer(Question {
        client: waiting.client.into(),
        device_id: waiting.device_id,
    }))
}
