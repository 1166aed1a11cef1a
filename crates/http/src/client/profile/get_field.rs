//! `GET /_matrix/client/v3/profile/{userId}/{keyName}`
//!
//! One field of somebody's profile. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3profileuseridkeyname)

use rohrpost_core::{
    Refusal, Result,
    accounts::profile::{self, FullProfile},
};
use ruma::{
    api::client::profile::get_profile_field::v3::{Request, Response},
    profile::{ProfileFieldName, ProfileFieldValue},
};

use crate::call::Public;

pub(crate) async fn get_field(Public { server, caller, .. }: Public, request: Request) -> Result<Response> {
    let FullProfile { profile, fields } = profile::profile(&server, caller.as_ref(), request.user_id).await?;
    let value = match request.field {
        ProfileFieldName::DisplayName => profile.display_name.map(ProfileFieldValue::DisplayName),
        ProfileFieldName::AvatarUrl => profile
            .avatar_url
            .map(|url| ProfileFieldValue::AvatarUrl(url.into())),
        name => {
            let field = fields.into_iter().find(|(other, _)| *other == name.as_str());
            let (name, value) = field.ok_or_else(|| Refusal::not_found("profile field"))?;
            Some(ProfileFieldValue::new(&name, value)?)
        }
    };
    Ok(value.map(Response::new).unwrap_or_default())
}
