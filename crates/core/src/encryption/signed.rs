//! Signed JSON objects: taken apart into what is signed and who signed it, and verified.
//!
//! <https://spec.matrix.org/v1.19/appendices/#signing-json>

use std::collections::BTreeMap;

use rohrpost_room::canonical_object;
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, SigningKeyAlgorithm, UserId,
    serde::{Base64, base64::Standard},
    signatures::{to_canonical_json_string_for_signing, verify_canonical_json_bytes},
};

use crate::{Refusal, Result};

/// Largest key object, in bytes.
const MAX_OBJECT_BYTES: usize = 65_536;

/// An Ed25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads base64, with or without padding.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = Base64::<Standard>::parse(text).ok()?.into_inner();
        bytes.try_into().ok().map(Self)
    }

    /// The one unpadded text of this key.
    pub(super) fn text(&self) -> String {
        Base64::<Standard, _>::new(&self.0).encode()
    }
}

/// Signatures of one signer: key id with its algorithm, such as `ed25519:DEVICE`, to base64.
pub(super) type Signatures = BTreeMap<String, String>;

/// A signed object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// What is signed: the object without `signatures` and `unsigned`.
    body: CanonicalJsonObject,
    /// By signer. Nothing is verified yet.
    signatures: BTreeMap<String, Signatures>,
}

impl Signed {
    /// Takes an object apart. `unsigned` is dropped.
    ///
    /// # Errors
    /// `TooLarge` over 65,536 bytes; `BadJson` for what isn't a signed object.
    pub(super) fn parse(json: &str) -> Result<Self> {
        if json.len() > MAX_OBJECT_BYTES {
            return Err(Refusal::TooLarge(format!(
                "a key is larger than {MAX_OBJECT_BYTES} bytes"
            )));
        }
        let bad = |_| Refusal::BadJson("a key is not a JSON object".to_owned());
        let mut body = canonical_object(serde_json::from_str(json).map_err(bad)?)?;
        body.remove("unsigned");
        let signatures = match body.remove("signatures") {
            None => BTreeMap::new(),
            Some(CanonicalJsonValue::Object(by_signer)) => by_signer
                .into_iter()
                .map(|(signer, by_key)| Ok((signer, texts(by_key)?)))
                .collect::<Result<_>>()?,
            Some(_) => return Err(malformed()),
        };
        Ok(Self { body, signatures })
    }

    /// Whether the same thing is signed, no matter by whom.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.body == other.body
    }

    /// The signatures of one user.
    pub(super) fn signatures_of(&self, user_id: &UserId) -> impl Iterator<Item = (&str, &str)> {
        let of_user = self.signatures.get(user_id.as_str()).into_iter().flatten();
        of_user.map(|(key, signature)| (key.as_str(), signature.as_str()))
    }

    /// Whether the signature of `user_id` under `key_id` is there and was made by `key`.
    pub(super) fn is_signed_by(&self, user_id: &UserId, key_id: &str, key: PublicKey) -> bool {
        let signature = self
            .signatures
            .get(user_id.as_str())
            .and_then(|by_key| by_key.get(key_id));
        signature.is_some_and(|signature| self.verify(signature, key))
    }

    fn verify(&self, signature: &str, PublicKey(key): PublicKey) -> bool {
        let Ok(signature) = Base64::<Standard>::parse(signature) else {
            return false;
        };
        let Ok(text) = to_canonical_json_string_for_signing(&self.body) else {
            return false;
        };
        let algorithm = SigningKeyAlgorithm::Ed25519;
        verify_canonical_json_bytes(&algorithm, &key, signature.as_bytes(), text.as_bytes()).is_ok()
    }

    /// The object with the signature of one key of one user, if it is there, and no other.
    pub(super) fn json_with(&self, user_id: &UserId, key_id: &str) -> Result<String> {
        self.json_with_each(user_id, [key_id])
    }

    /// The object with the signatures of some keys of one user, those that are there, and no others.
    pub(super) fn json_with_each<'k>(
        &self,
        user_id: &UserId,
        key_ids: impl IntoIterator<Item = &'k str>,
    ) -> Result<String> {
        let mut object = self.body.clone();
        let of_user = self.signatures.get(user_id.as_str());
        let by_key: CanonicalJsonObject = key_ids
            .into_iter()
            .filter_map(|key_id| {
                let signature = of_user?.get(key_id)?.clone();
                Some((key_id.to_owned(), CanonicalJsonValue::String(signature)))
            })
            .collect();
        if !by_key.is_empty() {
            let by_user = BTreeMap::from([(user_id.to_string(), CanonicalJsonValue::Object(by_key))]);
            object.insert("signatures".to_owned(), CanonicalJsonValue::Object(by_user));
        }
        Ok(serde_json::to_string(&object)?)
    }
}

