//! `POST /_rohrpost/client/v1/oauth/link`
//!
//! The user lets the device in or refuses it.

use http::Method;
use rohrpost_core::{
    Result,
    oauth::{device, page::PageSecret},
};
use serde::Deserialize;

use crate::{
    call::Public,
    rohrpost::own::{Answer, Empty, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct Link {
    session: String,
    user_code: String,
    allow: bool,
}

impl OwnEndpoint for Link {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/oauth/link";
    type Answer = Empty;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn link(Public { server, .. }: Public, Own(asked): Own<Link>) -> Result<Answer<Empty>> {
    let secret = PageSecret(asked.session);
    device::decide(&server, &secret, &asked.user_code, asked.allow).await?;
    Ok(Answer(Empty {}))
}
