//! `GET /_matrix/client/v3/account/3pid`
//!
//! The addresses of the account. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3account3pid)

use rohrpost_core::{Result, email::addresses};
use ruma::api::client::account::get_3pids::v3::Request;
use serde::Serialize;

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Answering},
};

/// `ruma` leaves an empty list out, which clients stumble over.
#[derive(Serialize)]
pub(crate) struct ThirdPartyIds {
    threepids: Vec<ThirdPartyId>,
}

#[derive(Serialize)]
struct ThirdPartyId {
    medium: &'static str,
    address: String,
    validated_at: i64,
    added_at: i64,
}

pub(crate) async fn list(
    Authed { server, caller, .. }: Authed,
    _: Answering<Request, ThirdPartyIds>,
) -> Result<Answer<ThirdPartyIds>> {
    let rows = addresses::list(&server, &caller).await?;
    let threepids = rows.into_iter().map(|row| ThirdPartyId {
        medium: "email",
        address: row.address,
        validated_at: row.validated_ts,
        added_at: row.added_ts,
    });
    Ok(Answer(ThirdPartyIds {
        threepids: threepids.collect(),
    }))
}
