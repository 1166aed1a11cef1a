//! `POST /_rohrpost/client/v1/oauth/account/close`
//!
//! Closes the account for good.

use http::Method;
use rohrpost_core::{
    Result,
    accounts::{deactivate::Traces, password::Password},
    oauth::{manage, page::PageSecret},
};
use serde::Deserialize;

use crate::{
    call::Public,
    rohrpost::own::{Answer, Empty, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct CloseAccount {
    session: String,
    password: String,
    erase: bool,
}

impl OwnEndpoint for CloseAccount {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/oauth/account/close";
    type Answer = Empty;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn close_account(
    Public { server, .. }: Public,
    Own(asked): Own<CloseAccount>,
) -> Result<Answer<Empty>> {
    let traces = if asked.erase { Traces::Erase } else { Traces::Keep };
    let password = Password::new(asked.password);
    manage::close(&server, &PageSecret(asked.session), &password, traces).await?;
    Ok(Answer(Empty {}))
}
