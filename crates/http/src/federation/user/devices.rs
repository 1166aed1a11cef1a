//! `GET /_matrix/federation/v1/user/devices/{userId}`
//!
//! The devices and the identity of somebody who has an account here.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1userdevicesuserid>

use rohrpost_core::{Refusal, encryption::for_servers};
use ruma::{
    UInt,
    api::federation::device::get_devices::v1::{Request, Response, UserDevice},
};

use crate::federation::receive::FromServer;

pub(crate) async fn devices(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let user_id = request.user_id;
    let list = for_servers::devices(&from.server, from.origin, user_id.clone()).await?;
    let stream_id = UInt::new_saturating(u64::try_from(list.stream_id).unwrap_or(0));
    let mut response = Response::new(user_id, stream_id);
    let devices = list.devices.into_iter();
    response.devices = devices.map(|(id, keys)| UserDevice::new(id, keys)).collect();
    response.master_key = list.master;
    response.self_signing_key = list.self_signing;
    Ok(response)
}
