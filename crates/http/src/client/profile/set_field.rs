//! `PUT /_matrix/client/v3/profile/{userId}/{keyName}`
//!
//! Sets the caller's name or picture, or another field that they show. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname)

use rohrpost_core::{
    Result,
    accounts::profile::{self, ProfileChange},
};
use ruma::{
    api::client::profile::set_profile_field::v3::{Request, Response},
    profile::ProfileFieldValue,
};

use crate::call::Authed;

pub(crate) async fn set_field(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let change = match request.value {
        ProfileFieldValue::DisplayName(name) => ProfileChange::DisplayName(Some(name)),
        ProfileFieldValue::AvatarUrl(url) => ProfileChange::AvatarUrl(Some(url)),
        other => ProfileChange::Other {
            name: other.field_name().to_string(),
            value: Some(other.value().into_owned()),
        },
    };
    profile::set(&server, caller, request.user_id, change).await?;
    Ok(Response::new())
}
