//! Authorization codes and device codes of OAuth 2.0: consents on their way to becoming tokens.

use ruma::{OwnedDeviceId, OwnedUserId, UserId};

use crate::{
    Result, StoreError, Tx,
    value::{Row, params},
};

/// An authorization code.
#[derive(Clone)]
pub struct OAuthCode {
    /// SHA-256 of the code.
    pub hash: [u8; 32],
    /// For which client it was made.
    pub client_id: String,
    /// Where it was sent.
    pub redirect_uri: String,
    /// The PKCE challenge, S256.
    pub challenge: String,
    /// Who consented.
    pub user_id: OwnedUserId,
    /// The device that is to be signed in.
    pub device_id: OwnedDeviceId,
    /// What was granted, space-separated.
    pub scope: String,
    /// The family of the tokens it was exchanged for. `None`: it wasn't yet.
    pub family: Option<[u8; 16]>,
    /// When it was made, ms since the epoch.
    pub created_ts: i64,
}

/// What became of a device code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OAuthDeviceState {
    /// Nobody decided yet.
    Pending,
    /// Somebody let the device in.
    Allowed,
    /// Somebody refused it.
    Refused,
}

impl OAuthDeviceState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "pending" => Ok(Self::Pending),
            "allowed" => Ok(Self::Allowed),
            "refused" => Ok(Self::Refused),
            _ => Err(StoreError::inconsistent(
                "oauth_device_codes",
                "state",
                "unknown state",
            )),
        }
    }
}

/// A device code.
#[derive(Clone)]
pub struct OAuthDeviceCode {
    /// SHA-256 of the device code.
    pub hash: [u8; 32],
    /// What people type.
    pub user_code: String,
    /// For which client it was made.
    pub client_id: String,
    /// The device that is to be signed in.
    pub device_id: OwnedDeviceId,
    /// What is asked for, space-separated.
    pub scope: String,
    /// What became of it.
    pub state: OAuthDeviceState,
    /// Who decided. `None`: nobody yet.
    pub user_id: Option<OwnedUserId>,
    /// When it was made, ms since the epoch.
    pub created_ts: i64,
    /// When the device asked last, ms since the epoch.
    pub polled_ts: i64,
}

fn hash(value: Vec<u8>) -> Result<[u8; 32]> {
    value
        .try_into()
        .map_err(|_| StoreError::inconsistent("oauth codes", "hash", "wrong length"))
}

fn code(row: &Row) -> Result<OAuthCode> {
    let family: Option<Vec<u8>> = row.get(7)?;
    let family = family.map(|family| {
        family
            .try_into()
            .map_err(|_| StoreError::inconsistent("oauth_codes", "family", "wrong length"))
    });
    Ok(OAuthCode {
        hash: hash(row.get(0)?)?,
        client_id: row.get(1)?,
        redirect_uri: row.get(2)?,
        challenge: row.get(3)?,
        user_id: row.get(4)?,
        device_id: row.get(5)?,
        scope: row.get(6)?,
        family: family.transpose()?,
        created_ts: row.get(8)?,
    })
}

fn device_code(row: &Row) -> Result<OAuthDeviceCode> {
    let user_id: String = row.get(6)?;
    let user_id = (!user_id.is_empty()).then(|| {
        UserId::parse(user_id)
            .map_err(|_| StoreError::inconsistent("oauth_device_codes", "user_id", "no user id"))
    });
    Ok(OAuthDeviceCode {
        hash: hash(row.get(0)?)?,
        user_code: row.get(1)?,
        client_id: row.get(2)?,
        device_id: row.get(3)?,
        scope: row.get(4)?,
        state: OAuthDeviceState::parse(&row.get::<String>(5)?)?,
        user_id: user_id.transpose()?,
        created_ts: row.get(7)?,
        polled_ts: row.get(8)?,
    })
}

macro_rules! select_code {
    ($rest:literal) => {
        concat!(
            "SELECT hash, client_id, redirect_uri, challenge, user_id, device_id, scope, family, created_ts \
             FROM oauth_codes ",
            $rest
        )
    };
}

