//! `POST /_rohrpost/client/v1/oauth/authorize`
//!
//! The user consents or refuses. Answers where they are to be sent.

use http::Method;
use rohrpost_core::{
    Result,
    oauth::{authorize, page::PageSecret},
};
use serde::{Deserialize, Serialize};

use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct Authorize {
    query: String,
    session: String,
    allow: bool,
}

#[derive(Serialize)]
pub(crate) struct Back {
    pub(super) redirect_to: String,
}

impl OwnEndpoint for Authorize {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/oauth/authorize";
    type Answer = Back;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn authorize(
    Public { server, .. }: Public,
    Own(asked): Own<Authorize>,
) -> Result<Answer<Back>> {
    let secret = PageSecret(asked.session);
    let redirect_to = authorize::decide(&server, &asked.query, &secret, asked.allow).await?;
    Ok(Answer(Back { redirect_to }))
}
