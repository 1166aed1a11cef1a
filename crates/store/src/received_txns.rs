//! Transactions of other servers that were answered, so that a repeated one gets the same answer.

use ruma::ServerName;

use crate::{Result, Tx, value::params};

impl Tx<'_> {
    /// The answer that a server got to a transaction.
    pub async fn received_txn_get(&mut self, origin: &ServerName, txn_id: &str) -> Result<Option<String>> {
        let sql = "SELECT answer FROM received_txns WHERE origin = $1 AND txn_id = $2";
        let row = self.query_opt(sql, params![origin.as_str(), txn_id]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Notes the answer to a transaction; the first one stays.
    pub async fn received_txn_put(
        &mut self,
        origin: &ServerName,
        txn_id: &str,
        answer: &str,
        now_ts: i64,
    ) -> Result<()> {
        let sql = "INSERT INTO received_txns (origin, txn_id, answer, received_ts) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (origin, txn_id) DO NOTHING";
        self.put(sql, params![origin.as_str(), txn_id, answer, now_ts])
            .await
    }

    /// Forgets transactions from before `before_ts`.
    pub async fn received_txn_delete_old(&mut self, before_ts: i64) -> Result<u64> {
        let sql = "DELETE FROM received_txns WHERE received_ts < $1";
        self.execute(sql, params![before_ts]).await
    }
}
