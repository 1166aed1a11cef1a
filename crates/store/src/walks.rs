//! How far work that follows the stream has come, so that it goes on there after a restart.

use crate::{Result, StreamPos, Tx, value::params};

impl Tx<'_> {
    /// Up to where a walk has come. `None`: it never began.
    pub async fn walk_get(&mut self, name: &str) -> Result<Option<StreamPos>> {
        let sql = "SELECT pos FROM walks WHERE name = $1";
        let row = self.query_opt(sql, params![name]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Moves a walk on. `false`: it isn't where the caller found it, because another node went on; nothing was
    /// changed. `from` is `None` for a walk that begins.
    pub async fn walk_move(&mut self, name: &str, from: Option<StreamPos>, to: StreamPos) -> Result<bool> {
        let touched = match from {
            Some(from) => {
                let sql = "UPDATE walks SET pos = $3 WHERE name = $1 AND pos = $2";
                self.execute(sql, params![name, from, to]).await?
            }
            None => {
                let sql = "INSERT INTO walks (name, pos) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
                self.execute(sql, params![name, to]).await?
            }
        };
        Ok(touched == 1)
    }
}
