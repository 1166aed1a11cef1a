//! `GET /_matrix/client/unstable/io.element.msc4388/rendezvous`
//!
//! Says whether notes can be left here.

use http::Method;
use rohrpost_core::Result;
use serde::Serialize;

use super::JSON_PATH;
use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint},
};

pub(crate) struct Discover;

#[derive(Serialize)]
pub(crate) struct Offer {
    create_available: bool,
}

impl OwnEndpoint for Discover {
    const METHOD: Method = Method::GET;
    const PATH: &'static str = JSON_PATH;
    type Answer = Offer;

    fn parse(_: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        Ok(Self)
    }
}

pub(crate) async fn discover(_: Public, _: Own<Discover>) -> Result<Answer<Offer>> {
    Ok(Answer(Offer {
        create_available: true,
    }))
}
