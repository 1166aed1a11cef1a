//! Tokens that live for minutes and are no access tokens. Only their hashes are kept.

use ruma::{OwnedUserId, UserId};

use crate::{Result, Tx, value::params};

/// What a short-lived token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortTokenKind {
    /// One sign-in.
    Login,
    /// Says to another service who somebody is.
    OpenId,
}

impl ShortTokenKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::OpenId => "openid",
        }
    }
}

impl Tx<'_> {
    /// Keeps a token.
    pub async fn short_token_insert(
        &mut self,
        hash: &[u8; 32],
        kind: ShortTokenKind,
        user_id: &UserId,
        expires_ts: i64,
    ) -> Result<()> {
        let sql = "INSERT INTO short_tokens (hash, kind, user_id, expires_ts) VALUES ($1, $2, $3, $4)";
        self.execute(sql, params![hash, kind.as_str(), user_id, expires_ts])
            .await?;
        Ok(())
    }

    /// Whose token this is, if it is valid after `now_ts`.
    pub async fn short_token_get(
        &mut self,
        hash: &[u8; 32],
        kind: ShortTokenKind,
        now_ts: i64,
    ) -> Result<Option<OwnedUserId>> {
        let sql = "SELECT user_id FROM short_tokens WHERE hash = $1 AND kind = $2 AND expires_ts > $3";
        let row = self.query_opt(sql, params![hash, kind.as_str(), now_ts]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// The same as [`Tx::short_token_get`], and the token is gone: of two who show it, one is answered.
    pub async fn short_token_take(
        &mut self,
        hash: &[u8; 32],
        kind: ShortTokenKind,
        now_ts: i64,
    ) -> Result<Option<OwnedUserId>> {
        let sql =
            "DELETE FROM short_tokens WHERE hash = $1 AND kind = $2 AND expires_ts > $3 RETURNING user_id";
        let row = self.query_opt(sql, params![hash, kind.as_str(), now_ts]).await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Removes tokens that are not valid any more.
    pub async fn short_token_delete_expired(&mut self, now_ts: i64) -> Result<u64> {
        self.execute("DELETE FROM short_tokens WHERE expires_ts <= $1", params![now_ts])
            .await
    }
}
