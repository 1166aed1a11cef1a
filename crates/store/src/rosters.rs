//! The signed roster of the federation: what is trusted, and the document that was accepted last.

use crate::{
    Result, Tx,
    value::{Row, params},
};

/// What is kept of the roster of a federation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterRow {
    /// What the next document is held against, as JSON.
    pub trusted: String,
    /// The document that was accepted last.
    pub document: Vec<u8>,
}

fn roster(row: &Row) -> Result<RosterRow> {
    Ok(RosterRow {
        trusted: row.get(0)?,
        document: row.get(1)?,
    })
}

impl Tx<'_> {
    /// What the next document of a federation is held against, without the document itself, which is large.
    pub async fn roster_trusted(&mut self, roster_id: &str) -> Result<Option<String>> {
        let sql = "SELECT trusted FROM rosters WHERE roster_id = $1";
        let row = self.query_opt(sql, params![roster_id]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// All that is kept of the roster of a federation.
    pub async fn roster_get(&mut self, roster_id: &str) -> Result<Option<RosterRow>> {
        let sql = "SELECT trusted, document FROM rosters WHERE roster_id = $1";
        let row = self.query_opt(sql, params![roster_id]).await?;
        row.as_ref().map(roster).transpose()
    }

    /// Keeps a document that was accepted, in the place of the one before.
    pub async fn roster_put(&mut self, roster_id: &str, row: &RosterRow, accepted_ts: i64) -> Result<()> {
        let sql = "INSERT INTO rosters (roster_id, trusted, document, accepted_ts) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (roster_id) DO UPDATE SET trusted = excluded.trusted, \
                   document = excluded.document, accepted_ts = excluded.accepted_ts";
        let params = params![roster_id, &row.trusted, &row.document, accepted_ts];
        self.execute(sql, params).await?;
        Ok(())
    }
}
