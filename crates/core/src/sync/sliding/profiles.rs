//! Changed profiles, on a connection.
//!
//! [MSC4262](https://github.com/matrix-org/matrix-spec-proposals/pull/4262): of people whom the rooms of an answer
//! show for the first time, what is asked for of their profile; of everybody who shares a room, what changed. Of rooms
//! whose members aren't loaded lazily it tells no more than of the others: who has said something, and whom the room is
//! named after.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use rohrpost_store::{FullProfileRow, StreamPos, Tx};
use ruma::{OwnedUserId, UserId};
use serde_json::value::RawValue;

use super::extensions::Scope;
use crate::Result;

/// Changed fields in one answer.
const MAX_CHANGES: u32 = 5000;
/// People that are remembered as told, for each connection.
const MAX_TOLD: usize = 20_000;

/// Which profiles are wanted.
#[derive(Clone, Debug, Default)]
pub struct ProfilesWanted {
    /// Of the people of which rooms.
    pub scope: Scope,
    /// The names of fields; `None`: all.
    pub fields: Option<BTreeSet<String>>,
}

impl ProfilesWanted {
    fn wants(&self, name: &str) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.contains(name))
    }
}

/// What changed about a profile.
#[derive(Default)]
pub struct ProfileUpdate {
    /// Fields that were set, as JSON.
    pub updated: BTreeMap<String, Box<RawValue>>,
    /// Fields that are there no more.
    pub removed: BTreeSet<String>,
}

/// Changed profiles. `None`: this user shares no room any more.
pub type Profiles = BTreeMap<OwnedUserId, Option<ProfileUpdate>>;

/// What a connection was told of profiles.
#[derive(Clone, Default)]
pub(crate) struct ToldProfiles {
    /// Which fields were wanted.
    fields: Option<BTreeSet<String>>,
    /// Hashes of the people whose profiles were told.
    people: HashSet<u64>,
}

impl ToldProfiles {
    /// Whether anything was told.
    pub(crate) fn is_used(&self) -> bool {
        !self.people.is_empty()
    }

    /// As many rooms of a connection take as much memory.
    pub(crate) fn weight(&self) -> usize {
        self.people.len() / 16
    }

    fn knows(&self, user_id: &UserId) -> bool {
        self.people.contains(&hash(user_id))
    }

    fn add(&mut self, user_id: &UserId) {
        if self.people.len() >= MAX_TOLD {
            self.people.clear();
        }
        self.people.insert(hash(user_id));
    }
}

fn hash(user_id: &UserId) -> u64 {
    let mut hasher = DefaultHasher::new();
    user_id.hash(&mut hasher);
    hasher.finish()
}

/// What is told of profiles. `met` are the people whom the rooms of this answer show, `left` those who share no room
/// any more.
pub(super) async fn read(
    tx: &mut Tx<'_>,
    user_id: &UserId,
    wanted: &ProfilesWanted,
    told: &mut Arc<ToldProfiles>,
    (since, now): (Option<StreamPos>, StreamPos),
    (mut met, left): (BTreeSet<OwnedUserId>, &BTreeSet<OwnedUserId>),
) -> Result<Profiles> {
    let told = Arc::make_mut(told);
    if told.fields != wanted.fields {
        // More may be wanted than was told: everybody is told again as they are met.
        *told = ToldProfiles {
            fields: wanted.fields.clone(),
            ..ToldProfiles::default()
        };
    }
    let mut profiles = Profiles::new();
    for user in left {
        if told.people.remove(&hash(user)) {
            profiles.insert(user.clone(), None);
        }
    }
    let mut changed: BTreeMap<OwnedUserId, BTreeSet<String>> = BTreeMap::new();
    if let Some(since) = since.filter(|since| *since < now) {
        for (user, name) in tx.profile_change_list(user_id, since, now, MAX_CHANGES).await? {
            if wanted.wants(&name) {
                changed.entry(user).or_default().insert(name);
            }
        }
    }
    met.insert(user_id.to_owned());
    met.retain(|user| !told.knows(user));
    let people: Vec<OwnedUserId> = met.iter().chain(changed.keys()).cloned().collect();
    let people: Vec<OwnedUserId> = BTreeSet::from_iter(people).into_iter().collect();
    let rows = tx.profile_get_each(&people).await?;
    for (user, row) in people.into_iter().zip(rows) {
        let fields = fields(row)?;
        let mut update = ProfileUpdate::default();
        let is_met = met.contains(&user);
        let of_user = changed.remove(&user).unwrap_or_default();
        for name in &of_user {
            if !fields.contains_key(name) {
                update.removed.insert(name.clone());
            }
        }
        for (name, value) in fields {
            if of_user.contains(&name) || is_met && wanted.wants(&name) {
                update.updated.insert(name, value);
            }
        }
        if is_met {
            told.add(&user);
        }
        if !update.updated.is_empty() || !update.removed.is_empty() {
            profiles.insert(user, Some(update));
        }
    }
    Ok(profiles)
}

/// All fields of a profile as JSON.
fn fields(row: FullProfileRow) -> Result<BTreeMap<String, Box<RawValue>>> {
    let mut fields = BTreeMap::new();
    let shown = [
        ("displayname", row.profile.display_name),
        ("avatar_url", row.profile.avatar_url),
    ];
    for (name, value) in shown {
        if let Some(value) = value {
            fields.insert(name.to_owned(), serde_json::value::to_raw_value(&value)?);
        }
    }
    for (name, value) in row.fields {
        fields.insert(name, RawValue::from_string(value)?);
    }
    Ok(fields)
}
