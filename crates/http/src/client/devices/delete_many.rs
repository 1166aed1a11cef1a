//! `POST /_matrix/client/v3/delete_devices`
//!
//! Removes some of the caller's devices; it wants the password first. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3delete_devices)

use rohrpost_core::{
    Result,
    accounts::uia::{self, UiaRequest},
    devices::remove,
};
use ruma::api::client::device::delete_devices::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn delete_many(
    Authed { server, caller, call }: Authed,
    request: Request,
) -> Result<Response> {
    let confirm = UiaRequest {
        operation: call.operation.to_owned(),
        body: &call.body,
        user: Some(&caller),
        auth: request.auth,
        flows: uia::by_password(),
    };
    let proof = uia::require_of_people(&server, confirm).await?;
    remove::remove(&server, caller, request.devices, proof).await?;
    Ok(Response::new())
}
