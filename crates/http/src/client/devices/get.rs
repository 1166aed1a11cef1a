//! `GET /_matrix/client/v3/devices/{deviceId}`
//!
//! One of the caller's devices. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devicesdeviceid)

use rohrpost_core::{Result, devices::list};
use ruma::api::client::device::get_device::v3::Request;

use crate::{
    call::Authed,
    client::devices::Device,
    rohrpost::own::{Answer, Answering},
};

pub(crate) async fn get(
    Authed { server, caller, .. }: Authed,
    wanted: Answering<Request, Device>,
) -> Result<Answer<Device>> {
    let device = list::get(&server, caller, wanted.0.device_id).await?;
    Ok(Answer(device.into()))
}
