//! `POST /_rohrpost/client/v1/oauth/account/rename`
//!
//! Changes the name that others see.

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
pub(crate) struct Rename {
    session: String,
    display_name: String,
}

impl OwnEndpoint for Rename {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/oauth/account/rename";
    type Answer = Empty;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn rename(Public { server, .. }: Public, Own(asked): Own<Rename>) -> Result<Answer<Empty>> {
    manage::rename(&server, &PageSecret(asked.session), asked.display_name).await?;
    Ok(Answer(Empty {}))
}
