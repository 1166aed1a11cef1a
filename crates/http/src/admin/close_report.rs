//! `DELETE /_rohrpost/admin/v1/reports/{id}`
//!
//! Removes a report that was dealt with.

use http::Method;
use rohrpost_core::{Refusal, Result, reports};
use serde::Serialize;

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Own, OwnEndpoint},
};

pub(crate) struct Close {
    id: String,
}

#[derive(Serialize)]
pub(crate) struct Closed {}

impl OwnEndpoint for Close {
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/_rohrpost/admin/v1/reports/{id}";
    type Answer = Closed;

    fn parse(_: &[u8], params: &[&str]) -> serde_json::Result<Self> {
        Ok(Self {
            id: params.first().copied().unwrap_or_default().to_owned(),
        })
    }
}

pub(crate) async fn close(
    Authed { server, .. }: Authed,
    Own(Close { id }): Own<Close>,
) -> Result<Answer<Closed>> {
    let number = id.parse().map_err(|_| Refusal::not_found("report"))?;
    reports::close(&server, number).await?;
    Ok(Answer(Closed {}))
}
