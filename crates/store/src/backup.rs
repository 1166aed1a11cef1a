//! Key backups. Their content is encrypted by the clients; we only keep and compare what the specification names.

use ruma::{OwnedRoomId, RoomId, UserId};

use crate::{
    Result, Tx,
    value::{Row, Value, params},
};

/// A version of a user's key backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupVersion {
    /// Grows with each new backup.
    pub version: i64,
    /// The algorithm's name.
    pub algorithm: String,
    /// A JSON object.
    pub auth_data: String,
    /// Grows with every change of its keys.
    pub etag: i64,
    /// How many keys it has.
    pub key_count: i64,
    /// How large the session data of its keys is together, in bytes.
    pub key_bytes: i64,
}

/// What the specification compares two keys of one session by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupKeyQuality {
    /// From which message on it can decrypt.
    pub first_message_index: i64,
    /// How often it was forwarded.
    pub forwarded_count: i64,
    /// Whether the device that made the session was verified.
    pub is_verified: bool,
}

/// The backed-up key of one Megolm session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupKey {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The session. May contain any character of base64, `/` and `+` among them.
    pub session_id: String,
    /// How good it is.
    pub quality: BackupKeyQuality,
    /// A JSON object, encrypted.
    pub session_data: String,
}

fn version(row: &Row) -> Result<BackupVersion> {
    Ok(BackupVersion {
        version: row.get(0)?,
        algorithm: row.get(1)?,
        auth_data: row.get(2)?,
        etag: row.get(3)?,
        key_count: row.get(4)?,
        key_bytes: row.get(5)?,
    })
}

fn quality(row: &Row, column: usize) -> Result<BackupKeyQuality> {
    Ok(BackupKeyQuality {
        first_message_index: row.get(column)?,
        forwarded_count: row.get(column + 1)?,
        is_verified: row.get(column + 2)?,
    })
}

fn key(row: &Row) -> Result<BackupKey> {
    Ok(BackupKey {
        room_id: row.get(0)?,
        session_id: row.get(1)?,
        quality: quality(row, 2)?,
        session_data: row.get(5)?,
    })
}