macro_rules! select_device_code {
    ($rest:literal) => {
        concat!(
            "SELECT hash, user_code, client_id, device_id, scope, state, user_id, created_ts, polled_ts \
             FROM oauth_device_codes ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Keeps an authorization code that wasn't exchanged yet.
    pub async fn oauth_code_insert(&mut self, new: &OAuthCode) -> Result<()> {
        let sql = "INSERT INTO oauth_codes (hash, client_id, redirect_uri, challenge, user_id, device_id, scope, \
                   family, created_ts) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8)";
        let values = params![
            &new.hash,
            &new.client_id,
            &new.redirect_uri,
            &new.challenge,
            &new.user_id,
            &new.device_id,
            &new.scope,
            new.created_ts
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// An authorization code, keeping others from exchanging it until the commit.
    pub async fn oauth_code_lock(&mut self, hash: &[u8; 32]) -> Result<Option<OAuthCode>> {
        let sql = self.choose(
            select_code!("WHERE hash = $1"),
            select_code!("WHERE hash = $1 FOR UPDATE"),
        );
        self.query_opt(sql, params![hash])
            .await?
            .as_ref()
            .map(code)
            .transpose()
    }

    /// Notes for which tokens a code was exchanged.
    pub async fn oauth_code_set_family(&mut self, hash: &[u8; 32], family: &[u8; 16]) -> Result<()> {
        let family: &[u8] = family;
        self.execute(
            "UPDATE oauth_codes SET family = $2 WHERE hash = $1",
            params![hash, family],
        )
        .await?;
        Ok(())
    }

    /// Removes an authorization code.
    pub async fn oauth_code_delete(&mut self, hash: &[u8; 32]) -> Result<()> {
        self.execute("DELETE FROM oauth_codes WHERE hash = $1", params![hash])
            .await?;
        Ok(())
    }

    /// Removes authorization codes and device codes that were made before `before_ts`.
    pub async fn oauth_code_delete_old(&mut self, before_ts: i64) -> Result<()> {
        let before: &[_] = params![before_ts];
        self.execute_all(&[
            ("DELETE FROM oauth_codes WHERE created_ts < $1", before),
            ("DELETE FROM oauth_device_codes WHERE created_ts < $1", before),
        ])
        .await
    }

    /// Keeps a device code. `false`: what people type is taken, nothing was changed.
    pub async fn oauth_device_code_insert(&mut self, new: &OAuthDeviceCode) -> Result<bool> {
        let sql = "INSERT INTO oauth_device_codes (hash, user_code, client_id, device_id, scope, state, user_id, \
                   created_ts, polled_ts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
        let user_id = new.user_id.as_ref().map_or("", |user_id| user_id.as_str());
        let values = params![
            &new.hash,
            &new.user_code,
            &new.client_id,
            &new.device_id,
            &new.scope,
            new.state.as_str(),
            user_id,
            new.created_ts,
            new.polled_ts
        ];
        Ok(self.execute(sql, values).await? == 1)
    }

    /// How many device codes there are.
    pub async fn oauth_device_code_count(&mut self) -> Result<i64> {
        self.query_one("SELECT COUNT(*) FROM oauth_device_codes", &[])
            .await?
            .get(0)
    }

    /// A device code, keeping others from exchanging it until the commit.
    pub async fn oauth_device_code_lock(&mut self, hash: &[u8; 32]) -> Result<Option<OAuthDeviceCode>> {
        let sql = self.choose(
            select_device_code!("WHERE hash = $1"),
            select_device_code!("WHERE hash = $1 FOR UPDATE"),
        );
        self.query_opt(sql, params![hash])
            .await?
            .as_ref()
            .map(device_code)
            .transpose()
    }

    /// The device code that somebody typed.
    pub async fn oauth_device_code_find(&mut self, user_code: &str) -> Result<Option<OAuthDeviceCode>> {
        self.query_opt(select_device_code!("WHERE user_code = $1"), params![user_code])
            .await?
            .as_ref()
            .map(device_code)
            .transpose()
    }

    /// Decides on a device code. `false`: somebody decided before, or there is none.
    pub async fn oauth_device_code_decide(
        &mut self,
        user_code: &str,
        state: OAuthDeviceState,
        user_id: &UserId,
    ) -> Result<bool> {
        let sql = "UPDATE oauth_device_codes SET state = $2, user_id = $3 \
                   WHERE user_code = $1 AND state = 'pending'";
        Ok(self
            .execute(sql, params![user_code, state.as_str(), user_id])
            .await?
            == 1)
    }

    /// Notes that the device asked.
    pub async fn oauth_device_code_set_polled(&mut self, hash: &[u8; 32], now_ts: i64) -> Result<()> {
        let sql = "UPDATE oauth_device_codes SET polled_ts = $2 WHERE hash = $1";
        self.execute(sql, params![hash, now_ts]).await?;
        Ok(())
    }

    /// Removes a device code.
    pub async fn oauth_device_code_delete(&mut self, hash: &[u8; 32]) -> Result<()> {
        self.execute("DELETE FROM oauth_device_codes WHERE hash = $1", params![hash])
            .await?;
        Ok(())
    }
}
