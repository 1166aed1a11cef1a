//! `PUT /_matrix/client/v3/profile/{userId}/{keyName}`
//!
//! Sets the caller's name or picture; other fields are not kept. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname)

use rohrpost_core::{
    Refusal, Result,
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
        _ => {
            return Err(Refusal::Forbidden(
                "this server only keeps displayname and avatar_url".to_owned(),
            ));
        }
    };
    profile::set(&server, caller, request.user_id, change).await?;
    Ok(Response::new())
}
