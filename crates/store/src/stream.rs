//! The one counter of positions.

use crate::{Result, StreamPos, Tx};

impl Tx<'_> {
    /// Takes the next position. It is held until the commit: take it late, after everything that can be decided
    /// without it, so that others wait for the shortest time.
    pub async fn pos_next(&mut self) -> Result<StreamPos> {
        self.query_one("UPDATE stream SET pos = pos + 1 WHERE id = 1 RETURNING pos", &[])
            .await?
            .get(0)
    }

    /// The newest committed position in this snapshot.
    pub async fn pos_now(&mut self) -> Result<StreamPos> {
        self.query_one("SELECT pos FROM stream WHERE id = 1", &[])
            .await?
            .get(0)
    }
}
