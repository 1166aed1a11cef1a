//! What was uploaded. The bytes are in the blob store, under the hash of their content.

use ruma::OwnedUserId;

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
}
