//! Credentials for a relay (TURN) that end by themselves: a name that holds the time of its end, and a keyed hash over it
//! that relay and server can both make.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3voipturnserver>

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha1::Sha1;

use crate::{Refusal, Result, Server, random, settings::SharedSecret};

/// Length of the random part of a name. The relay doesn't learn who calls.
const NAME_LENGTH: usize = 16;

/// The relay of this server.
#[derive(Clone)]
pub struct Turn {
    /// Its addresses: `turn:host:port?transport=udp`.
    pub uris: Vec<String>,
    /// What relay and server share (`static-auth-secret` of coturn).
    pub secret: SharedSecret,
    /// How long credentials are good for.
    pub lifetime: Duration,
}

/// Credentials for the relay. Holds a secret, so it has no `Debug`.
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
    /// The addresses of the relay.
    pub uris: Vec<String>,
    /// How long they are good for.
    pub lifetime: Duration,
}

/// Makes credentials. `None`: there is no relay.
///
/// # Errors
/// Only when the secret can't be used, which no secret is.
pub fn credentials(server: &Server) -> Result<Option<Credentials>> {
    let Some(turn) = &server.settings.turn else {
        return Ok(None);
    };
    let lifetime_s = i64::try_from(turn.lifetime.as_secs()).unwrap_or(i64::MAX);
    let until_s = (server.now_ts() / 1000).saturating_add(lifetime_s);
    let username = format!("{until_s}:{}", random::name(&*server.rng, NAME_LENGTH));
    let mut mac = Hmac::<Sha1>::new_from_slice(turn.secret.as_bytes())
        .map_err(|error| Refusal::Internal(error.to_string()))?;
    mac.update(username.as_bytes());
    Ok(Some(Credentials {
        username,
        password: STANDARD.encode(mac.finalize().into_bytes()),
        uris: turn.uris.clone(),
        lifetime: turn.lifetime,
    }))
}