impl Tx<'_> {
    /// Makes a new version and returns its number. Needs [`Tx::cross_signing_lock`].
    pub async fn backup_version_insert(
        &mut self,
        user_id: &UserId,
        algorithm: &str,
        auth_data: &str,
    ) -> Result<i64> {
        let sql = "INSERT INTO backup_versions (user_id, version, algorithm, auth_data, etag, key_count, key_bytes, deleted) \
                   SELECT CAST($1 AS TEXT), COALESCE(MAX(version), 0) + 1, CAST($2 AS TEXT), CAST($3 AS TEXT), 0, 0, 0, 0 \
                   FROM backup_versions WHERE user_id = $1 RETURNING version";
        self.query_one(sql, params![user_id, algorithm, auth_data])
            .await?
            .get(0)
    }

    /// The newest version.
    pub async fn backup_version_latest(&mut self, user_id: &UserId) -> Result<Option<BackupVersion>> {
        let sql = "SELECT version, algorithm, auth_data, etag, key_count, key_bytes FROM backup_versions \
                   WHERE user_id = $1 AND deleted = 0 ORDER BY version DESC LIMIT 1";
        self.query_opt(sql, params![user_id])
            .await?
            .as_ref()
            .map(version)
            .transpose()
    }

    /// One version.
    pub async fn backup_version_get(
        &mut self,
        user_id: &UserId,
        number: i64,
    ) -> Result<Option<BackupVersion>> {
        let sql = "SELECT version, algorithm, auth_data, etag, key_count, key_bytes FROM backup_versions \
                   WHERE user_id = $1 AND version = $2 AND deleted = 0";
        self.query_opt(sql, params![user_id, number])
            .await?
            .as_ref()
            .map(version)
            .transpose()
    }

    /// Changes the auth data of a version.
    pub async fn backup_version_update(
        &mut self,
        user_id: &UserId,
        number: i64,
        auth_data: &str,
    ) -> Result<()> {
        let sql = "UPDATE backup_versions SET auth_data = $3 WHERE user_id = $1 AND version = $2";
        self.execute(sql, params![user_id, number, auth_data]).await?;
        Ok(())
    }

    /// Removes a version and its keys; its number isn't used again. `false`: there never was such a version.
    pub async fn backup_version_delete(&mut self, user_id: &UserId, number: i64) -> Result<bool> {
        let which: &[_] = params![user_id, number];
        let mark = "UPDATE backup_versions SET deleted = 1, key_count = 0, key_bytes = 0, auth_data = '{}' WHERE user_id = $1 AND version = $2";
        let existed = self.execute(mark, which).await? == 1;
        self.execute(
            "DELETE FROM backup_keys WHERE user_id = $1 AND version = $2",
            which,
        )
        .await?;
        Ok(existed)
    }

    /// Notes that keys of a version changed, and how many more there are now (fewer: negative).
    pub async fn backup_touch(&mut self, user_id: &UserId, number: i64, more: i64) -> Result<BackupVersion> {
        let sql = "UPDATE backup_versions SET etag = etag + 1, key_count = key_count + $3 WHERE user_id = $1 AND version = $2 \
                   RETURNING version, algorithm, auth_data, etag, key_count, key_bytes";
        version(&self.query_one(sql, params![user_id, number, more]).await?)
    }

    /// Notes that the keys of a version are so many bytes larger (smaller: negative).
    pub async fn backup_grow(&mut self, user_id: &UserId, number: i64, bytes: i64) -> Result<()> {
        let sql = "UPDATE backup_versions SET key_bytes = key_bytes + $3 WHERE user_id = $1 AND version = $2";
        self.execute(sql, params![user_id, number, bytes]).await?;
        Ok(())
    }

    /// Adds up anew how large the keys of a version are: after some were removed. Reads all of them.
    pub async fn backup_measure(&mut self, user_id: &UserId, number: i64) -> Result<()> {
        let sql = "UPDATE backup_versions SET key_bytes = (SELECT COALESCE(SUM(OCTET_LENGTH(session_data)), 0) \
                   FROM backup_keys WHERE user_id = $1 AND version = $2) WHERE user_id = $1 AND version = $2";
        self.execute(sql, params![user_id, number]).await?;
        Ok(())
    }

    /// How large the session data is that a version has of these sessions, together, in bytes.
    pub async fn backup_key_bytes(
        &mut self,
        user_id: &UserId,
        number: i64,
        keys: &[&BackupKey],
    ) -> Result<i64> {
        let sql = "SELECT CAST(OCTET_LENGTH(session_data) AS BIGINT) FROM backup_keys \
                   WHERE user_id = $1 AND version = $2 AND room_id = $3 AND session_id = $4";
        let asked: Vec<Vec<Value<'_>>> = keys
            .iter()
            .map(|key| {
                vec![
                    user_id.into(),
                    number.into(),
                    (&key.room_id).into(),
                    (&key.session_id).into(),
                ]
            })
            .collect();
        let answers = self.query_each(sql, &asked).await?;
        answers
            .iter()
            .filter_map(|rows| rows.first())
            .map(|row| row.get::<i64>(0))
            .sum()
    }

    /// How good the keys are that a version has of these sessions, in their order.
    pub async fn backup_key_quality(
        &mut self,
        user_id: &UserId,
        number: i64,
        keys: &[BackupKey],
    ) -> Result<Vec<Option<BackupKeyQuality>>> {
        let sql = "SELECT first_message_index, forwarded_count, is_verified FROM backup_keys \
                   WHERE user_id = $1 AND version = $2 AND room_id = $3 AND session_id = $4";
        let asked: Vec<Vec<Value<'_>>> = keys
            .iter()
            .map(|key| {
                vec![
                    user_id.into(),
                    number.into(),
                    (&key.room_id).into(),
                    (&key.session_id).into(),
                ]
            })
            .collect();
        let answers = self.query_each(sql, &asked).await?;
        answers
            .iter()
            .map(|rows| rows.first().map(|row| quality(row, 0)).transpose())
            .collect()
    }

    /// Sets keys, whatever was there.
    pub async fn backup_key_put(&mut self, user_id: &UserId, number: i64, new: &[&BackupKey]) -> Result<()> {
        let sql = "INSERT INTO backup_keys (user_id, version, room_id, session_id, first_message_index, forwarded_count, \
                   is_verified, session_data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                   ON CONFLICT (user_id, version, room_id, session_id) DO UPDATE SET \
                   first_message_index = excluded.first_message_index, forwarded_count = excluded.forwarded_count, \
                   is_verified = excluded.is_verified, session_data = excluded.session_data";
        let rows: Vec<Vec<Value<'_>>> = new
            .iter()
            .map(|new| {
                vec![
                    user_id.into(),
                    number.into(),
                    (&new.room_id).into(),
                    (&new.session_id).into(),
                    new.quality.first_message_index.into(),
                    new.quality.forwarded_count.into(),
                    new.quality.is_verified.into(),
                    (&new.session_data).into(),
                ]
            })
            .collect();
        self.execute_each(sql, &rows).await
    }

    /// One key.
    pub async fn backup_key_get(
        &mut self,
        user_id: &UserId,
        number: i64,
        room_id: &RoomId,
        session_id: &str,
    ) -> Result<Option<BackupKey>> {
        let sql = "SELECT room_id, session_id, first_message_index, forwarded_count, is_verified, session_data \
                   FROM backup_keys WHERE user_id = $1 AND version = $2 AND room_id = $3 AND session_id = $4";
        self.query_opt(sql, params![user_id, number, room_id, session_id])
            .await?
            .as_ref()
            .map(key)
            .transpose()
    }

    /// All keys of a version, or those of one room.
    pub async fn backup_key_list(
        &mut self,
        user_id: &UserId,
        number: i64,
        room_id: Option<&RoomId>,
    ) -> Result<Vec<BackupKey>> {
        let all = "SELECT room_id, session_id, first_message_index, forwarded_count, is_verified, session_data \
                   FROM backup_keys WHERE user_id = $1 AND version = $2";
        let of_room = "SELECT room_id, session_id, first_message_index, forwarded_count, is_verified, session_data \
                       FROM backup_keys WHERE user_id = $1 AND version = $2 AND room_id = $3";
        let rows = match room_id {
            None => self.query(all, params![user_id, number]).await?,
            Some(room_id) => self.query(of_room, params![user_id, number, room_id]).await?,
        };
        rows.iter().map(key).collect()
    }

    /// Removes keys: all of a version, those of one room, or one of a room. Answers how many.
    pub async fn backup_key_delete(
        &mut self,
        user_id: &UserId,
        number: i64,
        room_id: Option<&RoomId>,
        session_id: Option<&str>,
    ) -> Result<u64> {
        let all = "DELETE FROM backup_keys WHERE user_id = $1 AND version = $2";
        let of_room = "DELETE FROM backup_keys WHERE user_id = $1 AND version = $2 AND room_id = $3";
        let one = "DELETE FROM backup_keys WHERE user_id = $1 AND version = $2 AND room_id = $3 AND session_id = $4";
        match (room_id, session_id) {
            (None, None) => self.execute(all, params![user_id, number]).await,
            // A session is only named together with its room.
            (None, Some(_)) => Ok(0),
            (Some(room_id), None) => self.execute(of_room, params![user_id, number, room_id]).await,
            (Some(room_id), Some(session_id)) => {
                self.execute(one, params![user_id, number, room_id, session_id])
                    .await
            }
        }
    }
}
