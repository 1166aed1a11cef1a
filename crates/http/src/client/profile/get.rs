//! `GET /_matrix/client/v3/profile/{userId}`
//!
//! Somebody's name, picture, and whatever else they show. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3profileuserid)

use rohrpost_core::{
    Result,
    accounts::profile::{self, FullProfile},
};
use ruma::{
    api::client::profile::get_profile::v3::{Request, Response},
    profile::ProfileFieldValue,
};

use crate::call::Public;

pub(crate) async fn get(Public { server, caller, .. }: Public, request: Request) -> Result<Response> {
    let FullProfile { profile, fields } = profile::profile(&server, caller.as_ref(), request.user_id).await?;
    let name = profile.display_name.map(ProfileFieldValue::DisplayName);
    let picture = profile
        .avatar_url
        .map(|url| ProfileFieldValue::AvatarUrl(url.into()));
    let mut response: Response = [name, picture].into_iter().flatten().collect();
    response.extend(fields);
    Ok(response)
}
