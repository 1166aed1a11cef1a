//! `PUT /_matrix/client/v1/admin/suspend/{userId}`
//!
//! Suspends an account, or lifts that. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv1adminsuspenduserid)

use rohrpost_core::{
    Result,
    accounts::restrict::{self, Restriction},
};
use ruma::api::client::admin::suspend_user::v1::{Request, Response};

use crate::call::Authed;

pub(crate) async fn suspend_user(Authed { server, .. }: Authed, request: Request) -> Result<Response> {
    restrict::set(
        &server,
        request.user_id,
        Restriction::Suspended,
        request.suspended,
    )
    .await?;
    Ok(Response::new(request.suspended))
}
