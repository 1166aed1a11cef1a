//! Filters that clients stored.

use ruma::UserId;

use crate::{Result, Tx, value::params};

impl Tx<'_> {
    /// Keeps a filter under an id that is derived from it; keeping it twice is one row.
    pub async fn filter_put(&mut self, user_id: &UserId, filter_id: &str, filter: &str) -> Result<()> {
        let sql = "INSERT INTO filters (user_id, filter_id, filter) VALUES ($1, $2, $3) \
                   ON CONFLICT (user_id, filter_id) DO NOTHING";
        self.execute(sql, params![user_id, filter_id, filter]).await?;
        Ok(())
    }

    /// A stored filter, as JSON.
    pub async fn filter_get(&mut self, user_id: &UserId, filter_id: &str) -> Result<Option<String>> {
        let sql = "SELECT filter FROM filters WHERE user_id = $1 AND filter_id = $2";
        self.query_opt(sql, params![user_id, filter_id])
            .await?
            .map(|row| row.get(0))
            .transpose()
    }

    /// How many filters a user stored.
    pub async fn filter_count(&mut self, user_id: &UserId) -> Result<i64> {
        self.query_one(
            "SELECT COUNT(*) FROM filters WHERE user_id = $1",
            params![user_id],
        )
        .await?
        .get(0)
    }
}
