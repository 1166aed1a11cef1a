//! `GET /_matrix/client/v1/admin/suspend/{userId}`
//!
//! Whether an account is suspended. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1adminsuspenduserid)

use rohrpost_core::{
    Result,
    accounts::restrict::{self, Restriction},
};
use ruma::api::client::admin::is_user_suspended::v1::{Request, Response};

use crate::call::Authed;

pub(crate) async fn is_user_suspended(Authed { server, .. }: Authed, request: Request) -> Result<Response> {
    let on = restrict::get(&server, request.user_id, Restriction::Suspended).await?;
    Ok(Response::new(on))
}
