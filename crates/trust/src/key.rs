//! Ed25519 keys and signatures and SHA-256 hashes as the roster writes them: Base64 without padding, one spelling each.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A text that isn't what it should be: the Base64 of a key, a signature or a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not Base64 of the right length.
    #[error("must be {bytes} bytes in Base64 without = at the end")]
    Encoding {
        /// How many bytes it has to be.
        bytes: usize,
    },
    /// No point of the curve, or one under which anything could be signed.
    #[error("is no usable Ed25519 key")]
    Unusable,
}

/// Defines a type of so many bytes that is read and written as Base64.
macro_rules! base64_bytes {
    ($(#[doc = $about:literal])+ $name:ident, $bytes:literal, $check:expr) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Reads Base64 without padding.
            ///
            /// # Errors
            /// When it is anything else.
            pub fn parse(text: &str) -> Result<Self, KeyError> {
                let bytes = STANDARD_NO_PAD.decode(text).ok();
                let bytes = bytes.and_then(|bytes| <[u8; $bytes]>::try_from(bytes).ok());
                let bytes = bytes.ok_or(KeyError::Encoding { bytes: $bytes })?;
                let check: fn(&[u8; $bytes]) -> bool = $check;
                if check(&bytes) { Ok(Self(bytes)) } else { Err(KeyError::Unusable) }
            }

            /// The bytes themselves.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&STANDARD_NO_PAD.encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

base64_bytes! {
    /// The public half of an Ed25519 key; never one of the few under which everybody can sign.
    PublicKey, 32, |bytes| VerifyingKey::from_bytes(bytes).is_ok_and(|key| !key.is_weak())
}

base64_bytes! {
    /// An Ed25519 signature, not verified.
    Signature, 64, |_| true
}

base64_bytes! {
    /// The SHA-256 of a document.
    Hash, 32, |_| true
}

impl PublicKey {
    /// Whether the signature over these bytes was made with this key, by the strict rules: no signature has a second
    /// form.
    #[must_use]
    pub fn verifies(&self, signed: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| key.verify_strict(signed, &signature).is_ok())
    }
}

impl Hash {
    /// The hash of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// The secret half of an Ed25519 key. Can't be printed; overwritten in memory when it is dropped.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key from its 32 bytes, which have to be random.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs these bytes.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(self.0.sign(bytes).to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyError, PublicKey, SecretKey};

    #[test]
    fn a_key_has_one_spelling() {
        let key = SecretKey::from_seed(&[7; 32]).public();
        let text = key.to_string();
        assert_eq!(PublicKey::parse(&text), Ok(key));
        // Padding, and bits at the end that mean nothing.
        let last = text.chars().last().expect("43 letters");
        let other = text[..42].to_owned() + &char::from_u32(last as u32 + 1).expect("a letter").to_string();
        for other in [
            format!("{text}="),
            format!(" {text}"),
            text[..42].to_owned(),
            other,
        ] {
            assert_eq!(
                PublicKey::parse(&other),
                Err(KeyError::Encoding { bytes: 32 }),
                "{other}"
            );
        }
    }

    #[test]
    fn a_key_under_which_everybody_can_sign_is_refused() {
        // The neutral element, and y = 0, which has order four.
        let neutral = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let order_four = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for weak in [neutral, order_four] {
            assert_eq!(PublicKey::parse(weak), Err(KeyError::Unusable));
        }
    }
}
