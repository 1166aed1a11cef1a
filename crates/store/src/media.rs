//! What was uploaded. The bytes are in the blob store, under the hash of their content.

use ruma::{OwnedUserId, UserId};

use crate::{
    Result, Tx,
    value::{Row, params},
};

/// An uploaded file.
#[derive(Clone, Debug)]
pub struct MediaRow {
    /// The last part of its `mxc://` address.
    pub media_id: String,
    /// Who uploaded it.
    pub owner: OwnedUserId,
    /// As the uploader said.
    pub content_type: Option<String>,
    /// As the uploader said.
    pub file_name: Option<String>,
    /// Length of the content.
    pub size_bytes: i64,
    /// SHA-256 of the content, hexadecimal.
    pub hash: String,
}

/// Which thumbnail of which picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThumbnailKey {
    /// The hash of the original.
    pub hash: String,
    /// Width of the box it is fitted to, in pixels.
    pub width: u32,
    /// Height of the box it is fitted to, in pixels.
    pub height: u32,
    /// `crop`, `scale`, or one of them with `-animated`.
    pub method: &'static str,
}

/// A thumbnail that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThumbnailRow {
    /// SHA-256 of the thumbnail, hexadecimal: its name in the blob store.
    pub hash: String,
    /// Its content type.
    pub content_type: String,
    /// Its length.
    pub size_bytes: i64,
}

fn media(row: &Row) -> Result<MediaRow> {
    Ok(MediaRow {
        media_id: row.get(0)?,
        owner: row.get(1)?,
        content_type: row.get(2)?,
        file_name: row.get(3)?,
        size_bytes: row.get(4)?,
        hash: row.get(5)?,
    })
}

impl Tx<'_> {
    /// Notes an upload, whose bytes must be durable already.
    pub async fn media_insert(&mut self, new: &MediaRow, now_ts: i64) -> Result<()> {
        let sql = "INSERT INTO media (media_id, owner, content_type, file_name, size_bytes, hash, created_ts) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = params![
            &new.media_id,
            &new.owner,
            new.content_type.as_ref(),
            new.file_name.as_ref(),
            new.size_bytes,
            &new.hash,
            now_ts
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// An uploaded file.
    pub async fn media_get(&mut self, media_id: &str) -> Result<Option<MediaRow>> {
        let sql = "SELECT media_id, owner, content_type, file_name, size_bytes, hash FROM media WHERE media_id = $1";
        self.query_opt(sql, params![media_id])
            .await?
            .as_ref()
            .map(media)
            .transpose()
    }

    /// How many bytes somebody uploaded after `since_ts`, and when the first of those files came.
    pub async fn media_bytes_since(&mut self, owner: &UserId, since_ts: i64) -> Result<(i64, Option<i64>)> {
        let sql = "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT), MIN(created_ts) FROM media \
                   WHERE owner = $1 AND created_ts > $2";
        let row = self.query_one(sql, params![owner, since_ts]).await?;
        Ok((row.get(0)?, row.get(1)?))
    }

    /// Notes a thumbnail, whose bytes must be durable already. One that is there stays.
    pub async fn thumbnail_put(&mut self, key: &ThumbnailKey, new: &ThumbnailRow) -> Result<()> {
        let sql = "INSERT INTO thumbnails (hash, width, height, method, thumbnail_hash, content_type, size_bytes) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (hash, width, height, method) DO NOTHING";
        let values = params![
            &key.hash,
            key.width,
            key.height,
            key.method,
            &new.hash,
            &new.content_type,
            new.size_bytes
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// A thumbnail that was made.
    pub async fn thumbnail_get(&mut self, key: &ThumbnailKey) -> Result<Option<ThumbnailRow>> {
        let sql = "SELECT thumbnail_hash, content_type, size_bytes FROM thumbnails \
                   WHERE hash = $1 AND width = $2 AND height = $3 AND method = $4";
        let row = self
            .query_opt(sql, params![&key.hash, key.width, key.height, key.method])
            .await?;
        let thumbnail = |row: Row| {
            Ok(ThumbnailRow {
                hash: row.get(0)?,
                content_type: row.get(1)?,
                size_bytes: row.get(2)?,
            })
        };
        row.map(thumbnail).transpose()
    }
}
