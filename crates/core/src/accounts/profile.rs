//! What others see of a person: name and picture.

use std::sync::Arc;

use rohrpost_store::{Profile, Tx, UserRow, UserState, Work};
use ruma::{OwnedMxcUri, OwnedUserId};

use crate::{Caller, Refusal, Result, Server, rooms};

/// Longest display name, in bytes.
pub const MAX_DISPLAY_NAME_BYTES: usize = 255;
/// Longest address of a picture, in bytes.
const MAX_AVATAR_URL_BYTES: usize = 1000;

/// A change of a profile. `None` removes the field.
#[derive(Clone, Debug)]
pub enum ProfileChange {
    /// The name on screen.
    DisplayName(Option<String>),
    /// The picture.
    AvatarUrl(Option<OwnedMxcUri>),
}

struct Unit {
    user_id: OwnedUserId,
    change: ProfileChange,
}

/// The profile of a user of this server.
///
/// # Errors
/// `NotFound` when there is no such user, on this server or anywhere.
pub async fn profile(server: &Arc<Server>, user_id: OwnedUserId) -> Result<Profile> {
    if !server.is_local(&user_id) {
        return Err(Refusal::not_found("profile"));
    }
    let read = server.store.read(move |tx| {
        Box::pin(async move {
            let user: Option<UserRow> = tx.user_get(&user_id).await?;
            let profile = tx.profile_get(&user_id).await?;
            // An account that was closed and erased answers like one that never was.
            let is_seen =
                user.is_some_and(|user| user.state == UserState::Active || profile != Profile::default());
            Ok::<_, Refusal>(is_seen.then_some(profile))
        })
    });
    read.await?.ok_or_else(|| Refusal::not_found("profile"))
}

/// Changes the caller's profile, and their member events in the rooms they are in.
///
/// # Errors
/// `Forbidden` for somebody else's profile, whether there is one or not; `InvalidParam` for a name over 255 bytes or
/// a picture that isn't at an `mxc://` address.
pub async fn set(
    server: &Arc<Server>,
    caller: Caller,
    user_id: OwnedUserId,
    change: ProfileChange,
) -> Result<()> {
    if caller.user_id != user_id {
        return Err(Refusal::Forbidden(
            "you can only change your own profile".to_owned(),
        ));
    }
    let change = check(change)?;
    server
        .store
        .write(Unit {
            user_id: user_id.clone(),
            change,
        })
        .await?;
    // Although the profile may have been so before: the request that made it so may have been cut off.
    rooms::profile::propagate(server, user_id).await
}

/// The change, if it may be. An empty text removes the field.
fn check(change: ProfileChange) -> Result<ProfileChange> {
    match change {
        ProfileChange::DisplayName(name) => {
            let name = name
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty());
            if name
                .as_ref()
                .is_some_and(|name| name.len() > MAX_DISPLAY_NAME_BYTES)
            {
                let text = format!("a name may have at most {MAX_DISPLAY_NAME_BYTES} bytes");
                return Err(Refusal::InvalidParam(text));
            }
            Ok(ProfileChange::DisplayName(name))
        }
        ProfileChange::AvatarUrl(url) => {
            let url = url.filter(|url| !url.as_str().is_empty());
            if url
                .as_ref()
                .is_some_and(|url| url.as_str().len() > MAX_AVATAR_URL_BYTES || !url.is_valid())
            {
                return Err(Refusal::InvalidParam(
                    "avatar_url must be an mxc:// address".to_owned(),
                ));
            }
            Ok(ProfileChange::AvatarUrl(url))
        }
    }
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        // One writer at a time, or of two changes at once one would be lost.
        tx.user_lock(&self.user_id).await?;
        let before = tx.profile_get(&self.user_id).await?;
        let mut profile = before.clone();
        match &self.change {
            ProfileChange::DisplayName(name) => profile.display_name.clone_from(name),
            ProfileChange::AvatarUrl(url) => profile.avatar_url = url.as_ref().map(ToString::to_string),
        }
        if profile == before {
            return Ok(());
        }
        Ok(tx.profile_put(&self.user_id, &profile).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::{ProfileChange, check};

    #[test]
    fn an_empty_text_removes_the_field() {
        assert!(matches!(
            check(ProfileChange::DisplayName(Some(" ".into()))),
            Ok(ProfileChange::DisplayName(None))
        ));
        assert!(matches!(
            check(ProfileChange::AvatarUrl(Some("".into()))),
            Ok(ProfileChange::AvatarUrl(None))
        ));
    }

    #[test]
    fn refuses_long_names_and_other_addresses() {
        assert!(check(ProfileChange::DisplayName(Some("a".repeat(255)))).is_ok());
        assert!(check(ProfileChange::DisplayName(Some("a".repeat(256)))).is_err());
        assert!(check(ProfileChange::AvatarUrl(Some("mxc://test.example/abc".into()))).is_ok());
        for url in ["https://test.example/a.png", "mxc://", "javascript:alert(1)"] {
            assert!(
                check(ProfileChange::AvatarUrl(Some(url.into()))).is_err(),
                "{url}"
            );
        }
    }
}
