//! Access and refresh tokens. Only their hashes are kept.

use ruma::{DeviceId, OwnedDeviceId, OwnedUserId, UserId};

use crate::{
    Restrictions, Result, StoreError, Tx, UserState,
    value::{Row, params},
};

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Requests.
    Access,
    /// New access tokens, once.
    Refresh,
}

impl TokenKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "access" => Ok(Self::Access),
            "refresh" => Ok(Self::Refresh),
            _ => Err(StoreError::inconsistent("tokens", "kind", "unknown kind")),
        }
    }
}

/// A token and whose it is.
#[derive(Clone)]
pub struct TokenRow {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Its user.
    pub user_id: OwnedUserId,
    /// Its device.
    pub device_id: OwnedDeviceId,
    /// What it is good for.
    pub kind: TokenKind,
    /// All tokens that descend from one sign-in share this.
    pub family: [u8; 16],
    /// Until when it is valid, ms since the epoch. `None`: until sign-out. A refresh token gets it when the token
    /// that took its place was used.
    pub expires_ts: Option<i64>,
    /// Access tokens: when it was first used. Refresh tokens: when it was first exchanged.
    pub used_ts: Option<i64>,
}

/// Who makes a request: a token together with its user.
#[derive(Clone, Debug)]
pub struct CallerRow {
    /// The user.
    pub user_id: OwnedUserId,
    /// The device.
    pub device_id: OwnedDeviceId,
    /// What the token is good for.
    pub kind: TokenKind,
    /// All tokens that descend from one sign-in share this.
    pub family: [u8; 16],
    /// Until when the token is valid, ms since the epoch. `None`: until sign-out.
    pub expires_ts: Option<i64>,
    /// When the token was first used, if that was noted.
    pub used_ts: Option<i64>,
    /// Whether the account may be used.
    pub state: UserState,
    /// May administer this server.
    pub administrator: bool,
    /// May only look around.
    pub guest: bool,
    /// What was taken from the account.
    pub restrictions: Restrictions,
    /// Day of the device's last use, ms since the epoch.
    pub last_seen_ts: i64,
}

fn bytes<const N: usize>(column: &'static str, value: Vec<u8>) -> Result<[u8; N]> {
    value
        .try_into()
        .map_err(|_| StoreError::inconsistent("tokens", column, "wrong length"))
}

fn token(row: &Row) -> Result<TokenRow> {
    Ok(TokenRow {
        hash: bytes("hash", row.get(0)?)?,
        user_id: row.get(1)?,
        device_id: row.get(2)?,
        kind: TokenKind::parse(&row.get::<String>(3)?)?,
        family: bytes("family", row.get(4)?)?,
        expires_ts: row.get(5)?,
        used_ts: row.get(6)?,
    })
}

