//! `POST /_rohrpost/client/v1/oauth/sso/check`
//!
//! Says where a program wants its user to be sent back to.

use http::Method;
use rohrpost_core::{
    Result,
    oauth::sso::{self, Target},
};
use serde::{Deserialize, Serialize};

use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct CheckSso {
    redirect_url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Leads {
    /// A web page, by host and port.
    Site(String),
    /// A program on the same device, by its scheme, or by the address it listens on.
    Program(String),
}

impl OwnEndpoint for CheckSso {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/oauth/sso/check";
    type Answer = Leads;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn check_sso(
    Public { server, .. }: Public,
    Own(asked): Own<CheckSso>,
) -> Result<Answer<Leads>> {
    Ok(Answer(match sso::target(&server, &asked.redirect_url)? {
        Target::Site(host) => Leads::Site(host),
        Target::Program(name) => Leads::Program(name),
    }))
}
