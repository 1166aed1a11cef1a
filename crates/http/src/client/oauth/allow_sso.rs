//! `POST /_rohrpost/client/v1/oauth/sso`
//!
//! The user lets a program in that doesn't know OAuth 2.0. Answers where they are to be sent, with a token.

use http::Method;
use rohrpost_core::{
    Result,
    oauth::{page::PageSecret, sso},
};
use serde::Deserialize;

use super::authorize::Back;
use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct AllowSso {
    redirect_url: String,
    session: String,
}

impl OwnEndpoint for AllowSso {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/oauth/sso";
    type Answer = Back;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn allow_sso(
    Public { server, .. }: Public,
    Own(asked): Own<AllowSso>,
) -> Result<Answer<Back>> {
    let secret = PageSecret(asked.session);
    let redirect_to = sso::allow(&server, &asked.redirect_url, &secret).await?;
    Ok(Answer(Back { redirect_to }))
}
