//! `POST /_matrix/client/v3/keys/upload`
//!
//! Publishes the keys of a device.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysupload)

use rohrpost_core::{
    Result,
    encryption::upload_keys::{self, UploadKeys},
};
use ruma::api::client::keys::upload_keys::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn upload_keys(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let Request {
        device_keys,
        one_time_keys,
        fallback_keys,
        ..
    } = request;
    let upload = UploadKeys {
        caller,
        device_keys,
        one_time_keys,
        fallback_keys,
    };
    Ok(Response::new(upload_keys::upload_keys(&server, upload).await?))
}
