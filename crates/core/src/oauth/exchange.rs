//! The token endpoint: codes and refresh tokens are exchanged for tokens.
//!
//! A code is good once. Shown again, or with anything that doesn't fit it, it has been stolen: whatever it was
//! exchanged for is revoked.

use std::{net::IpAddr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rohrpost_store::{OAuthCode, OAuthGrant, Tx, UserState, Work};
use ruma::{OwnedDeviceId, UserId};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    OAuthRefusal, Parameters, admit,
    client::{AUTHORIZATION_CODE, Client, DEVICE_CODE, REFRESH_TOKEN},
    device, register,
};
use crate::{
    Refusal, Result, Server,
    accounts::{
        refresh::{RefreshToken, refresh_of_client},
        sign_in::{NewDevice, SignIn, Tokens},
    },
    random,
};

/// How long a code is good for.
const LIFETIME_MS: i64 = 2 * 60 * 1000;
/// Longest name of a device, in characters.
const MAX_NAME_CHARS: usize = 60;

/// What a client is given. Holds secrets, so it has no `Debug`.
pub struct Exchanged {
    /// The tokens.
    pub tokens: Tokens,
    /// What they are good for, space-separated.
    pub scope: String,
}

/// Answers a request to the token endpoint.
///
/// # Errors
/// `UnsupportedGrantType`, `InvalidRequest`, `InvalidGrant`, `InvalidClient`, and for device codes
/// `AuthorizationPending`, `SlowDown`, `AccessDenied` and `ExpiredToken`.
pub async fn exchange(
    server: &Arc<Server>,
    address: IpAddr,
    parameters: &Parameters,
) -> Result<Exchanged, OAuthRefusal> {
    admit(server, address)?;
    let client_id = parameters.need("client_id", "client_id is missing")?;
    match parameters.need("grant_type", "grant_type is missing")? {
        AUTHORIZATION_CODE => by_code(server, client_id, parameters).await,
        REFRESH_TOKEN => by_refresh_token(server, client_id, parameters).await,
        DEVICE_CODE => {
            let code = parameters.need("device_code", "device_code is missing")?;
            device::exchange(server, client_id, code).await
        }
        _ => Err(OAuthRefusal::UnsupportedGrantType),
    }
}

async fn by_refresh_token(
    server: &Arc<Server>,
    client_id: &str,
    parameters: &Parameters,
) -> Result<Exchanged, OAuthRefusal> {
    let token = parameters.need("refresh_token", "refresh_token is missing")?;
    let exchanged = refresh_of_client(server, RefreshToken(token.to_owned()), client_id.to_owned()).await;
    let (tokens, scope) = exchanged.map_err(|refusal| match refusal {
        Refusal::UnknownToken { .. } => OAuthRefusal::InvalidGrant,
        refusal => refusal.into(),
    })?;
    Ok(Exchanged { tokens, scope })
}

async fn by_code(
    server: &Arc<Server>,
    client_id: &str,
    parameters: &Parameters,
) -> Result<Exchanged, OAuthRefusal> {
    let code = parameters.need("code", "code is missing")?;
    let redirect_uri = parameters.need("redirect_uri", "redirect_uri is missing")?;
    let verifier = parameters.need("code_verifier", "code_verifier is missing")?;
    let client = register::find(server, client_id).await?;
    let unit = Unit {
        hash: random::hash(code),
        client_id: client_id.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        challenge: URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)),
        sign_in: prepare(server, &client)?,
        now_ts: server.now_ts(),
    };
    let exchanged = server.store.write(unit).await?;
    exchanged.ok_or(OAuthRefusal::InvalidGrant)
}

/// A sign-in of a client on a device that its code will name.
pub(super) fn prepare(server: &Arc<Server>, client: &Client) -> Result<SignIn> {
    let name = client.name().chars().take(MAX_NAME_CHARS).collect();
    SignIn::new(
        server,
        NewDevice {
            device_id: None,
            display_name: Some(name),
            with_refresh_token: true,
        },
    )
}

/// Signs a user in on a device, for a client.
pub(super) async fn grant(
    tx: &mut Tx<'_>,
    sign_in: &SignIn,
    (user_id, device_id): (&UserId, &OwnedDeviceId),
    (client_id, scope): (&str, &str),
    now_ts: i64,
) -> Result<Option<Exchanged>> {
    // The account may have been closed since its user consented.
    let user = tx.user_lock(user_id).await?;
    if !user.is_some_and(|user| user.state == UserState::Active)
        || tx.user_restrictions(user_id).await?.locked
    {
        return Ok(None);
    }
    let sign_in = sign_in.on_device(device_id.clone());
    sign_in.run(tx, user_id).await?;
    let tokens = sign_in.tokens().clone();
    let grant = OAuthGrant {
        family: *tokens.family(),
        client_id: client_id.to_owned(),
        scope: scope.to_owned(),
    };
    tx.oauth_grant_insert(&grant, now_ts).await?;
    Ok(Some(Exchanged {
        tokens,
        scope: grant.scope,
    }))
}

struct Unit {
    hash: [u8; 32],
    client_id: String,
    redirect_uri: String,
    /// Of the verifier that was shown.
    challenge: String,
    sign_in: SignIn,
    now_ts: i64,
}

impl Unit {
    fn fits(&self, code: &OAuthCode) -> bool {
        code.client_id == self.client_id
            && code.redirect_uri == self.redirect_uri
            && bool::from(code.challenge.as_bytes().ct_eq(self.challenge.as_bytes()))
            && self.now_ts < code.created_ts + LIFETIME_MS
    }
}

impl Work for Unit {
    /// `None`: refused. What that revokes is kept, so it is no error of the unit.
    type Out = Option<Exchanged>;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<Exchanged>> {
        let Some(code) = tx.oauth_code_lock(&self.hash).await? else {
            return Ok(None);
        };
        if let Some(family) = &code.family {
            tx.token_delete_family(family).await?;
            tx.wake_user(&code.user_id);
            return Ok(None);
        }
        if !self.fits(&code) {
            tx.oauth_code_delete(&self.hash).await?;
            return Ok(None);
        }
        let device = (&*code.user_id, &code.device_id);
        let exchanged = grant(
            tx,
            &self.sign_in,
            device,
            (&code.client_id, &code.scope),
            self.now_ts,
        )
        .await?;
        if let Some(exchanged) = &exchanged {
            tx.oauth_code_set_family(&self.hash, exchanged.tokens.family())
                .await?;
        }
        Ok(exchanged)
    }
}
