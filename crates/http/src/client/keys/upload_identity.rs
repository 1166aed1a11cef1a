//! `POST /_matrix/client/v3/keys/device_signing/upload`
//!
//! Publishes cross-signing keys; replacing them needs a confirmation.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysdevice_signingupload)

use rohrpost_core::{
    Result,
    encryption::upload_identity::{self, UploadIdentity},
};
use ruma::api::client::keys::upload_signing_keys::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn upload_identity(
    Authed { server, caller, call }: Authed,
    request: Request,
) -> Result<Response> {
    let upload = UploadIdentity {
        caller,
        master: request.master_key,
        self_signing: request.self_signing_key,
        user_signing: request.user_signing_key,
        operation: call.operation,
        body: &call.body,
        auth: request.auth,
    };
    upload_identity::upload_identity(&server, upload).await?;
    Ok(Response::new())
}
