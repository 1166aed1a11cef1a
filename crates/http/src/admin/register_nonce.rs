//! `GET /_synapse/admin/v1/register`
//!
//! A nonce for the registration by shared secret. Not of the specification; bridges, bots and test tools know it.

use http::Method;
use rohrpost_core::{Result, shared_secret};
use serde::Serialize;

use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint},
};

pub(crate) struct GetNonce;

#[derive(Serialize)]
pub(crate) struct Nonce {
    nonce: String,
}

impl OwnEndpoint for GetNonce {
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/_synapse/admin/v1/register";
    type Answer = Nonce;

    fn parse(_: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        Ok(Self)
    }
}

pub(crate) async fn nonce(
    Public { server, .. }: Public,
    Own(GetNonce): Own<GetNonce>,
) -> Result<Answer<Nonce>> {
    Ok(Answer(Nonce {
        nonce: shared_secret::nonce(&server)?,
    }))
}
