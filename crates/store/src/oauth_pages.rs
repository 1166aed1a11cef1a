//! Who is signed in to the pages for consent and account management, and what they allowed there.

use ruma::{OwnedUserId, UserId};

use crate::{Result, StoreError, Tx, value::params};

/// Somebody who is signed in to the pages.
#[derive(Clone)]
pub struct OAuthPageSession {
    /// SHA-256 of what the page shows.
    pub hash: [u8; 32],
    /// Who.
    pub user_id: OwnedUserId,
    /// SHA-256 of the hash of the password that was given.
    pub password_mark: [u8; 32],
}

impl Tx<'_> {
    /// Begins a session of the pages.
    pub async fn oauth_page_session_insert(&mut self, new: &OAuthPageSession, now_ts: i64) -> Result<()> {
        let sql = "INSERT INTO oauth_page_sessions (hash, user_id, password_mark, created_ts) \
                   VALUES ($1, $2, $3, $4)";
        self.execute(sql, params![&new.hash, &new.user_id, &new.password_mark, now_ts])
            .await?;
        Ok(())
    }

    /// A session of the pages that began after `since_ts`.
    pub async fn oauth_page_session_get(
        &mut self,
        hash: &[u8; 32],
        since_ts: i64,
    ) -> Result<Option<OAuthPageSession>> {
        let sql =
            "SELECT user_id, password_mark FROM oauth_page_sessions WHERE hash = $1 AND created_ts > $2";
        let Some(row) = self.query_opt(sql, params![hash, since_ts]).await? else {
            return Ok(None);
        };
        let mark: Vec<u8> = row.get(1)?;
        Ok(Some(OAuthPageSession {
            hash: *hash,
            user_id: row.get(0)?,
            password_mark: mark.try_into().map_err(|_| {
                StoreError::inconsistent("oauth_page_sessions", "password_mark", "wrong length")
            })?,
        }))
    }

    /// Ends a session of the pages.
    pub async fn oauth_page_session_delete(&mut self, hash: &[u8; 32]) -> Result<()> {
        self.execute("DELETE FROM oauth_page_sessions WHERE hash = $1", params![hash])
            .await?;
        Ok(())
    }

    /// Removes sessions of the pages and what was allowed there, as far as it is from before `before_ts`.
    pub async fn oauth_page_delete_old(&mut self, before_ts: i64) -> Result<()> {
        let before: &[_] = params![before_ts];
        self.execute_all(&[
            ("DELETE FROM oauth_page_sessions WHERE created_ts < $1", before),
            ("DELETE FROM oauth_identity_resets WHERE allowed_ts < $1", before),
        ])
        .await
    }

    /// Notes that somebody allows their identity to be replaced.
    pub async fn oauth_identity_reset_allow(&mut self, user_id: &UserId, now_ts: i64) -> Result<()> {
        let sql = "INSERT INTO oauth_identity_resets (user_id, allowed_ts) VALUES ($1, $2) \
                   ON CONFLICT (user_id) DO UPDATE SET allowed_ts = excluded.allowed_ts";
        self.execute(sql, params![user_id, now_ts]).await?;
        Ok(())
    }

    /// Whether somebody allowed after `since_ts` that their identity is replaced.
    pub async fn oauth_identity_reset_is_allowed(&mut self, user_id: &UserId, since_ts: i64) -> Result<bool> {
        let sql = "SELECT 1 FROM oauth_identity_resets WHERE user_id = $1 AND allowed_ts > $2";
        Ok(self.query_opt(sql, params![user_id, since_ts]).await?.is_some())
    }

    /// Uses that up. `false`: it was used before.
    pub async fn oauth_identity_reset_use(&mut self, user_id: &UserId) -> Result<bool> {
        let sql = "DELETE FROM oauth_identity_resets WHERE user_id = $1";
        Ok(self.execute(sql, params![user_id]).await? == 1)
    }
}
