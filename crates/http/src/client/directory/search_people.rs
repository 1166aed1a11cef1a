//! `POST /_matrix/client/v3/user_directory/search`
//!
//! Finds people of this server by name. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch)

use rohrpost_core::{Result, directory::people};
use ruma::api::client::user_directory::search_users::v3::{Request, Response, User};

use crate::call::Authed;

pub(crate) async fn search_people(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    let limit = u32::try_from(u64::from(request.limit)).unwrap_or(u32::MAX);
    let found = people::search(&server, &caller, &request.search_term, limit).await?;
    let user = |(user_id, profile): (_, people::Profile)| {
        let mut user = User::new(user_id);
        user.display_name = profile.display_name;
        user.avatar_url = profile.avatar_url.map(Into::into);
        user
    };
    Ok(Response::new(
        found.people.into_iter().map(user).collect(),
        found.limited,
    ))
}
