//! `GET /_matrix/client/v1/admin/lock/{userId}`
//!
//! Whether an account is locked. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1adminlockuserid)

use rohrpost_core::{
    Result,
    accounts::restrict::{self, Restriction},
};
use ruma::api::client::admin::is_user_locked::v1::{Request, Response};

use crate::call::Authed;

pub(crate) async fn is_user_locked(Authed { server, .. }: Authed, request: Request) -> Result<Response> {
    let on = restrict::get(&server, request.user_id, Restriction::Locked).await?;
    Ok(Response::new(on))
}
