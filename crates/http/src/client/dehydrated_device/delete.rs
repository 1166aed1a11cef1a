//! `DELETE /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device`
//!
//! Removes the caller's dehydrated device. Not in the specification yet (MSC3814).

use rohrpost_core::{Result, encryption::dehydrated_device};
use ruma::api::client::dehydrated_device::delete_dehydrated_device::unstable::{Request, Response};

use crate::call::Authed;

pub(crate) async fn delete(Authed { server, caller, .. }: Authed, _: Request) -> Result<Response> {
    Ok(Response::new(dehydrated_device::delete(&server, caller).await?))
}
