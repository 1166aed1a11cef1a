//! `GET /_matrix/client/v3/devices`
//!
//! The caller's devices. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devices)

use rohrpost_core::{Result, devices::list};
use ruma::api::client::device::get_devices::v3::Request;
use serde::Serialize;

use crate::{
    call::Authed,
    client::devices::Device,
    rohrpost::own::{Answer, Answering},
};

#[derive(Serialize)]
pub(crate) struct Devices {
    devices: Vec<Device>,
}

pub(crate) async fn list(
    Authed { server, caller, .. }: Authed,
    _: Answering<Request, Devices>,
) -> Result<Answer<Devices>> {
    let devices = list::list(&server, caller).await?;
    Ok(Answer(Devices {
        devices: devices.into_iter().map(Into::into).collect(),
    }))
}
