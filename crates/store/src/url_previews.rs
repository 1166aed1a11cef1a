//! What stands behind links, kept for a while. The pictures are media like others ([`crate::MediaRow`]).

use crate::{Result, Tx, value::params};

impl Tx<'_> {
    /// The preview of a page that is still good at `now_ts`: a JSON object, or `None` within when it couldn't be had.
    pub async fn url_preview_get(&mut self, url: &str, now_ts: i64) -> Result<Option<Option<String>>> {
        let sql = "SELECT answer FROM url_previews WHERE url = $1 AND expires_ts > $2";
        let row = self.query_opt(sql, params![url, now_ts]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Keeps a preview until `expires_ts`, in place of an older one.
    pub async fn url_preview_put(&mut self, url: &str, answer: Option<&str>, expires_ts: i64) -> Result<()> {
        let sql = "INSERT INTO url_previews (url, answer, expires_ts) VALUES ($1, $2, $3) \
                   ON CONFLICT (url) DO UPDATE SET answer = excluded.answer, expires_ts = excluded.expires_ts";
        self.execute(sql, params![url, answer, expires_ts]).await?;
        Ok(())
    }

    /// Removes the previews whose time was over at `now_ts`.
    pub async fn url_preview_delete_expired(&mut self, now_ts: i64) -> Result<()> {
        let sql = "DELETE FROM url_previews WHERE expires_ts <= $1";
        self.execute(sql, params![now_ts]).await?;
        Ok(())
    }

    /// The media id of a preview's picture with this content.
    pub async fn url_preview_picture_get(&mut self, hash: &str) -> Result<Option<String>> {
        let sql = "SELECT media_id FROM url_preview_pictures WHERE hash = $1";
        let row = self.query_opt(sql, params![hash]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Notes under which media id the picture of a preview is kept. `false`: another one was noted before, and stays.
    pub async fn url_preview_picture_put(&mut self, hash: &str, media_id: &str) -> Result<bool> {
        let sql =
            "INSERT INTO url_preview_pictures (hash, media_id) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
        Ok(self.execute(sql, params![hash, media_id]).await? > 0)
    }
}
