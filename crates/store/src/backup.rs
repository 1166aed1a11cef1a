//! Key backups. Their content is encrypted by the clients; we only keep and compare what the specification names.

use ruma::{OwnedRoomId, RoomId, UserId};

use crate::{
    Result, Tx,
    value::{Row, params},
};

/// A version of a user's key backup.
#[derive(Clone, Debug)]
pub struct BackupVersion {
    /// Grows with each new backup.
    pub version: i64,
    /// The algorithm's name.
    pub algorithm: String,
    /// A JSON object.
    pub auth_data: String,
    /// Grows with every change of its keys.
    pub etag: i64,
}

/// The backed-up key of one Megolm session.
#[derive(Clone, Debug)]
pub struct BackupKey {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The session. May contain any character of base64, `/` and `+` among them.
    pub session_id: String,
    /// From which message on it can decrypt.
    pub first_message_index: i64,
    /// How often it was forwarded.
    pub forwarded_count: i64,
    /// Whether the device that made the session was verified.
    pub is_verified: bool,
    /// A JSON object, encrypted.
    pub session_data: String,
}

fn version(row: &Row) -> Result<BackupVersion> {
    Ok(BackupVersion {
        version: row.get(0)?,
        algorithm: row.get(1)?,
        auth_data: row.get(2)?,
        etag: row.get(3)?,
    })
}

fn key(row: &Row) -> Result<BackupKey> {
    Ok(BackupKey {
        room_id: row.get(0)?,
        session_id: row.get(1)?,
        first_message_index: row.get(2)?,
        forwarded_count: row.get(3)?,
        is_verified: row.get(4)?,
        session_data: row.get(5)?,
    })
}

impl Tx<'_> {
    /// Makes a new version and returns its number.
    pub async fn backup_version_insert(
        &mut self,
        user_id: &UserId,
        algorithm: &str,
        auth_data: &str,
    ) -> Result<i64> {
        let sql = "INSERT INTO backup_versions (user_id, version, algorithm, auth_data, etag, deleted) \
                   SELECT CAST($1 AS TEXT), COALESCE(MAX(version), 0) + 1, CAST($2 AS TEXT), CAST($3 AS TEXT), 0, 0 \
                   FROM backup_versions WHERE user_id = $1 RETURNING version";
        self.query_one(sql, params![user_id, algorithm, auth_data])
            .await?
            .get(0)
    }

    /// The newest version.
    pub async fn backup_version_latest(&mut self, user_id: &UserId) -> Result<Option<BackupVersion>> {
        let sql = "SELECT version, algorithm, auth_data, etag FROM backup_versions \
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
        let sql = "SELECT version, algorithm, auth_data, etag FROM backup_versions \
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

    /// Removes a version and its keys; its number isn't used again.
    pub async fn backup_version_delete(&mut self, user_id: &UserId, number: i64) -> Result<()> {
        let which: &[_] = params![user_id, number];
        self.execute_all(&[
            ("UPDATE backup_versions SET deleted = 1, auth_data = '{}' WHERE user_id = $1 AND version = $2", which),
            ("DELETE FROM backup_keys WHERE user_id = $1 AND version = $2", which),
        ])
        .await
    }

    /// Marks a version as changed and returns its new etag.
    pub async fn backup_touch(&mut self, user_id: &UserId, number: i64) -> Result<i64> {
        let sql =
            "UPDATE backup_versions SET etag = etag + 1 WHERE user_id = $1 AND version = $2 RETURNING etag";
        self.query_one(sql, params![user_id, number]).await?.get(0)
    }

    /// Sets a key, whatever was there.
    pub async fn backup_key_put(&mut self, user_id: &UserId, number: i64, new: &BackupKey) -> Result<()> {
        let sql = "INSERT INTO backup_keys (user_id, version, room_id, session_id, first_message_index, forwarded_count, \
                   is_verified, session_data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                   ON CONFLICT (user_id, version, room_id, session_id) DO UPDATE SET \
                   first_message_index = excluded.first_message_index, forwarded_count = excluded.forwarded_count, \
                   is_verified = excluded.is_verified, session_data = excluded.session_data";
        let values = params![
            user_id,
            number,
            &new.room_id,
            &new.session_id,
            new.first_message_index,
            new.forwarded_count,
            new.is_verified,
            &new.session_data
        ];
        self.execute(sql, values).await?;
        Ok(())
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

    /// How many keys a version has.
    pub async fn backup_key_count(&mut self, user_id: &UserId, number: i64) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM backup_keys WHERE user_id = $1 AND version = $2";
        self.query_one(sql, params![user_id, number]).await?.get(0)
    }

    /// Removes keys: all of a version, those of one room, or one.
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
            (None, _) => self.execute(all, params![user_id, number]).await,
            (Some(room_id), None) => self.execute(of_room, params![user_id, number, room_id]).await,
            (Some(room_id), Some(session_id)) => {
                self.execute(one, params![user_id, number, room_id, session_id])
                    .await
            }
        }
    }
}
