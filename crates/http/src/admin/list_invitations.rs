//! `GET /_rohrpost/admin/v1/invitations`
//!
//! The invitations that can be used, newest first, without their tokens.

use http::Method;
use rohrpost_core::{Result, accounts::invitations};
use serde::Serialize;

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Own, OwnEndpoint},
};

pub(crate) struct List;

#[derive(Serialize)]
pub(crate) struct Listed {
    invitations: Vec<Invitation>,
}

#[derive(Serialize)]
struct Invitation {
    id: String,
    uses_left: i64,
    expires_ts: i64,
    administrator: bool,
    created_ts: i64,
}

impl OwnEndpoint for List {
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/_rohrpost/admin/v1/invitations";
    type Answer = Listed;

    fn parse(_: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        Ok(Self)
    }
}

pub(crate) async fn list(Authed { server, .. }: Authed, Own(List): Own<List>) -> Result<Answer<Listed>> {
    let rows = invitations::list(&server).await?;
    let invitations = rows.iter().map(|row| Invitation {
        id: invitations::id(row),
        uses_left: row.uses_left,
        expires_ts: row.expires_ts,
        administrator: row.administrator,
        created_ts: row.created_ts,
    });
    Ok(Answer(Listed {
        invitations: invitations.collect(),
    }))
}
