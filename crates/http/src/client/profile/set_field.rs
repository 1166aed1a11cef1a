//! `PUT /_matrix/client/v3/profile/{userId}/{keyName}`
//!
//! Sets the caller's name or picture, or another field that they show. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname)

use rohrpost_core::accounts::profile::{self, ProfileChange};
use ruma::{
    api::{
        client::profile::set_profile_field::v3::{Request, Response},
        error::DeserializationError,
    },
    profile::ProfileFieldValue,
};
use serde::de::Error as _;

use crate::{
    call::Authed,
    rohrpost::own::{JsonObject, Rewrite, Rewritten},
};

impl Rewrite for Request {
    /// The field that the path names and nothing else: what stands beside it doesn't matter, and without it
    /// `M_MISSING_PARAM` is answered.
    fn rewrite(mut body: JsonObject, path_args: &[&str]) -> Result<JsonObject, DeserializationError> {
        let name = *path_args.last().unwrap_or(&"");
        let missing = || serde::de::value::Error::custom(format!("missing field `{name}`"));
        let value = body.remove(name).ok_or_else(missing)?;
        Ok(JsonObject::from_iter([(name.to_owned(), value)]))
    }
}

pub(crate) async fn set_field(
    Authed { server, caller, .. }: Authed,
    Rewritten(request): Rewritten<Request>,
) -> rohrpost_core::Result<Response> {
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
