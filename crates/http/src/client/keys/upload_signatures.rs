//! `POST /_matrix/client/v3/keys/signatures/upload`
//!
//! Publishes signatures on devices and identities.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keyssignaturesupload)

use rohrpost_core::{
    Result,
    encryption::upload_signatures::{self, SignatureFailure, UploadSignatures},
};
use ruma::api::client::keys::upload_signatures::v3::{Failure, Request, Response};
use serde_json::json;

use crate::call::Authed;

pub(crate) async fn upload_signatures(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let upload = UploadSignatures {
        caller,
        signed: request.signed_keys,
    };
    let mut response = Response::new();
    for (user_id, failures) in upload_signatures::upload_signatures(&server, upload).await? {
        let of_user = response.failures.entry(user_id).or_default();
        for (key, failure) in failures {
            of_user.insert(key, wire(failure)?);
        }
    }
    Ok(response)
}

fn wire(failure: SignatureFailure) -> Result<Failure> {
    let errcode = match failure {
        SignatureFailure::NotFound => "M_NOT_FOUND",
        SignatureFailure::Mismatch | SignatureFailure::Invalid => "M_INVALID_SIGNATURE",
    };
    Ok(serde_json::from_value(
        json!({ "errcode": errcode, "error": failure.to_string() }),
    )?)
}
