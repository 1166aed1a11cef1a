//! `PUT /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device`
//!
//! Keeps a dehydrated device in place of the one before. Not in the specification yet (MSC3814).

use rohrpost_core::{
    Result,
    encryption::dehydrated_device::{self, PutDehydratedDevice},
};
use ruma::api::client::dehydrated_device::put_dehydrated_device::unstable::{Request, Response};

use crate::call::Authed;

pub(crate) async fn put(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let new = PutDehydratedDevice {
        caller,
        device_id: request.device_id.clone(),
        display_name: request.initial_device_display_name,
        data: request.device_data.json().get().to_owned(),
        device_keys: request.device_keys,
        one_time_keys: request.one_time_keys,
        fallback_keys: request.fallback_keys,
    };
    dehydrated_device::put(&server, new).await?;
    Ok(Response::new(request.device_id))
}
