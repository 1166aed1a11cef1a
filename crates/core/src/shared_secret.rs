//! Making accounts by program, with the shared secret of the configuration.
//!
//! The program fetches a nonce and proves with a keyed hash over it and the account's data that it knows the secret.
//! The way of other servers, which bridges, bots and test tools know; it is not part of the specification.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use hmac::{Hmac, Mac};
use sha1::Sha1;
use zeroize::Zeroizing;

use crate::{
    Refusal, Result, Server,
    accounts::{
        add::{AddUser, add},
        password::Password,
        register::Registered,
        sign_in::NewDevice,
    },
    random,
};

/// How long a nonce is good for.
const LIFETIME_MS: i64 = 60_000;
/// Nonces that are kept at the same time; the oldest go first.
const MAX_NONCES: usize = 1000;
/// Length of a nonce; five bits for each character.
const NONCE_LENGTH: usize = 32;

/// Nonces that were handed out and not used yet, oldest first. Each node of a server knows its own.
#[derive(Default)]
pub struct Nonces(Mutex<VecDeque<(String, i64)>>);

impl Nonces {
    fn put(&self, nonce: String, now_ts: i64) {
        let mut nonces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while nonces.len() >= MAX_NONCES {
            nonces.pop_front();
        }
        nonces.push_back((nonce, now_ts));
    }

    /// Takes a nonce away. `false`: there was none, or not any more.
    fn take(&self, nonce: &str, now_ts: i64) -> bool {
        let mut nonces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.retain(|(_, made_ts)| now_ts - made_ts < LIFETIME_MS);
        let place = nonces.iter().position(|(kept, _)| kept == nonce);
        place.and_then(|place| nonces.remove(place)).is_some()
    }
}

/// An account that a program wants to make.
pub struct RegisterWithSecret {
    /// From [`nonce`].
    pub nonce: String,
    /// The name.
    pub username: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// Whether it may administer the server.
    pub administrator: bool,
    /// A kind of account; part of the proof, and otherwise without meaning here.
    pub user_type: Option<String>,
    /// The proof, hexadecimal: HMAC-SHA1 under the shared secret over nonce, name, password, `admin` or `notadmin` and
    /// the kind if there is one, with NUL bytes between them.
    pub mac: String,
    /// The device to sign in on. `None`: the account only.
    pub device: Option<NewDevice>,
}

/// Hands out a nonce, good once and for a minute.
///
/// # Errors
/// `Unrecognized` when there is no shared secret.
pub fn nonce(server: &Server) -> Result<String> {
    if server.settings.shared_secret.is_none() {
        return Err(Refusal::Unrecognized);
    }
    let nonce = random::name(&*server.rng, NONCE_LENGTH);
    server.nonces.put(nonce.clone(), server.now_ts());
    Ok(nonce)
}

/// Makes an account for a program that knows the shared secret.
///
/// # Errors
/// `Unrecognized` when there is no shared secret, `Forbidden` when the proof is wrong, `Unknown` when the nonce is;
/// `UserInUse`, `InvalidUsername`, `WeakPassword`.
pub async fn register(server: &Arc<Server>, register: RegisterWithSecret) -> Result<Registered> {
    let Some(secret) = &server.settings.shared_secret else {
        return Err(Refusal::Unrecognized);
    };
    if !server.nonces.take(&register.nonce, server.now_ts()) {
        return Err(Refusal::Unknown(
            "this nonce is not known (any more); please fetch a new one".to_owned(),
        ));
    }
    if !is_proven(secret.as_bytes(), &register) {
        return Err(Refusal::Forbidden(
            "the proof is wrong; please compare the shared secrets".to_owned(),
        ));
    }
    let RegisterWithSecret {
        username,
        password,
        administrator,
        device,
        ..
    } = register;
    add(
        server,
        AddUser {
            username,
            password: Some(Password::from(password)),
            administrator,
            device,
        },
    )
    .await
}

fn is_proven(secret: &[u8], register: &RegisterWithSecret) -> bool {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC takes keys of any length");
    let admin = if register.administrator {
        "admin"
    } else {
        "notadmin"
    };
    let mut parts = vec![
        register.nonce.as_str(),
        &register.username,
        &register.password,
        admin,
    ];
    parts.extend(register.user_type.as_deref());
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            mac.update(b"\0");
        }
        mac.update(part.as_bytes());
    }
    let mut given = [0; 20];
    let digits = register.mac.as_bytes();
    if digits.len() != 40 || !digits.is_ascii() {
        return false;
    }
    for (byte, digits) in given.iter_mut().zip(digits.chunks(2)) {
        let parsed = std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(parsed) = parsed else { return false };
        *byte = parsed;
    }
    // Compares in constant time.
    mac.verify_slice(&given).is_ok()
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::{LIFETIME_MS, MAX_NONCES, Nonces, RegisterWithSecret, is_proven};

    #[test]
    fn a_nonce_is_good_once_and_for_a_minute() {
        let nonces = Nonces::default();
        nonces.put("a".to_owned(), 0);
        assert!(!nonces.take("b", 1));
        assert!(nonces.take("a", 1));
        assert!(!nonces.take("a", 1));
        nonces.put("c".to_owned(), 0);
        assert!(!nonces.take("c", LIFETIME_MS));
    }

    #[test]
    fn keeps_a_bounded_number_of_nonces() {
        let nonces = Nonces::default();
        for number in 0..=MAX_NONCES {
            nonces.put(number.to_string(), 0);
        }
        assert!(!nonces.take("0", 0));
        assert!(nonces.take("1", 0));
    }

    #[test]
    fn the_proof_covers_every_part() {
        let register =
            |password: &str, administrator, user_type: Option<&str>, mac: &str| RegisterWithSecret {
                nonce: "thisisanonce".to_owned(),
                username: "pepper_roni".to_owned(),
                password: Zeroizing::new(password.to_owned()),
                administrator,
                user_type: user_type.map(str::to_owned),
                mac: mac.to_owned(),
                device: None,
            };
        // printf 'thisisanonce\0pepper_roni\0pizza\0admin' | openssl sha1 -hmac shared
        let mac = "4baca023abe6314415efbd20fe2e85ce78c5a2e8";
        assert!(is_proven(b"shared", &register("pizza", true, None, mac)));
        assert!(!is_proven(b"Shared", &register("pizza", true, None, mac)));
        assert!(!is_proven(b"shared", &register("pizzA", true, None, mac)));
        assert!(!is_proven(b"shared", &register("pizza", false, None, mac)));
        assert!(!is_proven(b"shared", &register("pizza", true, Some("bot"), mac)));
        for mac in ["", "zz", &mac[1..], &"é".repeat(20)] {
            assert!(
                !is_proven(b"shared", &register("pizza", true, None, mac)),
                "{mac}"
            );
        }
    }
}
