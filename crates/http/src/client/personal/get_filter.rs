//! `GET /_matrix/client/v3/user/{userId}/filter/{filterId}`
//!
//! Reads a filter. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridfilterfilterid)

use rohrpost_core::{
    Result,
    personal::{filters, own},
};
use ruma::api::client::filter::get_filter::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn get_filter(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    own(&caller, &request.user_id)?;
    Ok(Response::new(
        filters::get(&server, &caller, request.filter_id).await?,
    ))
}