fn texts(by_key: CanonicalJsonValue) -> Result<Signatures> {
    let CanonicalJsonValue::Object(by_key) = by_key else {
        return Err(malformed());
    };
    let text = |(key, value)| match value {
        CanonicalJsonValue::String(signature) => Ok((key, signature)),
        _ => Err(malformed()),
    };
    by_key.into_iter().map(text).collect()
}

fn malformed() -> Refusal {
    Refusal::BadJson("signatures must be a map of users to a map of keys to signatures".to_owned())
}

#[cfg(test)]
mod tests {
    use ruma::{CanonicalJsonObject, signatures::sign_json, user_id};

    use super::{PublicKey, Signed};

    fn signed(json: &str) -> (String, PublicKey) {
        let key = rohrpost_room::keys::key_from_seed(&[7; 32], "DEVICE").expect("a key");
        let mut object: CanonicalJsonObject = serde_json::from_str(json).expect("an object");
        sign_json("@anna:example.org", &key, &mut object).expect("signs");
        (
            serde_json::to_string(&object).expect("writes"),
            PublicKey(key.public_key()),
        )
    }

    #[test]
    fn a_signature_holds_for_the_object_it_was_made_for_only() {
        let anna = user_id!("@anna:example.org");
        let (json, key) = signed(r#"{"a":1,"b":"ü"}"#);
        let object = Signed::parse(&json).expect("parses");
        assert!(object.is_signed_by(anna, "ed25519:DEVICE", key));
        assert!(!object.is_signed_by(anna, "ed25519:OTHER", key));
        assert!(!object.is_signed_by(user_id!("@otto:example.org"), "ed25519:DEVICE", key));
        let other_key = PublicKey::parse("3C5BFWi2Y8MaVvjM8M22DBmh24PmgR0nPvJOIArzgyI").expect("a key");
        assert!(!object.is_signed_by(anna, "ed25519:DEVICE", other_key));
        let tampered = Signed::parse(&json.replace("\"a\":1", "\"a\":2")).expect("parses");
        assert!(!tampered.is_signed_by(anna, "ed25519:DEVICE", key));
    }

    #[test]
    fn what_is_not_signed_does_not_count() {
        let (json, key) = signed(r#"{"a":1}"#);
        let with_unsigned = json.replacen('{', r#"{"unsigned":{"x":1},"#, 1);
        let object = Signed::parse(&with_unsigned).expect("parses");
        assert!(object.is_signed_by(user_id!("@anna:example.org"), "ed25519:DEVICE", key));
        assert!(object.is_same(&Signed::parse(r#"{"a":1}"#).expect("parses")));
        let kept = object
            .json_with(user_id!("@anna:example.org"), "ed25519:DEVICE")
            .expect("writes");
        assert_eq!(kept, json);
    }

    #[test]
    fn a_key_has_one_text_and_32_bytes() {
        let key = PublicKey::parse("3C5BFWi2Y8MaVvjM8M22DBmh24PmgR0nPvJOIArzgyI=").expect("a key");
        assert_eq!(key.text(), "3C5BFWi2Y8MaVvjM8M22DBmh24PmgR0nPvJOIArzgyI");
        assert!(PublicKey::parse("AAAA").is_none());
        assert!(PublicKey::parse("not base64!").is_none());
    }

    #[test]
    fn what_is_no_signed_object_is_refused() {
        for json in [
            "",
            "1",
            "[]",
            r#"{"signatures":1}"#,
            r#"{"signatures":{"@a:b":1}}"#,
            r#"{"signatures":{"@a:b":{"x":1}}}"#,
        ] {
            assert!(Signed::parse(json).is_err(), "{json}");
        }
        assert!(Signed::parse(&format!(r#"{{"a":"{}"}}"#, "x".repeat(70_000))).is_err());
    }
}
