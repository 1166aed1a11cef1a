//! Passwords: their rules, their hashes.
//!
//! Hashing takes a core and memory for a while. It runs beside the requests, only so many at once, and takes as long
//! for accounts that don't exist.

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{Error, Ident, Output, ParamsString, PasswordHash, SaltString},
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
/// Length of a hash, in bytes.
const HASH_BYTES: usize = 32;
/// Allocations of more than 32 MiB always go back to the system when they are freed. Smaller ones stay with the thread
/// that made them: after a morning of sign-ins each thread would keep the memory of several hashes. What isn't used
/// of it costs nothing.
const RETURNED_BYTES: usize = 33 * 1024 * 1024;

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

/// A hash that is to be computed.
struct Task {
    params: Params,
    salt: Vec<u8>,
    /// Of the hash, in bytes.
    length: usize,
}

/// Computes a hash beside the requests. Each one is counted, by what it costs: somebody who guesses passwords can be
/// seen there.
async fn compute_beside(server: &Arc<Server>, password: &Password, task: Task) -> Result<Output> {
    let stopped = |_| Refusal::Internal("password hashing has ended".to_owned());
    let permit = tokio::time::timeout(MAX_WAIT, server.passwords.acquire())
        .await
        .map_err(|_| Refusal::LimitExceeded { retry_after_ms: 5000 })?
        .map_err(stopped)?;
    permit.forget();
    let place = Place(Arc::clone(server));
    let labels = [
        ("memory_kib", task.params.m_cost().to_string()),
        ("iterations", task.params.t_cost().to_string()),
        ("parallelism", task.params.p_cost().to_string()),
    ];
    metrics::counter!("rohrpost_password_hashes_total", &labels).increment(1);
    let password = password.clone();
    let done = tokio::task::spawn_blocking(move || {
        let _place = place;
        compute(task, &password)
    });
    let done = done.await.map_err(|error| Refusal::Internal(error.to_string()))?;
    done.map_err(internal)
}

fn internal(error: Error) -> Refusal {
    Refusal::Internal(error.to_string())
}

fn params(cost: PasswordCost) -> Result<Params> {
    Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None)
        .map_err(|error| Refusal::Internal(format!("the configured password cost is not possible: {error}")))
}

/// Argon2id.
fn compute(task: Task, password: &Password) -> Result<Output, Error> {
    let blocks = task.params.block_count();
    let mut memory = Vec::with_capacity(blocks.max(RETURNED_BYTES / Block::SIZE));
    memory.resize(blocks, Block::default());
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, task.params);
    Output::init_with(task.length, |output| {
        let password = password.0.as_bytes();
        Ok(hasher.hash_password_into_with_memory(password, &task.salt, output, &mut memory)?)
    })
}

/// Writes a hash in PHC form.
fn write(params: &Params, salt: &[u8], hash: Output) -> Result<String, Error> {
    let salt = SaltString::encode_b64(salt)?;
    let stored = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params)?,
        salt: Some(salt.as_salt()),
        hash: Some(hash),
    };
    Ok(stored.to_string())
}

/// Reads a stored hash: what is to be computed of a password, and what comes out if it is the right one.
fn read(stored: &str) -> Result<(Task, Output), Error> {
    let stored = PasswordHash::new(stored)?;
    if stored.algorithm != Ident::from(Algorithm::Argon2id) || stored.version != Some(Version::V0x13.into()) {
        return Err(Error::Algorithm);
    }
    let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else {
        return Err(Error::PhcStringField);
    };
    let mut bytes = [0; 64];
    let task = Task {
        params: Params::try_from(&stored)?,
        salt: salt.decode_b64(&mut bytes)?.to_vec(),
        length: expected.len(),
    };
    Ok((task, expected))
}

/// Hashes a password under the configured cost, in PHC form.
pub(crate) async fn hash(server: &Arc<Server>, password: &Password) -> Result<String> {
    let params = params(server.settings.password_cost)?;
    let mut salt = [0; 16];
    server.rng.fill(&mut salt);
    let task = Task {
        params: params.clone(),
        salt: salt.to_vec(),
        length: HASH_BYTES,
    };
    let hash = compute_beside(server, password, task).await?;
    write(&params, &salt, hash).map_err(internal)
}

/// Whether a password is the one that was hashed. Without a hash the answer is no, after the same work.
pub(crate) async fn verify(server: &Arc<Server>, password: &Password, stored: Option<&str>) -> Result<bool> {
    if password.0.len() > MAX_PASSWORD_BYTES {
        return Ok(false);
    }
    let (task, expected) = match stored {
        Some(stored) => read(stored),
        None => read(&nobodys(server.settings.password_cost)),
    }
    .map_err(internal)?;
    // Outputs are compared in constant time.
    let is_right = compute_beside(server, password, task).await? == expected;
    Ok(is_right && stored.is_some())
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
    use argon2::{Argon2, PasswordVerifier};

    use super::{
        Error, HASH_BYTES, Password, PasswordCost, PasswordHash, Task, compute, is_outdated, nobodys, params,
        read, write,
    };

    const COST: PasswordCost = PasswordCost {
        memory_kib: 8,
        iterations: 1,
        parallelism: 1,
    };

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    fn make(password: &Password) -> String {
        let (params, salt) = (params(COST).unwrap(), [7; 16]);
        let task = Task {
            params: params.clone(),
            salt: salt.to_vec(),
            length: HASH_BYTES,
        };
        write(&params, &salt, compute(task, password).unwrap()).unwrap()
    }

    fn is_of(stored: &str, password: &Password) -> Result<bool, Error> {
        let (task, expected) = read(stored)?;
        Ok(compute(task, password)? == expected)
    }

    #[test]
    fn nobodys_password_costs_the_same_and_is_never_right() {
        let stored = nobodys(COST);
        assert_eq!(is_of(&stored, &password("anything")), Ok(false));
        let work = |stored: &str| {
            let (task, _) = read(stored).unwrap();
            (task.params, task.salt.len(), task.length)
        };
        assert_eq!(work(&stored), work(&make(&password("somebody's"))));
    }

    #[test]
    fn a_password_is_known_again_by_its_hash() {
        let stored = make(&password("secret"));
        assert_eq!(is_of(&stored, &password("secret")), Ok(true));
        assert_eq!(is_of(&stored, &password("Secret")), Ok(false));
        let parsed = PasswordHash::new(&stored).unwrap();
        Argon2::default()
            .verify_password(b"secret", &parsed)
            .expect("other programs can check it too");
    }

    #[test]
    fn refuses_a_hash_of_another_kind() {
        let stored = make(&password("secret"));
        let other = stored.replace("argon2id", "argon2i");
        assert_eq!(is_of(&other, &password("secret")), Err(Error::Algorithm));
    }

    #[test]
    fn notices_a_hash_of_another_cost() {
        let stored = make(&password("secret"));
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
