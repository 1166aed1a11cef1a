//! Profiles of people who have their account elsewhere.

use std::sync::Arc;

use rohrpost_store::Profile;
use ruma::{
    OwnedUserId, api::federation::query::get_profile_information::v1::Request, profile::ProfileFieldName,
};

use crate::{Result, Server, accounts::profile::FullProfile};

/// Fields that are passed on.
const MAX_FIELDS: usize = 100;

/// Asks the server of a person for their profile. It isn't kept.
///
/// # Errors
/// `NotFound`, `Forbidden` as the other server says; `Elsewhere` when it doesn't answer.
pub(crate) async fn fetch(server: &Arc<Server>, user_id: OwnedUserId) -> Result<FullProfile> {
    let request = Request::new(user_id.clone());
    let answer = server.ask(user_id.server_name(), request).await?;
    let (mut profile, mut fields) = (Profile::default(), Vec::new());
    for (name, value) in answer.into_iter().take(MAX_FIELDS) {
        let text = || value.as_str().map(ToOwned::to_owned);
        match ProfileFieldName::from(name.as_str()) {
            ProfileFieldName::DisplayName => profile.display_name = text(),
            ProfileFieldName::AvatarUrl => profile.avatar_url = text(),
            _ => fields.push((name, value)),
        }
    }
    Ok(FullProfile { profile, fields })
}
