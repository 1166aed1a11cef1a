//! What others see of a person: name and picture.

use std::sync::Arc;

use rohrpost_store::{Profile, Tx, UserRow, UserState, Work};
use ruma::{OwnedMxcUri, OwnedUserId};

use crate::{Caller, Refusal, Result, Server, appservices::query, federation, rooms};

/// Longest display name, in bytes.
pub const MAX_DISPLAY_NAME_BYTES: usize = 255;
/// Longest name of a field, in bytes.
const MAX_FIELD_NAME_BYTES: usize = 255;
/// How large a profile may be, in bytes: all names and values as JSON.
const MAX_PROFILE_BYTES: usize = 65_535;
/// Longest address of a picture, in bytes.
const MAX_AVATAR_URL_BYTES: usize = 1000;

/// A change of a profile. `None` removes the field.
#[derive(Clone, Debug)]
pub enum ProfileChange {
    /// The name on screen.
    DisplayName(Option<String>),
    /// The picture.
    AvatarUrl(Option<OwnedMxcUri>),
    /// Any other field.
    Other {
        /// Its name, such as `m.tz`.
        name: String,
        /// JSON of any kind.
        value: Option<serde_json::Value>,
    },
}

/// All that others see of a person.
pub struct FullProfile {
    /// Name and picture.
    pub profile: Profile,
    /// Further fields, in the order of their names.
    pub fields: Vec<(String, serde_json::Value)>,
}

struct Unit {
    user_id: OwnedUserId,
    change: ProfileChange,
}

impl FullProfile {
    /// All fields with their names in the specification.
    pub fn into_fields(self) -> impl Iterator<Item = (String, serde_json::Value)> {
        let Self { profile, fields } = self;
        let shown = [
            ("displayname", profile.display_name),
            ("avatar_url", profile.avatar_url),
        ];
        let shown = shown
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        shown.chain(fields)
    }
}

/// Somebody's profile. For somebody who is signed in, the application service in whose names they are may make the user
/// now, and the server of somebody elsewhere is asked: who isn't signed in doesn't make this server ask others.
///
/// # Errors
/// `NotFound` when there is no such user, on this server or anywhere; `ServiceTimedOut` when the service doesn't answer,
/// `Elsewhere` when the other server doesn't.
pub async fn profile(
    server: &Arc<Server>,
    caller: Option<&Caller>,
    user_id: OwnedUserId,
) -> Result<FullProfile> {
    if server.is_local(&user_id) {
        if let Some(caller) = caller {
            query::users(server, caller, std::slice::from_ref(&user_id)).await?;
        }
        return local(server, user_id).await;
    }
    match caller {
        Some(_) if server.speaks_with(user_id.server_name()) => {
            federation::profiles::fetch(server, user_id).await
        }
        _ => Err(Refusal::not_found("profile")),
    }
}

/// The profile of a user of this server.
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn local(server: &Arc<Server>, user_id: OwnedUserId) -> Result<FullProfile> {
    let read = server.store.read(move |tx| {
        Box::pin(async move {
            let user: Option<UserRow> = tx.user_get(&user_id).await?;
            let profile = tx.profile_get(&user_id).await?;
            let fields = tx.profile_fields(&user_id).await?;
            // An account that was closed and erased answers like one that never was.
            let is_seen =
                user.is_some_and(|user| user.state == UserState::Active || profile != Profile::default());
            let fields = fields.into_iter();
            let fields = fields.filter_map(|(name, value)| Some((name, serde_json::from_str(&value).ok()?)));
            Ok::<_, Refusal>(is_seen.then_some(FullProfile {
                profile,
                fields: fields.collect(),
            }))
        })
    });
    read.await?.ok_or_else(|| Refusal::not_found("profile"))
}

