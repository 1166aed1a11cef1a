//! Keys in a backup: written, read and removed. Of two keys of a session the better one is kept.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups>

use std::{collections::BTreeMap, sync::Arc};

use rohrpost_room::canonical_object;
use rohrpost_store::{BackupKey, BackupKeyQuality, BackupVersion, Tx, Work};
use ruma::{OwnedRoomId, OwnedUserId, UInt, api::client::backup::KeyBackupData, serde::Raw};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::backup_versions::{existing, number, unknown_version};
use crate::{Caller, Refusal, Result, Server};

/// Keys in one request. Clients send 100 to 200.
const MAX_KEYS_PER_REQUEST: usize = 5_000;
/// Keys in one version.
const MAX_KEYS_PER_VERSION: i64 = 500_000;
/// Session data of one version, in bytes: a client that restores asks for all of it at once.
const MAX_BYTES_PER_VERSION: i64 = 96 * 1024 * 1024;
/// Longest session id, in bytes.
const MAX_SESSION_ID_BYTES: usize = 255;
/// Largest key, in bytes.
const MAX_KEY_BYTES: usize = 65_536;

/// Keys by room and session.
pub type Rooms = BTreeMap<OwnedRoomId, BTreeMap<String, Raw<KeyBackupData>>>;

/// Which keys of a version.
#[derive(Clone, Debug)]
pub enum Which {
    /// All of them.
    All,
    /// Those of a room.
    Room(OwnedRoomId),
    /// That of a session.
    Session(OwnedRoomId, String),
}

/// What clients compare to see whether others wrote to the backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Differs after every change.
    pub etag: String,
    /// How many keys there are.
    pub count: UInt,
}

impl From<&BackupVersion> for Mark {
    fn from(version: &BackupVersion) -> Self {
        Self {
            etag: version.etag.to_string(),
            count: UInt::try_from(version.key_count).unwrap_or_default(),
        }
    }
}

/// A key as clients send it.
#[derive(Deserialize)]
struct Received {
    first_message_index: UInt,
    forwarded_count: UInt,
    is_verified: bool,
    session_data: serde_json::Value,
}

/// A key as clients get it.
#[derive(Serialize)]
struct Sent<'a> {
    first_message_index: i64,
    forwarded_count: i64,
    is_verified: bool,
    session_data: &'a RawValue,
}

/// Writes keys, each where it is better than what is there.
///
/// # Errors
/// `NotFound` when there is no such version, `WrongRoomKeysVersion` when there is a newer one; `BadJson`,
/// `InvalidParam` and `TooLarge` for malformed keys or too many.
pub async fn put(server: &Arc<Server>, caller: Caller, version: &str, rooms: Rooms) -> Result<Mark> {
    let number = number(version)?;
    if rooms.values().map(BTreeMap::len).sum::<usize>() > MAX_KEYS_PER_REQUEST {
        return Err(Refusal::InvalidParam(format!(
            "please write at most {MAX_KEYS_PER_REQUEST} keys at once"
        )));
    }
    let mut keys = Vec::new();
    for (room_id, sessions) in rooms {
        for (session_id, data) in sessions {
            keys.push(checked(room_id.clone(), session_id, data.json().get())?);
        }
    }
    let version = server
        .store
        .write(Put {
            user_id: caller.user_id,
            number,
            keys,
        })
        .await?;
    Ok(Mark::from(&version))
}

/// Reads keys. A room or session without keys is missing.
///
/// # Errors
/// `NotFound` when there is no such version.
pub async fn get(server: &Arc<Server>, caller: Caller, version: &str, which: Which) -> Result<Rooms> {
    let number = number(version)?;
    let user_id = caller.user_id;
    let keys = server
        .store
        .read(move |tx| Box::pin(async move { read(tx, &user_id, number, &which).await }))
        .await?;
    let mut rooms = Rooms::new();
    for BackupKey {
        room_id,
        session_id,
        quality,
        session_data,
    } in keys
    {
        let session_data: &RawValue = serde_json::from_str(&session_data)?;
        let BackupKeyQuality {
            first_message_index,
            forwarded_count,
            is_verified,
        } = quality;
        let key = to_raw_value(&Sent {
            first_message_index,
            forwarded_count,
            is_verified,
            session_data,
        })?;
        rooms
            .entry(room_id)
            .or_default()
            .insert(session_id, Raw::from_json(key));
    }
    Ok(rooms)
}

/// Removes keys.
///
/// # Errors
/// `NotFound` when there is no such version.
pub async fn delete(server: &Arc<Server>, caller: Caller, version: &str, which: Which) -> Result<Mark> {
    let number = number(version)?;
    let version = server
        .store
        .write(Delete {
            user_id: caller.user_id,
            number,
            which,
        })
        .await?;
    Ok(Mark::from(&version))
}

fn checked(room_id: OwnedRoomId, session_id: String, json: &str) -> Result<BackupKey> {
    if session_id.is_empty() || session_id.len() > MAX_SESSION_ID_BYTES {
        return Err(Refusal::InvalidParam(format!(
            "a session id has 1 to {MAX_SESSION_ID_BYTES} bytes"
        )));
    }
    if json.len() > MAX_KEY_BYTES {
        return Err(Refusal::TooLarge(format!(
            "a key is larger than {MAX_KEY_BYTES} bytes"
        )));
    }
    let received: Received =
        serde_json::from_str(json).map_err(|error| Refusal::BadJson(error.to_string()))?;
    let quality = BackupKeyQuality {
        first_message_index: received.first_message_index.into(),
        forwarded_count: received.forwarded_count.into(),
        is_verified: received.is_verified,
    };
    let session_data = serde_json::to_string(&canonical_object(received.session_data)?)?;
    Ok(BackupKey {
        room_id,
        session_id,
        quality,
        session_data,
    })
}

