//! Signing in on a device without a browser (RFC 8628): it shows a code, its user types it on another device.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#device-authorisation-flow>

use std::{net::IpAddr, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rohrpost_store::{OAuthDeviceCode, OAuthDeviceState, StoreError, Tx, Work};
use ruma::{OwnedDeviceId, OwnedUserId};

use super::{
    Client, OAuthRefusal, Parameters, admit,
    client::DEVICE_CODE,
    exchange::{self, Exchanged},
    page::{self, PageSecret},
    register,
    scope::Scope,
};
use crate::{Refusal, Result, Server, accounts::sign_in::SignIn, limits::Kind, random};

/// How long a code is good for.
pub const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How long a device is to wait between two questions.
pub const INTERVAL: Duration = Duration::from_secs(5);
/// Most codes that are kept.
const MAX_CODES: i64 = 10_000;
/// Letters that are not taken for each other and make no words; 20 of them, 8 times, are 34 bits.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const CODE_LENGTH: usize = 8;
/// A device may ask so much earlier than it should, since clocks and networks differ.
const EARLY_MS: i64 = 1000;

/// A sign-in that a device began. Holds secrets, so it has no `Debug`.
pub struct Begun {
    /// What the device shows when it asks.
    pub device_code: String,
    /// What its user types, such as `BCDF-GHJK`.
    pub user_code: String,
}

/// A sign-in that somebody is to decide on.
pub struct Waiting {
    /// Who asks.
    pub client: Client,
    /// Which device would be signed in.
    pub device_id: OwnedDeviceId,
}

/// A device begins to sign in.
///
/// # Errors
/// `InvalidRequest`, `InvalidClient`, `UnauthorizedClient` when the client didn't register for this, `InvalidScope`.
pub async fn begin(
    server: &Arc<Server>,
    address: IpAddr,
    parameters: &Parameters,
) -> Result<Begun, OAuthRefusal> {
    admit(server, address)?;
    let client_id = parameters.need("client_id", "client_id is missing")?;
    let client = register::find(server, client_id).await?;
    if !client.may(DEVICE_CODE) {
        return Err(OAuthRefusal::UnauthorizedClient);
    }
    let scope = Scope::parse(parameters.get("scope").unwrap_or_default())?;
    let mut bytes = [0; 32];
    server.rng.fill(&mut bytes);
    let device_code = URL_SAFE_NO_PAD.encode(bytes);
    let user_code = user_code(server);
    let now_ts = server.now_ts();
    let row = OAuthDeviceCode {
        hash: random::hash(&device_code),
        user_code: user_code.clone(),
        client_id: client_id.to_owned(),
        device_id: scope.device_id,
        scope: scope.text,
        state: OAuthDeviceState::Pending,
        user_id: None,
        created_ts: now_ts,
        polled_ts: now_ts - INTERVAL.as_millis() as i64,
    };
    if !server.store.write(Begin { row }).await? {
        return Err(Refusal::LimitExceeded {
            retry_after_ms: 60_000,
        }
        .into());
    }
    Ok(Begun {
        device_code,
        user_code,
    })
}

fn user_code(server: &Server) -> String {
    let mut code = String::new();
    while code.len() < CODE_LENGTH + 1 {
        let mut bytes = [0; 1];
        server.rng.fill(&mut bytes);
        // 240 is 12 times 20: every letter is as likely as any other.
        if bytes[0] < 240 {
            if code.len() == CODE_LENGTH / 2 {
                code.push('-');
            }
            code.push(char::from(LETTERS[usize::from(bytes[0] % 20)]));
        }
    }
    code
}

/// A code as people type it, in the form it is kept in. Codes that can't be any are left as they are.
fn normal(typed: &str) -> String {
    let letters: String = typed
        .chars()
        .filter(char::is_ascii_alphabetic)
        .take(CODE_LENGTH + 1)
        .collect::<String>()
        .to_ascii_uppercase();
    match letters.split_at_checked(CODE_LENGTH / 2) {
        Some((first, second)) => format!("{first}-{second}"),
        None => letters,
    }
}

/// Who asks for the sign-in that somebody typed the code of.
///
/// # Errors
/// `NotFound` when there is no such code, or not any more; `UnknownToken` when nobody is signed in to the page.
pub async fn look(server: &Arc<Server>, secret: &PageSecret, typed: &str) -> Result<Waiting> {
    let caller = page::caller(server, secret).await?;
    // Guessing codes is limited like guessing passwords.
    server.limit(Kind::LoginPerAccount, caller.user_id.as_str())?;
    let (user_code, now_ts) = (normal(typed), server.now_ts());
    let found = server
        .store
        .read(move |tx| Box::pin(async move { tx.oauth_device_code_find(&user_code).await }))
        .await?;
    let code = found
        .filter(|code| code.state == OAuthDeviceState::Pending && !is_over(code, now_ts))
        .ok_or_else(|| Refusal::not_found("code"))?;
    server
        .limits
        .give_back(Kind::LoginPerAccount, caller.user_id.as_str());
    let client = register::find(server, &code.client_id).await;
    Ok(Waiting {
        client: client.map_err(|_| Refusal::not_found("code"))?,
        device_id: code.device_id,
    })
}

/// Somebody decided on a sign-in.
///
/// # Errors
/// As [`look`].
pub async fn decide(server: &Arc<Server>, secret: &PageSecret, typed: &str, allow: bool) -> Result<()> {
    let caller = page::caller(server, secret).await?;
    look(server, secret, typed).await?;
    let unit = Decide {
        user_code: normal(typed),
        user_id: caller.user_id,
        state: if allow {
            OAuthDeviceState::Allowed
        } else {
            OAuthDeviceState::Refused
        },
    };
    if !server.store.write(unit).await? {
        return Err(Refusal::not_found("code"));
    }
    Ok(())
}

fn is_over(code: &OAuthDeviceCode, now_ts: i64) -> bool {
    now_ts >= code.created_ts + LIFETIME.as_millis() as i64
}

/// The device asks whether somebody decided.
pub(super) async fn exchange(
    server: &Arc<Server>,
    client_id: &str,
    code: &str,
) -> Result<Exchanged, OAuthRefusal> {
    let client = register::find(server, client_id).await?;
    let unit = Exchange {
        hash: random::hash(code),
        client_id: client_id.to_owned(),
        sign_in: exchange::prepare(server, &client)?,
        now_ts: server.now_ts(),
    };
    match server.store.write(unit).await? {
        Ok(exchanged) => Ok(exchanged),
        Err(refusal) => Err(refusal),
    }
}

struct Begin {
    row: OAuthDeviceCode,
}

struct Decide {
    user_code: String,
    user_id: OwnedUserId,
    state: OAuthDeviceState,
}

struct Exchange {
    hash: [u8; 32],
    client_id: String,
    sign_in: SignIn,
    now_ts: i64,
}

impl Work for Begin {
    /// Whether there was space.
    type Out = bool;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        if tx.oauth_device_code_count().await? >= MAX_CODES {
            return Ok(false);
        }
        tx.oauth_device_code_insert(&self.row).await
    }
}

