//! E-mail addresses that people have shown to be theirs.

use ruma::{OwnedUserId, UserId};

use crate::{Result, Tx, value::params};

/// An e-mail address of an account.
#[derive(Clone)]
pub struct ThirdPartyIdRow {
    /// The address, lower-cased.
    pub address: String,
    /// When they showed it to be theirs, ms since the epoch.
    pub validated_ts: i64,
    /// When it was added, ms since the epoch.
    pub added_ts: i64,
}

impl Tx<'_> {
    /// Adds an address to an account. `false`: it belongs to another account; nothing was changed.
    pub async fn third_party_id_put(&mut self, user_id: &UserId, new: &ThirdPartyIdRow) -> Result<bool> {
        let sql = "INSERT INTO third_party_ids (user_id, address, validated_ts, added_ts) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (address) DO UPDATE SET validated_ts = excluded.validated_ts \
                   WHERE third_party_ids.user_id = excluded.user_id";
        let values = params![user_id, &new.address, new.validated_ts, new.added_ts];
        Ok(self.execute(sql, values).await? == 1)
    }

    /// The addresses of an account, in order.
    pub async fn third_party_id_list(&mut self, user_id: &UserId) -> Result<Vec<ThirdPartyIdRow>> {
        let sql = "SELECT address, validated_ts, added_ts FROM third_party_ids WHERE user_id = $1 ORDER BY address LIMIT 100";
        let rows = self.query(sql, params![user_id]).await?;
        rows.iter()
            .map(|row| {
                Ok(ThirdPartyIdRow {
                    address: row.get(0)?,
                    validated_ts: row.get(1)?,
                    added_ts: row.get(2)?,
                })
            })
            .collect()
    }

    /// Whose an address is.
    pub async fn third_party_id_owner(&mut self, address: &str) -> Result<Option<OwnedUserId>> {
        let sql = "SELECT user_id FROM third_party_ids WHERE address = $1";
        let row = self.query_opt(sql, params![address]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Takes an address from an account, with the pushers that write to it. `false`: it isn't theirs.
    pub async fn third_party_id_delete(&mut self, user_id: &UserId, address: &str) -> Result<bool> {
        let sql = "DELETE FROM pushers WHERE user_id = $1 AND app_id = 'm.email' AND pushkey = $2";
        self.execute(sql, params![user_id, address]).await?;
        let sql = "DELETE FROM third_party_ids WHERE user_id = $1 AND address = $2";
        Ok(self.execute(sql, params![user_id, address]).await? == 1)
    }
}