/// Whether a key takes the place of the one that is there: a verified one does of an unverified one, then the one
/// that decrypts from an earlier message on, then the one that was forwarded less often.
fn is_better(new: BackupKeyQuality, old: BackupKeyQuality) -> bool {
    let rank = |key: BackupKeyQuality| (!key.is_verified, key.first_message_index, key.forwarded_count);
    rank(new) < rank(old)
}

async fn read(tx: &mut Tx<'_>, user_id: &OwnedUserId, number: i64, which: &Which) -> Result<Vec<BackupKey>> {
    existing(tx, user_id, number).await?;
    Ok(match which {
        Which::All => tx.backup_key_list(user_id, number, None).await?,
        Which::Room(room_id) => tx.backup_key_list(user_id, number, Some(room_id)).await?,
        Which::Session(room_id, session) => tx
            .backup_key_get(user_id, number, room_id, session)
            .await?
            .into_iter()
            .collect(),
    })
}

struct Put {
    user_id: OwnedUserId,
    number: i64,
    keys: Vec<BackupKey>,
}

impl Work for Put {
    type Out = BackupVersion;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<BackupVersion> {
        tx.cross_signing_lock(&self.user_id).await?;
        let latest = tx
            .backup_version_latest(&self.user_id)
            .await?
            .ok_or_else(unknown_version)?;
        if latest.version != self.number {
            existing(tx, &self.user_id, self.number).await?;
            return Err(Refusal::WrongRoomKeysVersion {
                current: latest.version.to_string(),
            });
        }
        let there = tx
            .backup_key_quality(&self.user_id, self.number, &self.keys)
            .await?;
        let (mut better, mut replaced) = (Vec::new(), Vec::new());
        let mut more = 0;
        for (key, there) in self.keys.iter().zip(there) {
            match there {
                Some(there) if !is_better(key.quality, there) => continue,
                Some(_) => replaced.push(key),
                None => more += 1,
            }
            better.push(key);
        }
        if better.is_empty() {
            return Ok(latest);
        }
        if latest.key_count + more > MAX_KEYS_PER_VERSION {
            return Err(Refusal::TooLarge(format!(
                "a backup has at most {MAX_KEYS_PER_VERSION} keys"
            )));
        }
        let bytes = better
            .iter()
            .map(|key| key.session_data.len() as i64)
            .sum::<i64>()
            - tx.backup_key_bytes(&self.user_id, self.number, &replaced).await?;
        check_size(latest.key_bytes, bytes)?;
        tx.backup_key_put(&self.user_id, self.number, &better).await?;
        tx.backup_grow(&self.user_id, self.number, bytes).await?;
        Ok(tx.backup_touch(&self.user_id, self.number, more).await?)
    }
}

/// Refuses what makes a version of so many bytes too large. What makes it smaller is always welcome.
fn check_size(there: i64, more: i64) -> Result<()> {
    if more > 0 && there + more > MAX_BYTES_PER_VERSION {
        let max_mib = MAX_BYTES_PER_VERSION / 1024 / 1024;
        return Err(Refusal::TooLarge(format!(
            "the keys of a backup have at most {max_mib} MiB; please make a new backup"
        )));
    }
    Ok(())
}

struct Delete {
    user_id: OwnedUserId,
    number: i64,
    which: Which,
}

impl Work for Delete {
    type Out = BackupVersion;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<BackupVersion> {
        tx.cross_signing_lock(&self.user_id).await?;
        let version = existing(tx, &self.user_id, self.number).await?;
        let (room_id, session) = match &self.which {
            Which::All => (None, None),
            Which::Room(room_id) => (Some(&**room_id), None),
            Which::Session(room_id, session) => (Some(&**room_id), Some(session.as_str())),
        };
        let removed = tx
            .backup_key_delete(&self.user_id, self.number, room_id, session)
            .await?;
        if removed == 0 {
            return Ok(version);
        }
        tx.backup_measure(&self.user_id, self.number).await?;
        let fewer = i64::try_from(removed).unwrap_or(i64::MAX);
        Ok(tx.backup_touch(&self.user_id, self.number, -fewer).await?)
    }
}

#[cfg(test)]
mod tests {
    use rohrpost_store::BackupKeyQuality;

    use super::{MAX_BYTES_PER_VERSION, check_size, is_better};
    use crate::Refusal;

    fn key(is_verified: bool, first_message_index: i64, forwarded_count: i64) -> BackupKeyQuality {
        BackupKeyQuality {
            first_message_index,
            forwarded_count,
            is_verified,
        }
    }

    #[test]
    fn the_better_key_is_kept() {
        let in_order = [
            key(true, 0, 0),
            key(true, 0, 1),
            key(true, 5, 0),
            key(false, 0, 0),
            key(false, 0, 3),
            key(false, 1, 0),
        ];
        for (index, better) in in_order.iter().enumerate() {
            for (other, worse) in in_order.iter().enumerate() {
                assert_eq!(
                    is_better(*better, *worse),
                    index < other,
                    "{better:?} for {worse:?}"
                );
            }
        }
    }

    #[test]
    fn a_backup_is_not_larger_than_a_server_can_hand_out() {
        assert!(check_size(MAX_BYTES_PER_VERSION - 10, 10).is_ok());
        assert!(matches!(
            check_size(MAX_BYTES_PER_VERSION - 10, 11),
            Err(Refusal::TooLarge(_))
        ));
        assert!(check_size(MAX_BYTES_PER_VERSION + 10, -1).is_ok());
    }
}
