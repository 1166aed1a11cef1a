//! `GET /_matrix/client/v3/devices/{deviceId}`
//!
//! One of the caller's devices. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devicesdeviceid)

use rohrpost_core::{Result, devices::list};
use ruma::api::client::device::get_device::v3::{Request, Response};

use crate::{call::Authed, client::devices::shown};

pub(crate) async fn get(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    Ok(Response::new(shown(
        list::get(&server, caller, request.device_id).await?,
    )))
}
