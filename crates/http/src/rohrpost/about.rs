//! `GET /_rohrpost/client/v1/about`
//!
//! What a sign-in screen has to know of this server.

use http::Method;
use rohrpost_core::{Result, settings::Registration};
use rohrpost_room::Encryption;
use ruma::OwnedServerName;
use serde::Serialize;

use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint},
};

pub(crate) struct About;

#[derive(Serialize)]
pub(crate) struct Description {
    server_name: OwnedServerName,
    registration: &'static str,
    password_min_length: usize,
    encryption: &'static str,
}

impl OwnEndpoint for About {
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/_rohrpost/client/v1/about";
    type Answer = Description;

    fn parse(_: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        Ok(Self)
    }
}

pub(crate) async fn about(
    Public { server, .. }: Public,
    Own(About): Own<About>,
) -> Result<Answer<Description>> {
    let settings = &server.settings;
    Ok(Answer(Description {
        server_name: settings.server_name.clone(),
        registration: match settings.registration {
            Registration::Invite => "invite",
            Registration::Email => "email",
            Registration::Open => "open",
            Registration::Closed => "closed",
        },
        password_min_length: settings.password_min_length,
        encryption: match settings.encryption {
            Encryption::Required => "required",
            Encryption::Default => "default",
            Encryption::Optional => "optional",
        },
    }))
}
