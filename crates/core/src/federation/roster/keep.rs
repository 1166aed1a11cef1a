//! What is kept of the roster in the database, so that no restart and no other node takes anything older.

use std::sync::Arc;

use rohrpost_store::{RosterRow, Tx, Work};
use rohrpost_trust::roster::Trusted;

use super::RosterRules;
use crate::{Refusal, Result, Server};

/// What a document is held against.
pub(super) struct Kept {
    /// As it stands in the database; `None` before the first document.
    text: Option<String>,
    /// What follows from that and from what the operator says now.
    pub(super) trusted: Trusted,
}

impl Kept {
    fn new(rules: &RosterRules, text: Option<String>) -> Result<Self> {
        let pins = rules.pins.clone();
        let trusted = match &text {
            // Never as if nothing had been accepted: then an old document would do.
            Some(text) => pins.resume(serde_json::from_str(text).map_err(|error| {
                Refusal::Internal(format!("what is kept of the roster can't be read: {error}"))
            })?),
            None => pins,
        };
        Ok(Self { text, trusted })
    }

    /// Reads what is kept, without the document.
    pub(super) async fn trusted(server: &Arc<Server>, rules: &RosterRules) -> Result<Self> {
        let roster_id = rules.pins.roster_id().to_owned();
        let reading = server
            .store
            .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.roster_trusted(&roster_id).await?) }));
        Self::new(rules, reading.await?)
    }

    /// Reads what is kept, and the document that was accepted last.
    pub(super) async fn whole(server: &Arc<Server>, rules: &RosterRules) -> Result<Option<(Self, Vec<u8>)>> {
        let roster_id = rules.pins.roster_id().to_owned();
        let reading = server
            .store
            .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.roster_get(&roster_id).await?) }));
        let Some(row) = reading.await? else {
            return Ok(None);
        };
        Ok(Some((Self::new(rules, Some(row.trusted))?, row.document)))
    }

    /// Keeps a document that was accepted by what this says. Answers `false`, and keeps nothing, when another node has
    /// accepted one meanwhile: then it has to be decided again.
    pub(super) async fn replace(
        self,
        server: &Arc<Server>,
        trusted: &Trusted,
        document: Vec<u8>,
    ) -> Result<bool> {
        let unit = Replace {
            roster_id: trusted.roster_id().to_owned(),
            was: self.text,
            row: RosterRow {
                trusted: serde_json::to_string(trusted)?,
                document,
            },
            now_ts: server.now_ts(),
        };
        server.store.write(unit).await
    }
}

struct Replace {
    roster_id: String,
    was: Option<String>,
    row: RosterRow,
    now_ts: i64,
}

impl Work for Replace {
    type Out = bool;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool> {
        if tx.roster_trusted(&self.roster_id).await? != self.was {
            return Ok(false);
        }
        tx.roster_put(&self.roster_id, &self.row, self.now_ts).await?;
        Ok(true)
    }
}
