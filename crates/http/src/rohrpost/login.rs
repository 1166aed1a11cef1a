//! `POST /_rohrpost/client/v1/login`
//!
//! Signs in with a password, for the web client of this server: also where other programs must not ask for passwords.

use http::Method;
use rohrpost_core::{
    Result,
    accounts::{
        login::{self, Login},
        password::Password,
        sign_in::NewDevice,
    },
};
use ruma::{OwnedDeviceId, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct SignIn {
    user: String,
    password: String,
    device_id: Option<OwnedDeviceId>,
    initial_device_display_name: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct SignedIn {
    user_id: OwnedUserId,
    device_id: OwnedDeviceId,
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl OwnEndpoint for SignIn {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/login";
    type Answer = SignedIn;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn login(
    Public { server, call, .. }: Public,
    Own(asked): Own<SignIn>,
) -> Result<Answer<SignedIn>> {
    let login = Login {
        user: asked.user,
        password: Password::new(asked.password),
        device: NewDevice {
            device_id: asked.device_id,
            display_name: asked.initial_device_display_name,
            with_refresh_token: true,
        },
        address: call.address,
    };
    let signed_in = login::login(&server, login).await?;
    let expires_in = signed_in.tokens.expires_in();
    Ok(Answer(SignedIn {
        user_id: signed_in.user_id,
        device_id: signed_in.device_id,
        access_token: signed_in.tokens.access,
        expires_in_ms: expires_in.map(|lifetime| lifetime.as_millis() as u64),
        refresh_token: signed_in.tokens.refresh,
    }))
}
