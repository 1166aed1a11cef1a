//! `DELETE /_rohrpost/admin/v1/invitations/{id}`
//!
//! Withdraws an invitation.

use http::Method;
use rohrpost_core::{Result, accounts::invitations};
use serde::Serialize;

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Own, OwnEndpoint},
};

pub(crate) struct Withdraw {
    id: String,
}

#[derive(Serialize)]
pub(crate) struct Withdrawn {}

impl OwnEndpoint for Withdraw {
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/_rohrpost/admin/v1/invitations/{id}";
    type Answer = Withdrawn;

    fn parse(_: &[u8], params: &[&str]) -> serde_json::Result<Self> {
        Ok(Self {
            id: params.first().copied().unwrap_or_default().to_owned(),
        })
    }
}

pub(crate) async fn withdraw(
    Authed { server, .. }: Authed,
    Own(Withdraw { id }): Own<Withdraw>,
) -> Result<Answer<Withdrawn>> {
    invitations::withdraw(&server, &id).await?;
    Ok(Answer(Withdrawn {}))
}