impl Tx<'_> {
    /// Keeps a token.
    pub async fn token_insert(&mut self, new: &TokenRow, now_ts: i64) -> Result<()> {
        let sql = "INSERT INTO tokens (hash, user_id, device_id, kind, family, expires_ts, used_ts, created_ts) \
                   VALUES ($1, $2, $3, $4, $5, $6, NULL, $7)";
        let family: &[u8] = &new.family;
        let kind = new.kind.as_str();
        self.execute(
            sql,
            params![
                &new.hash,
                &new.user_id,
                &new.device_id,
                kind,
                family,
                new.expires_ts,
                now_ts
            ],
        )
        .await?;
        Ok(())
    }

    /// The token with this hash.
    pub async fn token_get(&mut self, hash: &[u8; 32]) -> Result<Option<TokenRow>> {
        let sql =
            "SELECT hash, user_id, device_id, kind, family, expires_ts, used_ts FROM tokens WHERE hash = $1";
        self.query_opt(sql, params![hash])
            .await?
            .as_ref()
            .map(token)
            .transpose()
    }

    /// Whose token this is, in one look-up: what each authenticated request asks first. Expired tokens and closed
    /// accounts are answered as they are; the caller decides. `None`: no such token, or its account or device is
    /// gone.
    pub async fn caller_get(&mut self, hash: &[u8; 32]) -> Result<Option<CallerRow>> {
        let sql = "SELECT t.user_id, t.device_id, t.kind, t.family, t.expires_ts, t.used_ts, u.state, u.administrator, \
                   d.last_seen_ts, u.locked, u.suspended, u.kind FROM tokens t JOIN users u ON u.user_id = t.user_id \
                   JOIN devices d ON d.user_id = t.user_id AND d.device_id = t.device_id WHERE t.hash = $1";
        let Some(row) = self.query_opt(sql, params![hash]).await? else {
            return Ok(None);
        };
        Ok(Some(CallerRow {
            user_id: row.get(0)?,
            device_id: row.get(1)?,
            kind: TokenKind::parse(&row.get::<String>(2)?)?,
            family: bytes("family", row.get(3)?)?,
            expires_ts: row.get(4)?,
            used_ts: row.get(5)?,
            state: UserState::parse(&row.get::<String>(6)?)?,
            administrator: row.get(7)?,
            last_seen_ts: row.get(8)?,
            restrictions: Restrictions {
                locked: row.get(9)?,
                suspended: row.get(10)?,
            },
            guest: row.get::<String>(11)? == "guest",
        }))
    }

    /// The same as [`Tx::token_get`], keeping others from exchanging the token until the commit.
    pub async fn token_lock(&mut self, hash: &[u8; 32]) -> Result<Option<TokenRow>> {
        let sql = self.choose(
            "SELECT hash, user_id, device_id, kind, family, expires_ts, used_ts FROM tokens WHERE hash = $1",
            "SELECT hash, user_id, device_id, kind, family, expires_ts, used_ts FROM tokens WHERE hash = $1 FOR UPDATE",
        );
        self.query_opt(sql, params![hash])
            .await?
            .as_ref()
            .map(token)
            .transpose()
    }

    /// Notes the first use of an access token, or the first exchange of a refresh token.
    pub async fn token_set_used(&mut self, hash: &[u8; 32], now_ts: i64) -> Result<()> {
        self.execute(
            "UPDATE tokens SET used_ts = $2 WHERE hash = $1",
            params![hash, now_ts],
        )
        .await?;
        Ok(())
    }

    /// Revokes the refresh tokens of a sign-in that were exchanged before the token `used` was made: what took
    /// their place is in use. They are kept, so that their reuse is noticed.
    pub async fn token_revoke_exchanged(
        &mut self,
        family: &[u8; 16],
        used: &[u8; 32],
        now_ts: i64,
    ) -> Result<()> {
        let sql = "UPDATE tokens SET expires_ts = $3 WHERE family = $1 AND kind = 'refresh' AND hash <> $2 \
                   AND expires_ts IS NULL AND used_ts <= (SELECT t.created_ts FROM tokens t WHERE t.hash = $2)";
        let family: &[u8] = family;
        self.execute(sql, params![family, used, now_ts]).await?;
        Ok(())
    }

    /// Removes the tokens of a sign-in that nobody has used yet.
    pub async fn token_delete_unused(&mut self, family: &[u8; 16]) -> Result<()> {
        let family: &[u8] = family;
        self.execute(
            "DELETE FROM tokens WHERE family = $1 AND used_ts IS NULL",
            params![family],
        )
        .await?;
        Ok(())
    }

    /// Removes a token.
    pub async fn token_delete(&mut self, hash: &[u8; 32]) -> Result<()> {
        self.execute("DELETE FROM tokens WHERE hash = $1", params![hash])
            .await?;
        Ok(())
    }

    /// Removes all tokens of one sign-in.
    pub async fn token_delete_family(&mut self, family: &[u8; 16]) -> Result<()> {
        let family: &[u8] = family;
        self.execute("DELETE FROM tokens WHERE family = $1", params![family])
            .await?;
        Ok(())
    }

    /// Removes all tokens of a device.
    pub async fn token_delete_of_device(&mut self, user_id: &UserId, device_id: &DeviceId) -> Result<()> {
        let sql = "DELETE FROM tokens WHERE user_id = $1 AND device_id = $2";
        self.execute(sql, params![user_id, device_id]).await?;
        Ok(())
    }

    /// Removes tokens that expired before `before_ts`.
    pub async fn token_delete_expired(&mut self, before_ts: i64) -> Result<u64> {
        self.execute(
            "DELETE FROM tokens WHERE expires_ts IS NOT NULL AND expires_ts < $1",
            params![before_ts],
        )
        .await
    }
}
