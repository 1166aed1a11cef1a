//! `POST /_rohrpost/client/v1/oauth/sign_in`
//!
//! Signs in to the pages, for a quarter of an hour.

use http::Method;
use rohrpost_core::{Result, accounts::password::Password, oauth::page};
use ruma::OwnedUserId;
use serde::{Deserialize, Serialize};

use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct SignIn {
    user: String,
    password: String,
}

#[derive(Serialize)]
pub(crate) struct Session {
    user_id: OwnedUserId,
    session: String,
}

impl OwnEndpoint for SignIn {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/oauth/sign_in";
    type Answer = Session;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn sign_in(
    Public { server, call, .. }: Public,
    Own(asked): Own<SignIn>,
) -> Result<Answer<Session>> {
    let password = Password::new(asked.password);
    let signed_in = page::sign_in(&server, call.address, &asked.user, &password).await?;
    Ok(Answer(Session {
        user_id: signed_in.user_id,
        session: signed_in.secret.0,
    }))
}
