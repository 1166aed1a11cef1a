//! `DELETE /_matrix/client/v3/profile/{userId}/{keyName}`
//!
//! Removes the caller's name or picture, or another field. [Specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3profileuseridkeyname)

use rohrpost_core::{
    Result,
    accounts::profile::{self, ProfileChange},
};
use ruma::{
    api::client::profile::delete_profile_field::v3::{Request, Response},
    profile::ProfileFieldName,
};

use crate::call::Authed;

pub(crate) async fn delete_field(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let change = match request.field {
        ProfileFieldName::DisplayName => ProfileChange::DisplayName(None),
        ProfileFieldName::AvatarUrl => ProfileChange::AvatarUrl(None),
        other => ProfileChange::Other {
            name: other.to_string(),
            value: None,
        },
    };
    profile::set(&server, caller, request.user_id, change).await?;
    Ok(Response::new())
}
