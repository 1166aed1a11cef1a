//! People who are showing that they can read mail at an address.

use crate::{
    Result, StoreError, Tx,
    value::{Row, params},
};

/// What somebody wants to do with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailPurpose {
    /// Add it to their account.
    Add,
    /// Make an account.
    Register,
    /// Set a new password.
    Password,
}

impl EmailPurpose {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Register => "register",
            Self::Password => "password",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        [Self::Add, Self::Register, Self::Password]
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
            .ok_or_else(|| StoreError::inconsistent("email_sessions", "purpose", "unknown purpose"))
    }
}

/// Somebody who is showing that they can read mail at an address.
#[derive(Clone)]
pub struct EmailSession {
    /// Its name.
    pub sid: String,
    /// What for.
    pub purpose: EmailPurpose,
    /// The address, lower-cased.
    pub address: String,
    /// Hash of the client's secret.
    pub secret_hash: [u8; 32],
    /// Hash of what stands in the link.
    pub token_hash: [u8; 32],
    /// The client's number of the attempt.
    pub send_attempt: i64,
    /// When the link was followed.
    pub validated_ts: Option<i64>,
    /// When it began, ms since the epoch.
    pub created_ts: i64,
}

fn session(row: &Row) -> Result<EmailSession> {
    let hash = |index: usize| {
        row.get::<Vec<u8>>(index)?
            .try_into()
            .map_err(|_| StoreError::inconsistent("email_sessions", "hash", "not 32 bytes"))
    };
    Ok(EmailSession {
        sid: row.get(0)?,
        purpose: EmailPurpose::parse(&row.get::<String>(1)?)?,
        address: row.get(2)?,
        secret_hash: hash(3)?,
        token_hash: hash(4)?,
        send_attempt: row.get(5)?,
        validated_ts: row.get(6)?,
        created_ts: row.get(7)?,
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT sid, purpose, address, secret_hash, token_hash, send_attempt, validated_ts, created_ts \
             FROM email_sessions ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Keeps a session; one of the same client for the same address and purpose is replaced.
    pub async fn email_session_put(&mut self, new: &EmailSession) -> Result<()> {
        let sql = "INSERT INTO email_sessions (sid, purpose, address, secret_hash, token_hash, send_attempt, \
                   validated_ts, created_ts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                   ON CONFLICT (address, purpose, secret_hash) DO UPDATE SET sid = excluded.sid, \
                   token_hash = excluded.token_hash, send_attempt = excluded.send_attempt, \
                   validated_ts = excluded.validated_ts, created_ts = excluded.created_ts";
        let values = params![
            &new.sid,
            new.purpose.as_str(),
            &new.address,
            &new.secret_hash,
            &new.token_hash,
            new.send_attempt,
            new.validated_ts,
            new.created_ts
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// A session that began after `since_ts`.
    pub async fn email_session_get(&mut self, sid: &str, since_ts: i64) -> Result<Option<EmailSession>> {
        let sql = select!("WHERE sid = $1 AND created_ts > $2");
        let row = self.query_opt(sql, params![sid, since_ts]).await?;
        row.as_ref().map(session).transpose()
    }

    /// The session of a client for an address and purpose that began after `since_ts`.
    pub async fn email_session_find(
        &mut self,
        purpose: EmailPurpose,
        address: &str,
        secret_hash: &[u8; 32],
        since_ts: i64,
    ) -> Result<Option<EmailSession>> {
        let sql = select!("WHERE purpose = $1 AND address = $2 AND secret_hash = $3 AND created_ts > $4");
        let row = self
            .query_opt(sql, params![purpose.as_str(), address, secret_hash, since_ts])
            .await?;
        row.as_ref().map(session).transpose()
    }

    /// The link was followed.
    pub async fn email_session_validate(&mut self, sid: &str, now_ts: i64) -> Result<()> {
        let sql = "UPDATE email_sessions SET validated_ts = $2 WHERE sid = $1 AND validated_ts IS NULL";
        self.execute(sql, params![sid, now_ts]).await?;
        Ok(())
    }

    /// Uses a session up. `false`: it is gone.
    pub async fn email_session_delete(&mut self, sid: &str) -> Result<bool> {
        Ok(self
            .execute("DELETE FROM email_sessions WHERE sid = $1", params![sid])
            .await?
            == 1)
    }

    /// Removes sessions that began before `before_ts`.
    pub async fn email_session_delete_old(&mut self, before_ts: i64) -> Result<()> {
        self.execute(
            "DELETE FROM email_sessions WHERE created_ts < $1",
            params![before_ts],
        )
        .await?;
        Ok(())
    }
}
