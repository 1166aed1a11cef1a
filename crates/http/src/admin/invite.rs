//! `POST /_rohrpost/admin/v1/invitations`
//!
//! Makes an invitation link. It is shown once; only a hash of it is kept.

use std::time::Duration;

use http::Method;
use rohrpost_core::{
    Result,
    accounts::invite::{self, NewInvitation},
};
use serde::{Deserialize, Serialize};

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
};

fn one() -> u32 {
    1
}

fn a_week() -> u64 {
    7 * 24 * 60 * 60 * 1000
}

#[derive(Deserialize)]
pub(crate) struct Invite {
    #[serde(default = "one")]
    uses: u32,
    #[serde(default = "a_week")]
    expires_in_ms: u64,
    #[serde(default)]
    administrator: bool,
}

#[derive(Serialize)]
pub(crate) struct Link {
    token: String,
    link: String,
    expires_ts: i64,
}

impl OwnEndpoint for Invite {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/admin/v1/invitations";
    type Answer = Link;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn invite(
    Authed { server, caller, .. }: Authed,
    Own(request): Own<Invite>,
) -> Result<Answer<Link>> {
    let new = NewInvitation {
        uses: request.uses,
        lifetime: Duration::from_millis(request.expires_in_ms),
        administrator: request.administrator,
        created_by: Some(caller.user_id),
    };
    let made = invite::invite(&server, new).await?;
    Ok(Answer(Link {
        token: made.token,
        link: made.link,
        expires_ts: made.expires_ts,
    }))
}
