//! `GET /_matrix/client/v3/keys/changes`
//!
//! Answers whose keys changed between two syncs.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3keyschanges)

use rohrpost_core::{
    Result,
    encryption::key_changes::{self, KeyChanges},
};
use ruma::api::client::keys::get_key_changes::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn key_changes(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let question = KeyChanges {
        caller,
        from: request.from,
        to: request.to,
    };
    let changes = key_changes::key_changes(&server, question).await?;
    Ok(Response::new(
        changes.changed.into_iter().collect(),
        changes.left.into_iter().collect(),
    ))
}
