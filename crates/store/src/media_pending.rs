//! Addresses of files that are to be uploaded later. What was uploaded is in [`crate::MediaRow`].

use ruma::{OwnedUserId, UserId};

use crate::{Result, Tx, value::params};

/// An address without a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingMedia {
    /// Who may upload the file.
    pub owner: OwnedUserId,
    /// Until when, in ms since the epoch.
    pub expires_ts: i64,
}

impl Tx<'_> {
    /// Notes an address without a file.
    pub async fn media_pending_insert(&mut self, media_id: &str, new: &PendingMedia) -> Result<()> {
        let sql = "INSERT INTO media_pending (media_id, owner, expires_ts) VALUES ($1, $2, $3)";
        self.execute(sql, params![media_id, &new.owner, new.expires_ts])
            .await?;
        Ok(())
    }

    /// An address without a file, also when its time is over.
    pub async fn media_pending_get(&mut self, media_id: &str) -> Result<Option<PendingMedia>> {
        let sql = "SELECT owner, expires_ts FROM media_pending WHERE media_id = $1";
        let row = self.query_opt(sql, params![media_id]).await?;
        row.map(|row| {
            Ok(PendingMedia {
                owner: row.get(0)?,
                expires_ts: row.get(1)?,
            })
        })
        .transpose()
    }

    /// How many addresses somebody has that are still good, and when the first of them ends.
    pub async fn media_pending_count(&mut self, owner: &UserId, now_ts: i64) -> Result<(i64, Option<i64>)> {
        let sql = "SELECT COUNT(*), MIN(expires_ts) FROM media_pending WHERE owner = $1 AND expires_ts > $2";
        let row = self.query_one(sql, params![owner, now_ts]).await?;
        Ok((row.get(0)?, row.get(1)?))
    }

    /// Takes an address away, because its file came. `false`: there was none.
    pub async fn media_pending_delete(&mut self, media_id: &str) -> Result<bool> {
        let sql = "DELETE FROM media_pending WHERE media_id = $1";
        Ok(self.execute(sql, params![media_id]).await? > 0)
    }

    /// Takes away the addresses whose time was over at `now_ts`.
    pub async fn media_pending_delete_expired(&mut self, now_ts: i64) -> Result<()> {
        let sql = "DELETE FROM media_pending WHERE expires_ts <= $1";
        self.execute(sql, params![now_ts]).await?;
        Ok(())
    }
}
