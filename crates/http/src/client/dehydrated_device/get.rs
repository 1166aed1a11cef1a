//! `GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device`
//!
//! The caller's dehydrated device. Not in the specification yet (MSC3814).

use rohrpost_core::{Result, encryption::dehydrated_device};
use ruma::api::client::dehydrated_device::get_dehydrated_device::unstable::{Request, Response};

use crate::call::Authed;

pub(crate) async fn get(Authed { server, caller, .. }: Authed, _: Request) -> Result<Response> {
    let (device_id, data) = dehydrated_device::get(&server, caller).await?;
    Ok(Response::new(device_id, serde_json::from_str(&data)?))
}
