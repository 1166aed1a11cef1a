//! `POST /_rohrpost/client/v1/oauth/sign_out`
//!
//! Signs out of the pages.

use http::Method;
use rohrpost_core::{
    Result,
    oauth::page::{self, PageSecret},
};
use serde::Deserialize;

use crate::{
    call::Public,
    rohrpost::own::{Answer, Empty, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct SignOut {
    session: String,
}

impl OwnEndpoint for SignOut {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/oauth/sign_out";
    type Answer = Empty;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn sign_out(
    Public { server, .. }: Public,
    Own(asked): Own<SignOut>,
) -> Result<Answer<Empty>> {
    page::sign_out(&server, &PageSecret(asked.session)).await?;
    Ok(Answer(Empty {}))
}
