//! Files of other servers that were fetched. The bytes are in the blob store, as those of uploads.

use ruma::{OwnedServerName, ServerName, UserId};

use crate::{MediaRow, Result, Tx, value::params};

/// A file that was fetched. Its owner is whoever had it fetched.
#[derive(Clone, Debug)]
pub struct RemoteMediaRow {
    /// The server that it is from.
    pub server: OwnedServerName,
    /// What is known of it.
    pub media: MediaRow,
}

impl Tx<'_> {
    /// Notes a file that was fetched, whose bytes must be durable already. One that is there stays.
    pub async fn remote_media_put(&mut self, new: &RemoteMediaRow, now_ts: i64) -> Result<()> {
        let sql = "INSERT INTO remote_media (server, media_id, for_user, content_type, file_name, size_bytes, hash, \
                   fetched_ts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (server, media_id) DO NOTHING";
        let RemoteMediaRow { server, media } = new;
        let values = params![
            server.as_str(),
            &media.media_id,
            &media.owner,
            media.content_type.as_ref(),
            media.file_name.as_ref(),
            media.size_bytes,
            &media.hash,
            now_ts
        ];
        self.put(sql, values).await
    }

    /// A file that was fetched.
    pub async fn remote_media_get(
        &mut self,
        server: &ServerName,
        media_id: &str,
    ) -> Result<Option<RemoteMediaRow>> {
        let sql = "SELECT for_user, content_type, file_name, size_bytes, hash FROM remote_media \
                   WHERE server = $1 AND media_id = $2";
        let Some(row) = self.query_opt(sql, params![server.as_str(), media_id]).await? else {
            return Ok(None);
        };
        Ok(Some(RemoteMediaRow {
            server: server.to_owned(),
            media: MediaRow {
                media_id: media_id.to_owned(),
                owner: row.get(0)?,
                content_type: row.get(1)?,
                file_name: row.get(2)?,
                size_bytes: row.get(3)?,
                hash: row.get(4)?,
            },
        }))
    }

    /// How many bytes somebody had fetched after `since_ts`, and when the first of those files came.
    pub async fn remote_media_bytes_since(
        &mut self,
        user_id: &UserId,
        since_ts: i64,
    ) -> Result<(i64, Option<i64>)> {
        let sql = "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT), MIN(fetched_ts) FROM remote_media \
                   WHERE for_user = $1 AND fetched_ts > $2";
        let row = self.query_one(sql, params![user_id, since_ts]).await?;
        Ok((row.get(0)?, row.get(1)?))
    }
}
