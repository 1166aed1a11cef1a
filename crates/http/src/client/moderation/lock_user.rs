//! `PUT /_matrix/client/v1/admin/lock/{userId}`
//!
//! Locks an account, or lifts that. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv1adminlockuserid)

use rohrpost_core::{
    Result,
    accounts::restrict::{self, Restriction},
};
use ruma::api::client::admin::lock_user::v1::{Request, Response};

use crate::call::Authed;

pub(crate) async fn lock_user(Authed { server, .. }: Authed, request: Request) -> Result<Response> {
    restrict::set(&server, request.user_id, Restriction::Locked, request.locked).await?;
    Ok(Response::new(request.locked))
}
