//! User-interactive authentication under way.

use crate::{Result, Tx, value::params};

/// A session of user-interactive authentication.
#[derive(Clone, Debug)]
pub struct UiaSession {
    /// Random name.
    pub session: String,
    /// Method and path template of the operation it is for.
    pub operation: String,
    /// SHA-256 of the operation's body without `auth`.
    pub body_hash: [u8; 32],
    /// Full user id, or empty when nobody is signed in (registration).
    pub user_id: String,
    /// Stages that were completed, in order.
    pub completed: Vec<String>,
    /// What a stage left for the operation, such as the hash of an invitation.
    pub param: String,
}

impl Tx<'_> {
    /// Begins a session.
    pub async fn uia_insert(&mut self, new: &UiaSession, now_ts: i64) -> Result<()> {
        let sql = "INSERT INTO uia_sessions (session, operation, body_hash, user_id, completed, param, created_ts) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let completed = new.completed.join(" ");
        let values = params![
            &new.session,
            &new.operation,
            &new.body_hash,
            &new.user_id,
            &completed,
            &new.param,
            now_ts
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// A session that began after `since_ts`.
    pub async fn uia_get(&mut self, session: &str, since_ts: i64) -> Result<Option<UiaSession>> {
        let sql = "SELECT session, operation, body_hash, user_id, completed, param FROM uia_sessions \
                   WHERE session = $1 AND created_ts > $2";
        let Some(row) = self.query_opt(sql, params![session, since_ts]).await? else {
            return Ok(None);
        };
        let hash: Vec<u8> = row.get(2)?;
        Ok(Some(UiaSession {
            session: row.get(0)?,
            operation: row.get(1)?,
            body_hash: hash
                .try_into()
                .map_err(|_| crate::StoreError::inconsistent("uia_sessions", "body_hash", "wrong length"))?,
            user_id: row.get(3)?,
            completed: row
                .get::<String>(4)?
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            param: row.get(5)?,
        }))
    }

    /// Notes a completed stage.
    pub async fn uia_update(&mut self, session: &UiaSession) -> Result<()> {
        let completed = session.completed.join(" ");
        let sql = "UPDATE uia_sessions SET completed = $2, param = $3 WHERE session = $1";
        self.execute(sql, params![&session.session, &completed, &session.param])
            .await?;
        Ok(())
    }

    /// Ends a session. `false`: somebody else ended it before, so it must not be used.
    pub async fn uia_delete(&mut self, session: &str) -> Result<bool> {
        Ok(self
            .execute("DELETE FROM uia_sessions WHERE session = $1", params![session])
            .await?
            == 1)
    }

    /// Removes sessions that began before `before_ts`.
    pub async fn uia_delete_old(&mut self, before_ts: i64) -> Result<u64> {
        self.execute(
            "DELETE FROM uia_sessions WHERE created_ts < $1",
            params![before_ts],
        )
        .await
    }
}
