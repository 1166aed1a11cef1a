//! `PUT /_matrix/client/v3/devices/{deviceId}`
//!
//! Names one of the caller's devices; an application service makes it as well. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3devicesdeviceid)

use rohrpost_core::{
    Result,
    devices::{list, rename},
};
use ruma::api::client::device::update_device::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn update(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    if caller.appservice.is_some() {
        rename::make(&server, caller, request.device_id, request.display_name).await?;
        return Ok(Response::new());
    }
    match request.display_name {
        Some(name) => rename::rename(&server, caller, request.device_id, Some(name)).await?,
        // Without a name nothing changes, but there must be such a device.
        None => drop(list::get(&server, caller, request.device_id).await?),
    }
    Ok(Response::new())
}
