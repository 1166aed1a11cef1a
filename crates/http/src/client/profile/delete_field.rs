//! `DELETE /_matrix/client/v3/profile/{userId}/{keyName}`
//!
//! Removes the caller's name or picture. [Specification](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3profileuseridkeyname)

use rohrpost_core::{
    Refusal, Result,
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
        _ => {
            return Err(Refusal::Forbidden(
                "this server only keeps displayname and avatar_url".to_owned(),
            ));
        }
    };
    profile::set(&server, caller, request.user_id, change).await?;
    Ok(Response::new())
}
