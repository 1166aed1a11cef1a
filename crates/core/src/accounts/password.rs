//! Passwords: their rules, their hashes.
//!
//! Hashing takes a core and memory for a while. It runs beside the requests, only so many at once, and takes as long
//! for accounts that don't exist.

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use zeroize::Zeroizing;

use crate::{
    Refusal, Result, Server,
    settings::{PasswordCost, Settings},
};

/// Longest password, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 512;
/// How long somebody waits for their turn before they are sent away.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// A password as a person typed it. Never kept, never logged.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Wraps a password.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Whether this may be somebody's new password.
    ///
    /// # Errors
    /// `WeakPassword` with words that say what is asked for.
    pub fn check(&self, settings: &Settings) -> Result<()> {
        let min_length = settings.password_min_length;
        if self.0.chars().count() < min_length {
            return Err(Refusal::WeakPassword(format!(
                "please choose a password of at least {min_length} characters; several words in a row are easy to \
                 remember and hard to guess"
            )));
        }
        if self.0.len() > MAX_PASSWORD_BYTES {
            return Err(Refusal::WeakPassword(format!(
                "please choose a password of at most {MAX_PASSWORD_BYTES} bytes"
            )));
        }
        Ok(())
    }
}

impl From<Zeroizing<String>> for Password {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

/// Gives its place back when the work is done, also when nobody waits for the answer any more.
struct Place(Arc<Server>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.passwords.add_permits(1);
    }
}

async fn beside<T: Send + 'static>(
    server: &Arc<Server>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let stopped = |_| Refusal::Internal("password hashing has ended".to_owned());
    let permit = tokio::time::timeout(MAX_WAIT, server.passwords.acquire())
        .await
        .map_err(|_| Refusal::LimitExceeded { retry_after_ms: 5000 })?
        .map_err(stopped)?;
    permit.forget();
    let place = Place(Arc::clone(server));
    let done = tokio::task::spawn_blocking(move || {
        let _place = place;
        work()
    });
    done.await.map_err(|error| Refusal::Internal(error.to_string()))
}

fn hasher(cost: PasswordCost) -> Result<Argon2<'static>> {
    let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None).map_err(|error| {
        Refusal::Internal(format!("the configured password cost is not possible: {error}"))
    })?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes a password under the configured cost, in PHC form.
pub(crate) async fn hash(server: &Arc<Server>, password: &Password) -> Result<String> {
    let hasher = hasher(server.settings.password_cost)?;
    let mut salt = [0; 16];
    server.rng.fill(&mut salt);
    let password = password.clone();
    beside(server, move || {
        let salt = SaltString::encode_b64(&salt)?;
        Ok(hasher.hash_password(password.0.as_bytes(), &salt)?.to_string())
    })
    .await?
    .map_err(|error: argon2::password_hash::Error| Refusal::Internal(error.to_string()))
}

/// Whether a password is the one that was hashed. Without a hash the answer is no, after the same work.
pub(crate) async fn verify(server: &Arc<Server>, password: &Password, stored: Option<&str>) -> Result<bool> {
    if password.0.len() > MAX_PASSWORD_BYTES {
        return Ok(false);
    }
    let exists = stored.is_some();
    let stored = stored.map_or_else(|| nobodys(server.settings.password_cost), str::to_owned);
    let password = password.clone();
    let is_right = beside(server, move || {
        let stored = PasswordHash::new(&stored)?;
        match Argon2::default().verify_password(password.0.as_bytes(), &stored) {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::Password) => Ok(false),
            Err(error) => Err(error),
        }
    })
    .await?
    .map_err(|error: argon2::password_hash::Error| Refusal::Internal(error.to_string()))?;
    Ok(is_right && exists)
}

/// Whether a hash was made under another cost than the configured one.
pub(crate) fn is_outdated(stored: &str, cost: PasswordCost) -> bool {
    let params = PasswordHash::new(stored).and_then(|stored| Params::try_from(&stored));
    params.is_ok_and(|params| {
        (params.m_cost(), params.t_cost(), params.p_cost())
            != (cost.memory_kib, cost.iterations, cost.parallelism)
    })
}

/// The hash of nobody's password, so that accounts that don't exist take as long as those that do.
fn nobodys(cost: PasswordCost) -> String {
    let PasswordCost {
        memory_kib,
        iterations,
        parallelism,
    } = cost;
    let (salt, hash) = ("A".repeat(22), "A".repeat(43));
    format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${hash}")
}

#[cfg(test)]
mod tests {
    use super::{Argon2, PasswordCost, PasswordHash, PasswordVerifier, hasher, is_outdated, nobodys};
    use argon2::password_hash::{Error, PasswordHasher, SaltString};

    const COST: PasswordCost = PasswordCost {
        memory_kib: 8,
        iterations: 1,
        parallelism: 1,
    };

    #[test]
    fn nobodys_password_costs_the_same_and_is_never_right() {
        let stored = nobodys(COST);
        let stored = PasswordHash::new(&stored).unwrap();
        assert_eq!(
            Argon2::default().verify_password(b"anything", &stored),
            Err(Error::Password)
        );
        assert!(!is_outdated(&stored.to_string(), COST));
    }

    #[test]
    fn notices_a_hash_of_another_cost() {
        let salt = SaltString::encode_b64(&[7; 16]).unwrap();
        let stored = hasher(COST)
            .unwrap()
            .hash_password(b"secret", &salt)
            .unwrap()
            .to_string();
        assert!(!is_outdated(&stored, COST));
        assert!(is_outdated(
            &stored,
            PasswordCost {
                iterations: 2,
                ..COST
            }
        ));
        assert!(!is_outdated("not a hash", COST));
    }
}
