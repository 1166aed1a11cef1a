//! `GET /_matrix/client/v3/voip/turnServer`
//!
//! Credentials for a relay. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3voipturnserver)
//!
//! Without a relay the answer is empty, which is what clients take for that.

use rohrpost_core::{Result, rtc::turn};
use ruma::api::client::voip::get_turn_server_info::v3::Request;
use serde::Serialize;

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Answering},
};

#[derive(Serialize)]
pub(crate) struct Relay {
    username: String,
    password: String,
    uris: Vec<String>,
    ttl: u64,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Found {
    Relay(Relay),
    Nothing {},
}

pub(crate) async fn turn_server(
    Authed { server, .. }: Authed,
    _: Answering<Request, Found>,
) -> Result<Answer<Found>> {
    Ok(Answer(match turn::credentials(&server)? {
        Some(credentials) => Found::Relay(Relay {
            username: credentials.username,
            password: credentials.password,
            uris: credentials.uris,
            ttl: credentials.lifetime.as_secs(),
        }),
        None => Found::Nothing {},
    }))
}