impl Work for Decide {
    type Out = bool;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        tx.oauth_device_code_decide(&self.user_code, self.state, &self.user_id)
            .await
    }
}

impl Work for Exchange {
    /// A refusal is no error of the unit: what it changes is kept.
    type Out = Result<Exchanged, OAuthRefusal>;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out> {
        let code = tx.oauth_device_code_lock(&self.hash).await?;
        let Some(code) = code.filter(|code| code.client_id == self.client_id) else {
            return Ok(Err(OAuthRefusal::InvalidGrant));
        };
        if is_over(&code, self.now_ts) {
            return Ok(Err(OAuthRefusal::ExpiredToken));
        }
        let is_early = self.now_ts - code.polled_ts < INTERVAL.as_millis() as i64 - EARLY_MS;
        tx.oauth_device_code_set_polled(&self.hash, self.now_ts).await?;
        if is_early {
            return Ok(Err(OAuthRefusal::SlowDown));
        }
        match (code.state, &code.user_id) {
            (OAuthDeviceState::Allowed, Some(user_id)) => {
                tx.oauth_device_code_delete(&self.hash).await?;
                let device = (&**user_id, &code.device_id);
                let client = (&*code.client_id, &*code.scope);
                let exchanged = exchange::grant(tx, &self.sign_in, device, client, self.now_ts).await?;
                Ok(exchanged.ok_or(OAuthRefusal::InvalidGrant))
            }
            (OAuthDeviceState::Refused, _) => {
                tx.oauth_device_code_delete(&self.hash).await?;
                Ok(Err(OAuthRefusal::AccessDenied))
            }
            _ => Ok(Err(OAuthRefusal::AuthorizationPending)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn codes_are_read_as_people_type_them() {
        for typed in ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk ", "BCDF\u{2013}GHJK"] {
            assert_eq!(normal(typed), "BCDF-GHJK");
        }
        assert_ne!(normal("BCDF-GHJKL"), "BCDF-GHJK");
        assert_eq!(normal("B"), "B");
    }
}
