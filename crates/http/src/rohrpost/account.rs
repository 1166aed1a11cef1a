//! `GET /_rohrpost/client/v1/account`
//!
//! What the web client has to know of the account that is signed in.

use http::Method;
use rohrpost_core::Result;
use ruma::OwnedUserId;
use serde::Serialize;

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Own, OwnEndpoint},
};

pub(crate) struct Account;

#[derive(Serialize)]
pub(crate) struct Description {
    user_id: OwnedUserId,
    administrator: bool,
}

impl OwnEndpoint for Account {
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/_rohrpost/client/v1/account";
    type Answer = Description;

    fn parse(_: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        Ok(Self)
    }
}

pub(crate) async fn account(
    Authed { caller, .. }: Authed,
    Own(Account): Own<Account>,
) -> Result<Answer<Description>> {
    Ok(Answer(Description {
        user_id: caller.user_id,
        administrator: caller.administrator,
    }))
}