/// Changes the caller's profile, and their member events in the rooms they are in.
///
/// # Errors
/// `Forbidden` for somebody else's profile, whether there is one or not; `InvalidParam` for a name over 255 bytes or
/// a picture that isn't at an `mxc://` address; `GuestAccessForbidden` for a guest, except for their name.
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
    // "Guest users may only modify their display name."
    if caller.guest && !matches!(change, ProfileChange::DisplayName(_)) {
        return Err(Refusal::GuestAccessForbidden);
    }
    caller.may_take_part()?;
    let change = check(change)?;
    let is_shown_in_rooms = !matches!(change, ProfileChange::Other { .. });
    server
        .store
        .write(Unit {
            user_id: user_id.clone(),
            change,
        })
        .await?;
    if !is_shown_in_rooms {
        return Ok(());
    }
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
        ProfileChange::Other { name, value } => {
            if name.len() > MAX_FIELD_NAME_BYTES {
                let text = format!("the name of a field may have at most {MAX_FIELD_NAME_BYTES} bytes");
                return Err(Refusal::KeyTooLarge(text));
            }
            if !is_field_name(&name) {
                return Err(Refusal::InvalidParam(
                    "the name of a field is m.tz or one of your own, such as org.example.field".to_owned(),
                ));
            }
            if name == "m.tz" && value.as_ref().is_some_and(|value| !value.is_string()) {
                return Err(Refusal::BadJson("m.tz must be a text".to_owned()));
            }
            Ok(ProfileChange::Other { name, value })
        }
    }
}

/// Parts of lower-case letters, digits and `_` that begin with a letter, at least two, with dots between them.
fn is_field_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    name.contains('.') && name.split('.').all(is_part)
}

impl Unit {
    /// Sets or removes a further field, within the size of a profile.
    async fn set_other(&self, tx: &mut Tx<'_>, name: &str, value: Option<&serde_json::Value>) -> Result<()> {
        let fields = tx.profile_fields(&self.user_id).await?;
        let before = fields.iter().find(|(other, _)| other == name);
        let value = value.map(ToString::to_string);
        if before.map(|(_, before)| before) == value.as_ref() {
            return Ok(());
        }
        let Some(value) = value else {
            tx.profile_field_delete(&self.user_id, name).await?;
            return self.changed(tx, name).await;
        };
        let profile = tx.profile_get(&self.user_id).await?;
        let shown = [profile.display_name, profile.avatar_url];
        let mut bytes: usize = shown.iter().flatten().map(|text| text.len() + 20).sum();
        for (other, value) in &fields {
            if other != name {
                bytes += other.len() + value.len() + 4;
            }
        }
        if bytes + name.len() + value.len() + 4 > MAX_PROFILE_BYTES {
            let text = format!("a profile may have {MAX_PROFILE_BYTES} bytes; remove a field first");
            return Err(Refusal::ProfileTooLarge(text));
        }
        tx.profile_field_put(&self.user_id, name, &value).await?;
        self.changed(tx, name).await
    }

    /// Tells everybody who shares a room with the user. Takes a position: call it late in the unit.
    async fn changed(&self, tx: &mut Tx<'_>, name: &str) -> Result<()> {
        let mut concerned = tx.membership_local_sharing(&self.user_id).await?;
        concerned.push(self.user_id.clone());
        // The notifier wants them in order, and the order of a database is not always ours.
        concerned.sort_unstable();
        concerned.dedup();
        let pos = tx.pos_next().await?;
        tx.profile_change_put(&self.user_id, name, pos).await?;
        tx.wake(concerned.into());
        Ok(())
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
            ProfileChange::Other { name, value } => return self.set_other(tx, name, value.as_ref()).await,
        }
        if profile == before {
            return Ok(());
        }
        tx.profile_put(&self.user_id, &profile).await?;
        let name = match profile.display_name == before.display_name {
            true => "avatar_url",
            false => "displayname",
        };
        self.changed(tx, name).await
    }
}

#[cfg(test)]
mod tests {
    use super::{ProfileChange, check, is_field_name};

    #[test]
    fn names_of_fields_are_namespaced() {
        for name in ["m.tz", "org.example.a_1", "a.b.c"] {
            assert!(is_field_name(name), "{name}");
        }
        for name in ["", "tz", "m.", ".tz", "M.tz", "m.1", "m..a", "m.tz ", "m.ü"] {
            assert!(!is_field_name(name), "{name}");
        }
    }

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
