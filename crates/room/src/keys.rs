//! The key this server signs with: read from and written to the form it is kept in.
//!
//! No random source and no file: the caller brings 32 random bytes or the kept document. Events are signed in
//! [`build()`](crate::build::build), and beside another server in [`handshake`](mod@crate::handshake); requests and
//! key answers are signed where they are made. Start with
//! [`document_from_seed`] for a new key and [`key_from_document`] for a kept one.

use ruma::serde::Base64;
use ruma::signatures::{Ed25519KeyPair, Ed25519KeyPairParseError};
use zeroize::Zeroizing;

/// PKCS#8 v1 for Ed25519 up to the 32 bytes of the key (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A key document: PKCS#8 in DER. Wiped from memory when dropped, and without a `Debug` that shows it.
pub type KeyDocument = Zeroizing<Vec<u8>>;

/// Why a key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The version isn't a key version as the grammar has it.
    #[error("key version {0:?} must be one or more of A-Z, a-z, 0-9 and _")]
    Version(String),
    /// The document holds no Ed25519 key.
    #[error("signing key can't be read: {0}")]
    Document(#[from] Ed25519KeyPairParseError),
}

/// The document of a new key. `seed` must come from a cryptographic random source.
pub fn document_from_seed(seed: &[u8; 32]) -> KeyDocument {
    let mut document = Zeroizing::new(Vec::with_capacity(PKCS8_PREFIX.len() + seed.len()));
    document.extend_from_slice(&PKCS8_PREFIX);
    document.extend_from_slice(seed);
    document
}

/// Reads a kept key. `version` is the part of the key id after `ed25519:`.
///
/// # Errors
///
/// The version has other characters than key ids may have, or the document holds no Ed25519 key.
///
/// # Spec
///
/// [Retrieving server keys](https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys)
pub fn key_from_document(document: &[u8], version: &str) -> Result<Ed25519KeyPair, KeyError> {
    if version.is_empty() || !version.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(KeyError::Version(version.to_owned()));
    }
    Ok(Ed25519KeyPair::from_der(document, version.to_owned())?)
}

/// The key of a seed, for callers that keep the seed and not the document.
///
/// # Errors
///
/// The version has other characters than key ids may have.
pub fn key_from_seed(seed: &[u8; 32], version: &str) -> Result<Ed25519KeyPair, KeyError> {
    key_from_document(&document_from_seed(seed), version)
}

/// The key's id as signatures and key answers name it, for example `ed25519:a1`.
pub fn key_id(key: &Ed25519KeyPair) -> String {
    format!("ed25519:{}", key.version())
}

/// The public key as key answers carry it: base64 without padding.
pub fn verify_key(key: &Ed25519KeyPair) -> Base64 {
    Base64::new(key.public_key().to_vec())
}

#[cfg(test)]
mod tests {
    use super::{KeyError, document_from_seed, key_from_document, key_from_seed, key_id, verify_key};
    use ruma::signatures::Ed25519KeyPair;

    #[test]
    fn a_seed_gives_the_key_of_the_specifications_test_vectors() {
        // Appendices, "Cryptographic test vectors".
        let seed = ruma::serde::Base64::<ruma::serde::base64::Standard, Vec<u8>>::parse(
            "YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1",
        )
        .unwrap();
        let seed: [u8; 32] = seed.as_bytes().try_into().unwrap();
        let key = key_from_seed(&seed, "1").unwrap();
        assert_eq!(
            verify_key(&key).encode(),
            "XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI"
        );
        assert_eq!(key_id(&key), "ed25519:1");
    }

    #[test]
    fn a_kept_document_gives_the_same_key_again() {
        let document = document_from_seed(&[7; 32]);
        let first = key_from_document(&document, "a_1").unwrap();
        let second = key_from_seed(&[7; 32], "a_1").unwrap();
        assert_eq!(first.public_key(), second.public_key());
    }

    #[test]
    fn a_document_written_by_ruma_is_read() {
        let document = Ed25519KeyPair::generate();
        assert!(key_from_document(&document, "a").is_ok());
    }

    #[test]
    fn a_version_outside_the_grammar_is_refused() {
        for version in ["", "a:b", "a b", "ä"] {
            assert!(
                matches!(key_from_seed(&[7; 32], version), Err(KeyError::Version(_))),
                "{version:?}"
            );
        }
    }

    #[test]
    fn a_damaged_document_is_refused_and_not_shown() {
        let mut document = document_from_seed(&[7; 32]).to_vec();
        document.truncate(40);
        let error = key_from_document(&document, "a").unwrap_err();
        assert!(matches!(error, KeyError::Document(_)));
        assert!(!format!("{error} {error:?}").contains("7, 7"), "{error:?}");
    }

    #[test]
    fn debug_output_of_a_key_doesnt_show_the_secret() {
        let key = key_from_seed(&[7; 32], "a").unwrap();
        assert!(!format!("{key:?}").contains("7, 7, 7"));
    }
}
