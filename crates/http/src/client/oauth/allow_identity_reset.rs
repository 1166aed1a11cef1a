//! `POST /_rohrpost/client/v1/oauth/account/allow_identity_reset`
//!
//! Allows the identity of the user to be replaced, once, within ten minutes.

use http::Method;
use rohrpost_core::{
    Result,
    oauth::{manage, page::PageSecret},
};
use serde::Deserialize;

use crate::{
    call::Public,
    rohrpost::own::{Answer, Empty, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct AllowIdentityReset {
    session: String,
}

impl OwnEndpoint for AllowIdentityReset {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/oauth/account/allow_identity_reset";
    type Answer = Empty;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn allow_identity_reset(
    Public { server, .. }: Public,
    Own(asked): Own<AllowIdentityReset>,
) -> Result<Answer<Empty>> {
    manage::allow_identity_reset(&server, &PageSecret(asked.session)).await?;
    Ok(Answer(Empty {}))
}
