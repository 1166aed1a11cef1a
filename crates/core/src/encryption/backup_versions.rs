//! Versions of a key backup: made, looked at, changed and removed. Their content is readable by clients only.

use std::sync::Arc;

use rohrpost_room::canonical_object;
use rohrpost_store::{BackupVersion, Tx, Work};
use ruma::{OwnedUserId, UserId};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::backup_keys::Mark;
use crate::{Caller, Refusal, Result, Server};

/// Longest name of an algorithm, in bytes.
const MAX_ALGORITHM_BYTES: usize = 255;
/// Largest auth data, in bytes.
const MAX_AUTH_DATA_BYTES: usize = 65_536;

/// A version of a backup.
pub struct Version {
    /// Its name.
    pub version: String,
    /// How its keys are encrypted.
    pub algorithm: String,
    /// A JSON object.
    pub auth_data: String,
    /// What changes with its keys.
    pub mark: Mark,
}

impl From<BackupVersion> for Version {
    fn from(stored: BackupVersion) -> Self {
        let mark = Mark::from(&stored);
        Self {
            version: stored.version.to_string(),
            algorithm: stored.algorithm,
            auth_data: stored.auth_data,
            mark,
        }
    }
}

/// How the keys of a version are encrypted, as clients send it.
#[derive(Deserialize)]
struct Algorithm {
    algorithm: String,
    auth_data: serde_json::Value,
    version: Option<String>,
}

/// The same, checked.
struct Checked {
    algorithm: String,
    auth_data: String,
}

fn checked(json: &RawValue) -> Result<(Checked, Option<String>)> {
    if json.get().len() > MAX_AUTH_DATA_BYTES {
        return Err(Refusal::TooLarge(format!(
            "auth_data is larger than {MAX_AUTH_DATA_BYTES} bytes"
        )));
    }
    let parsed = serde_json::from_str(json.get());
    let Algorithm {
        algorithm,
        auth_data,
        version,
    } = parsed.map_err(|error| Refusal::BadJson(error.to_string()))?;
    if algorithm.is_empty() || algorithm.len() > MAX_ALGORITHM_BYTES {
        return Err(Refusal::InvalidParam(format!(
            "algorithm has 1 to {MAX_ALGORITHM_BYTES} bytes"
        )));
    }
    let auth_data = serde_json::to_string(&canonical_object(auth_data)?)?;
    Ok((Checked { algorithm, auth_data }, version))
}

/// The number in a version's text. What isn't one was never handed out.
pub(super) fn number(version: &str) -> Result<i64> {
    version.parse().map_err(|_| unknown_version())
}

/// There is no such version.
pub(super) fn unknown_version() -> Refusal {
    Refusal::NotFound("there is no such backup".to_owned())
}

/// Makes a new version, which becomes the one that keys are written to; answers its name. `algorithm` has
/// `algorithm` and `auth_data`.
///
/// # Errors
/// `BadJson`, `InvalidParam`, `TooLarge` for malformed data.
pub async fn create(server: &Arc<Server>, caller: Caller, algorithm: &RawValue) -> Result<String> {
    let (checked, _) = checked(algorithm)?;
    let number = server
        .store
        .write(Create {
            user_id: caller.user_id,
            checked,
        })
        .await?;
    Ok(number.to_string())
}

/// The newest version.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn latest(server: &Arc<Server>, caller: Caller) -> Result<Version> {
    let user_id = caller.user_id;
    let latest = server
        .store
        .read(move |tx| Box::pin(async move { tx.backup_version_latest(&user_id).await }))
        .await?;
    latest.map(Version::from).ok_or_else(unknown_version)
}

/// One version.
///
/// # Errors
/// `NotFound` when there is no such version.
pub async fn get(server: &Arc<Server>, caller: Caller, version: &str) -> Result<Version> {
    let number = number(version)?;
    let user_id = caller.user_id;
    let found = server
        .store
        .read(move |tx| Box::pin(async move { existing(tx, &user_id, number).await }))
        .await?;
    Ok(Version::from(found))
}

/// Changes the auth data of a version.
///
/// # Errors
/// `NotFound` when there is no such version, `InvalidParam` for another algorithm or version in the body.
pub async fn update(server: &Arc<Server>, caller: Caller, version: &str, algorithm: &RawValue) -> Result<()> {
    let number = number(version)?;
    let (checked, in_body) = checked(algorithm)?;
    if in_body.is_some_and(|in_body| in_body != version) {
        return Err(Refusal::InvalidParam(
            "the version in the body is not the one in the path".to_owned(),
        ));
    }
    server
        .store
        .write(Update {
            user_id: caller.user_id,
            number,
            checked,
        })
        .await
}

/// Removes a version with its keys. Removed before: nothing happens.
///
/// # Errors
/// `NotFound` when there never was such a version.
pub async fn delete(server: &Arc<Server>, caller: Caller, version: &str) -> Result<()> {
    let number = number(version)?;
    server
        .store
        .write(Delete {
            user_id: caller.user_id,
            number,
        })
        .await
}

/// A version that wasn't removed.
pub(super) async fn existing(tx: &mut Tx<'_>, user_id: &UserId, number: i64) -> Result<BackupVersion> {
    tx.backup_version_get(user_id, number)
        .await?
        .ok_or_else(unknown_version)
}

struct Create {
    user_id: OwnedUserId,
    checked: Checked,
}

impl Work for Create {
    type Out = i64;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<i64> {
        let Checked { algorithm, auth_data } = &self.checked;
        tx.cross_signing_lock(&self.user_id).await?;
        Ok(tx
            .backup_version_insert(&self.user_id, algorithm, auth_data)
            .await?)
    }
}

struct Update {
    user_id: OwnedUserId,
    number: i64,
    checked: Checked,
}

impl Work for Update {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let Checked { algorithm, auth_data } = &self.checked;
        tx.cross_signing_lock(&self.user_id).await?;
        if existing(tx, &self.user_id, self.number).await?.algorithm != *algorithm {
            return Err(Refusal::InvalidParam(
                "the algorithm of a backup can't be changed".to_owned(),
            ));
        }
        Ok(tx
            .backup_version_update(&self.user_id, self.number, auth_data)
            .await?)
    }
}

struct Delete {
    user_id: OwnedUserId,
    number: i64,
}

impl Work for Delete {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        tx.cross_signing_lock(&self.user_id).await?;
        match tx.backup_version_delete(&self.user_id, self.number).await? {
            true => Ok(()),
            false => Err(unknown_version()),
        }
    }
}
