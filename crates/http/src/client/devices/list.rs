//! `GET /_matrix/client/v3/devices`
//!
//! The caller's devices. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devices)

use rohrpost_core::{Result, devices::list};
use ruma::api::client::device::get_devices::v3::{Request, Response};

use crate::{call::Authed, client::devices::shown};

pub(crate) async fn list(Authed { server, caller, .. }: Authed, _: Request) -> Result<Response> {
    let devices = list::list(&server, caller).await?;
    Ok(Response::new(devices.into_iter().map(shown).collect()))
}
