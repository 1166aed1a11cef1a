//! `POST /_synapse/admin/v1/register`
//!
//! Makes an account for a program that knows the shared secret. Not of the specification; bridges, bots and test tools
//! know it.

use http::Method;
use rohrpost_core::{
    Result,
    accounts::sign_in::NewDevice,
    shared_secret::{self, RegisterWithSecret},
};
use ruma::{OwnedDeviceId, OwnedServerName, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct Register {
    nonce: String,
    username: String,
    password: String,
    #[serde(default)]
    admin: bool,
    user_type: Option<String>,
    mac: String,
    #[serde(default)]
    inhibit_login: bool,
}

#[derive(Serialize)]
pub(crate) struct Registered {
    user_id: OwnedUserId,
    home_server: OwnedServerName,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<OwnedDeviceId>,
}

impl OwnEndpoint for Register {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_synapse/admin/v1/register";
    type Answer = Registered;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn register(
    Public { server, .. }: Public,
    Own(request): Own<Register>,
) -> Result<Answer<Registered>> {
    let wanted = RegisterWithSecret {
        nonce: request.nonce,
        username: request.username,
        password: request.password.into(),
        administrator: request.admin,
        user_type: request.user_type,
        mac: request.mac,
        device: (!request.inhibit_login).then(NewDevice::default),
    };
    let made = shared_secret::register(&server, wanted).await?;
    let (access_token, device_id) = made
        .signed_in
        .map(|signed_in| (signed_in.tokens.access, signed_in.device_id))
        .unzip();
    Ok(Answer(Registered {
        user_id: made.user_id,
        home_server: server.name().to_owned(),
        access_token,
        device_id,
    }))
}
