//! `POST /_matrix/client/v3/user/{userId}/filter`
//!
//! Keeps a filter for syncs. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter)

use rohrpost_core::{
    Result,
    personal::{filters, own},
};
use ruma::api::client::filter::create_filter::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn create_filter(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    own(&caller, &request.user_id)?;
    Ok(Response::new(
        filters::create(&server, &caller, &request.filter).await?,
    ))
}
