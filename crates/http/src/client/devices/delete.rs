//! `DELETE /_matrix/client/v3/devices/{deviceId}`
//!
//! Removes one of the caller's devices; it wants the password first. [Specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3devicesdeviceid)

use rohrpost_core::{
    Result,
    accounts::uia::{self, UiaRequest},
    devices::remove,
};
use ruma::api::client::device::delete_device::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn delete(Authed { server, caller, call }: Authed, request: Request) -> Result<Response> {
    let confirm = UiaRequest {
        // The path says which device, and so what is confirmed.
        operation: format!("{} {}", call.operation, request.device_id),
        body: &call.body,
        user: Some(&caller),
        auth: request.auth,
        flows: uia::by_password(),
    };
    let proof = uia::require_of_people(&server, confirm).await?;
    remove::remove(&server, caller, vec![request.device_id], proof).await?;
    Ok(Response::new())
}
