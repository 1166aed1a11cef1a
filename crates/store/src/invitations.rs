//! Invitation links. Only the hash of their token is kept.

use crate::{
    Result, StoreError, Tx,
    value::{Row, params},
};

/// An invitation to make an account.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// How many accounts can still be made with it.
    pub uses_left: i64,
    /// Whoever accepts it becomes an administrator.
    pub administrator: bool,
    /// Full user id of its maker; empty: the server itself.
    pub created_by: String,
    /// When it was made, ms since the epoch.
    pub created_ts: i64,
    /// Until when it is valid, ms since the epoch.
    pub expires_ts: i64,
}

fn invitation(row: &Row) -> Result<Invitation> {
    let hash: Vec<u8> = row.get(0)?;
    Ok(Invitation {
        hash: hash
            .try_into()
            .map_err(|_| StoreError::inconsistent("invitations", "hash", "wrong length"))?,
        uses_left: row.get(1)?,
        administrator: row.get(2)?,
        created_by: row.get(3)?,
        created_ts: row.get(4)?,
        expires_ts: row.get(5)?,
    })
}

impl Tx<'_> {
    /// Keeps an invitation.
    pub async fn invitation_insert(&mut self, new: &Invitation) -> Result<()> {
        let sql = "INSERT INTO invitations (hash, uses_left, administrator, created_by, created_ts, expires_ts) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
        let values = params![
            &new.hash,
            new.uses_left,
            new.administrator,
            &new.created_by,
            new.created_ts,
            new.expires_ts
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// An invitation that can be used at `now_ts`.
    pub async fn invitation_get(&mut self, hash: &[u8; 32], now_ts: i64) -> Result<Option<Invitation>> {
        let sql = "SELECT hash, uses_left, administrator, created_by, created_ts, expires_ts FROM invitations \
                   WHERE hash = $1 AND uses_left > 0 AND expires_ts > $2";
        self.query_opt(sql, params![hash, now_ts])
            .await?
            .as_ref()
            .map(invitation)
            .transpose()
    }

    /// Uses an invitation once. `false`: it can't be used any more.
    pub async fn invitation_use(&mut self, hash: &[u8; 32], now_ts: i64) -> Result<bool> {
        let sql = "UPDATE invitations SET uses_left = uses_left - 1 \
                   WHERE hash = $1 AND uses_left > 0 AND expires_ts > $2";
        Ok(self.execute(sql, params![hash, now_ts]).await? == 1)
    }

    /// Invitations that can be used at `now_ts`, newest first.
    pub async fn invitation_list(&mut self, now_ts: i64, limit: u32) -> Result<Vec<Invitation>> {
        let sql = "SELECT hash, uses_left, administrator, created_by, created_ts, expires_ts FROM invitations \
                   WHERE uses_left > 0 AND expires_ts > $1 ORDER BY created_ts DESC LIMIT $2";
        self.query(sql, params![now_ts, limit])
            .await?
            .iter()
            .map(invitation)
            .collect()
    }

    /// Withdraws an invitation. `false`: there is none.
    pub async fn invitation_delete(&mut self, hash: &[u8; 32]) -> Result<bool> {
        Ok(self
            .execute("DELETE FROM invitations WHERE hash = $1", params![hash])
            .await?
            == 1)
    }
}
