//! Requests that were answered, so that a repeated one gets the same answer.

use ruma::{DeviceId, UserId};

use crate::{Result, Tx, value::params};

impl Tx<'_> {
    /// The answer that a device got for this transaction id at this endpoint.
    pub async fn txn_get(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        endpoint: &str,
        txn_id: &str,
    ) -> Result<Option<String>> {
        let sql =
            "SELECT answer FROM txns WHERE user_id = $1 AND device_id = $2 AND endpoint = $3 AND txn_id = $4";
        let row = self
            .query_opt(sql, params![user_id, device_id, endpoint, txn_id])
            .await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Notes the answer to a transaction id. `false`: there is one already; two requests ran at once.
    pub async fn txn_insert(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        endpoint: &str,
        txn_id: &str,
        answer: &str,
        now_ts: i64,
    ) -> Result<bool> {
        let sql = "INSERT INTO txns (user_id, device_id, endpoint, txn_id, answer, created_ts) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id, device_id, endpoint, txn_id) DO NOTHING";
        Ok(self
            .execute(sql, params![user_id, device_id, endpoint, txn_id, answer, now_ts])
            .await?
            == 1)
    }

    /// Forgets answers from before `before_ts`.
    pub async fn txn_delete_old(&mut self, before_ts: i64) -> Result<u64> {
        self.execute("DELETE FROM txns WHERE created_ts < $1", params![before_ts])
            .await
    }
}
