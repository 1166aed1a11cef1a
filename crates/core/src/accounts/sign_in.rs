//! A sign-in: a device and its tokens.
//!
//! Only hashes of tokens are kept. The tokens of one sign-in are a family: its access token and, for clients that
//! ask for it, a refresh token that is exchanged for new ones.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rohrpost_store::{TokenKind, TokenRow, Tx};
use ruma::{DeviceId, OwnedDeviceId, OwnedUserId, UserId};

use crate::{Refusal, Result, Server, ports::Rng, random};

/// How long an access token is good for where there is a refresh token.
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);
/// Longest device id, in bytes.
const MAX_DEVICE_ID_BYTES: usize = 255;
/// Longest name of a device, in bytes.
const MAX_DEVICE_NAME_BYTES: usize = 255;

/// The device somebody signs in on.
#[derive(Clone, Debug, Default)]
pub struct NewDevice {
    /// Its identifier. `None`: it gets one.
    pub device_id: Option<OwnedDeviceId>,
    /// The name its user sees; only for a device that is new.
    pub display_name: Option<String>,
    /// Whether its program knows how to exchange a refresh token.
    pub with_refresh_token: bool,
}

/// What somebody who signed in is given. Holds secrets, so it has no `Debug`.
pub struct SignedIn {
    /// Who they are.
    pub user_id: OwnedUserId,
    /// On which device.
    pub device_id: OwnedDeviceId,
    /// The tokens.
    pub tokens: Tokens,
}

/// Fresh tokens, as their owner is given them. Holds secrets, so it has no `Debug`.
#[derive(Clone)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: Option<String>,
    family: [u8; 16],
}

impl Tokens {
    /// Tokens of a new family.
    pub(crate) fn new(rng: &dyn Rng, with_refresh_token: bool) -> Self {
        let mut family = [0; 16];
        rng.fill(&mut family);
        let refresh = with_refresh_token.then(|| token(rng, "rr_"));
        Self {
            access: token(rng, "rp_"),
            refresh,
            family,
        }
    }

    /// What all tokens that descend from this sign-in share.
    pub(crate) fn family(&self) -> &[u8; 16] {
        &self.family
    }

    /// Puts fresh tokens into a family that there is.
    pub(crate) fn of_family(&self, family: [u8; 16]) -> Self {
        Self {
            family,
            ..self.clone()
        }
    }

    /// How long the access token is good for. `None`: until sign-out.
    #[must_use]
    pub fn expires_in(&self) -> Option<Duration> {
        self.refresh.is_some().then_some(ACCESS_TOKEN_LIFETIME)
    }

    /// Keeps them.
    pub(crate) async fn keep(
        &self,
        tx: &mut Tx<'_>,
        user_id: &UserId,
        device_id: &DeviceId,
        now_ts: i64,
    ) -> Result<()> {
        let row = |token: &str, kind, expires_ts| TokenRow {
            hash: random::hash(token),
            user_id: user_id.to_owned(),
            device_id: device_id.to_owned(),
            kind,
            family: self.family,
            expires_ts,
            used_ts: None,
        };
        let lifetime_ms = ACCESS_TOKEN_LIFETIME.as_millis() as i64;
        let expires_ts = self.refresh.as_ref().map(|_| now_ts + lifetime_ms);
        tx.token_insert(&row(&self.access, TokenKind::Access, expires_ts), now_ts)
            .await?;
        if let Some(refresh) = &self.refresh {
            tx.token_insert(&row(refresh, TokenKind::Refresh, None), now_ts)
                .await?;
        }
        Ok(())
    }
}

fn token(rng: &dyn Rng, prefix: &str) -> String {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// A sign-in that is prepared: everything random is chosen, so that a unit of work may run again.
#[derive(Clone)]
pub(crate) struct SignIn {
    device_id: OwnedDeviceId,
    display_name: Option<String>,
    tokens: Tokens,
    now_ts: i64,
}

impl SignIn {
    pub(crate) fn new(server: &Arc<Server>, device: NewDevice) -> Result<Self> {
        let device_id = match device.device_id {
            Some(device_id) => check_device_id(device_id)?,
            None => random::device_id(&*server.rng).into(),
        };
        check_device_name(device.display_name.as_deref())?;
        Ok(Self {
            device_id,
            display_name: device.display_name,
            tokens: Tokens::new(&*server.rng, device.with_refresh_token),
            now_ts: server.now_ts(),
        })
    }

    /// The same on another device.
    pub(crate) fn on_device(&self, device_id: OwnedDeviceId) -> Self {
        Self {
            device_id,
            ..self.clone()
        }
    }

    /// The device.
    pub(crate) fn device_id(&self) -> &DeviceId {
        &self.device_id
    }

    /// The tokens that are handed out.
    pub(crate) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Signs in. On a device that there is already, whoever was signed in there is signed out.
    pub(crate) async fn run(&self, tx: &mut Tx<'_>, user_id: &UserId) -> Result<()> {
        let name = self.display_name.as_deref();
        if !tx
            .device_insert(user_id, &self.device_id, name, self.now_ts)
            .await?
        {
            tx.token_delete_of_device(user_id, &self.device_id).await?;
            // Requests that wait under the old token shall notice.
            tx.wake_user(user_id);
        }
        self.tokens.keep(tx, user_id, &self.device_id, self.now_ts).await
    }

    /// What its owner is given once this is committed.
    pub(crate) fn signed_in(&self, user_id: OwnedUserId) -> SignedIn {
        SignedIn {
            user_id,
            device_id: self.device_id.clone(),
            tokens: self.tokens.clone(),
        }
    }
}

/// Whether a device may be called so.
///
/// # Errors
/// `InvalidParam` when it is empty, too long or has control characters.
pub(crate) fn check_device_id(device_id: OwnedDeviceId) -> Result<OwnedDeviceId> {
    let id = device_id.as_str();
    if id.is_empty() || id.len() > MAX_DEVICE_ID_BYTES || id.chars().any(char::is_control) {
        let text = format!("device_id must have 1 to {MAX_DEVICE_ID_BYTES} bytes and no control characters");
        return Err(Refusal::InvalidParam(text));
    }
    Ok(device_id)
}

/// Whether a device may have this name.
///
/// # Errors
/// `InvalidParam` when it is too long.
pub(crate) fn check_device_name(name: Option<&str>) -> Result<()> {
    if name.is_some_and(|name| name.len() > MAX_DEVICE_NAME_BYTES) {
        let text = format!("the name of a device may have at most {MAX_DEVICE_NAME_BYTES} bytes");
        return Err(Refusal::InvalidParam(text));
    }
    Ok(())
}
