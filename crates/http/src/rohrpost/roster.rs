//! `GET /_rohrpost/client/v1/roster`
//!
//! The signed roster of the federation, by which programs show to which authority somebody belongs. They verify it
//! themselves: whose signatures count is theirs to know, and not this server's to tell.

use http::Method;
use rohrpost_core::{
    Result,
    federation::roster::{Validity, show},
};
use ruma::MilliSecondsSinceUnixEpoch;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Own, OwnEndpoint},
};

pub(crate) struct Roster;

#[derive(Serialize)]
pub(crate) struct Shown {
    document: Box<RawValue>,
    state: &'static str,
    closes_at: MilliSecondsSinceUnixEpoch,
}

impl OwnEndpoint for Roster {
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/_rohrpost/client/v1/roster";
    type Answer = Shown;

    fn parse(_: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        Ok(Self)
    }
}

pub(crate) async fn roster(Authed { server, .. }: Authed, Own(Roster): Own<Roster>) -> Result<Answer<Shown>> {
    let shown = show(&server)?;
    Ok(Answer(Shown {
        document: shown.document,
        state: match shown.validity {
            Validity::NotYetValid => "not_yet_valid",
            Validity::Valid => "valid",
            Validity::Grace { .. } => "grace",
            Validity::Expired => "expired",
        },
        closes_at: shown.closes_at,
    }))
}
