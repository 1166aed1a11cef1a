//! The one counter of positions.

use crate::{Result, StreamPos, Tx};

impl Tx<'_> {
    /// Takes the next position. Positions become visible in order: whoever writes holds the counter until the
    /// commit.
    pub async fn pos_next(&mut self) -> Result<StreamPos> {
        if let Some(pos) = self.held_pos_next() {
            return Ok(pos);
        }
        self.query_one("UPDATE stream SET pos = pos + 1 WHERE id = 1 RETURNING pos", &[])
            .await?
            .get(0)
    }

    /// The newest committed position in this snapshot.
    pub async fn pos_now(&mut self) -> Result<StreamPos> {
        if let Some(pos) = self.held_pos_now() {
            return Ok(pos);
        }
        self.query_one("SELECT pos FROM stream WHERE id = 1", &[])
            .await?
            .get(0)
    }
}
