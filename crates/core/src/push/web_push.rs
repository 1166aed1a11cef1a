//! Web Push: encrypts messages for one browser (RFC 8291) and says who sends them (VAPID, RFC 8292). Pure.
//!
//! The curve and the cipher are aws-lc's, which TLS uses already. Nothing is sent here.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::ports::Rng;

/// The size of the one record that a message is.
const RECORD_BYTES: u32 = 4096;
/// Largest message, in bytes: what a record holds besides head, padding and tag.
pub const MAX_MESSAGE_BYTES: usize = 3993;
/// How long an authorization is good for, in s. Push services take 24 h at most.
const AUTHORIZATION_S: i64 = 12 * 60 * 60;
/// A point of P-256, uncompressed.
const POINT_BYTES: usize = 65;

/// What a browser gave to its server so that nobody between can read. Secret.
#[derive(Clone)]
pub struct Subscription {
    public: [u8; POINT_BYTES],
    auth: Zeroizing<[u8; 16]>,
}

impl Subscription {
    /// Reads the browser's public key (`p256dh`) and its secret (`auth`), both as base64 of URLs. `None`: they are
    /// none.
    #[must_use]
    pub fn parse(p256dh: &str, auth: &str) -> Option<Self> {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let public: [u8; POINT_BYTES] = decode(p256dh)?.try_into().ok()?;
        let auth: [u8; 16] = decode(auth)?.try_into().ok()?;
        // Points that aren't on the curve are refused here and not when something is to be sent.
        let probe = PrivateKey::from_private_key(&ECDH_P256, &ONE).ok()?;
        shared(&probe, &public)?;
        Some(Self {
            public,
            auth: Zeroizing::new(auth),
        })
    }
}

/// The smallest secret key there is.
const ONE: [u8; 32] = {
    let mut one = [0; 32];
    one[31] = 1;
    one
};

/// A fresh secret key of P-256.
pub(crate) fn fresh_key(rng: &dyn Rng) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    loop {
        rng.fill(&mut *bytes);
        // All but one in four thousand million numbers are keys.
        if PrivateKey::from_private_key(&ECDH_P256, &*bytes).is_ok() {
            return bytes;
        }
    }
}

fn shared(private: &PrivateKey, public: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    agreement::agree(
        private,
        UnparsedPublicKey::new(&ECDH_P256, public),
        (),
        |secret| Ok(Zeroizing::new(secret.to_vec())),
    )
    .ok()
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// Encrypts a message: the body of a push in the coding `aes128gcm`. `None`: it is too long.
pub(crate) fn encrypt(rng: &dyn Rng, to: &Subscription, message: &[u8]) -> Option<Vec<u8>> {
    let mut salt = [0; 16];
    rng.fill(&mut salt);
    encrypt_with(&fresh_key(rng), salt, to, message)
}

/// The same with a given key and salt, each good for one message.
fn encrypt_with(key: &[u8; 32], salt: [u8; 16], to: &Subscription, message: &[u8]) -> Option<Vec<u8>> {
    if message.len() > MAX_MESSAGE_BYTES {
        return None;
    }
    let private = PrivateKey::from_private_key(&ECDH_P256, key).ok()?;
    let public = private.compute_public_key().ok()?;
    let public = public.as_ref();
    // RFC 8291, section 3.4: "Combining Shared and Authentication Secrets".
    let combined = hmac(&*to.auth, &[&shared(&private, &to.public)?]);
    let ikm = hmac(&*combined, &[b"WebPush: info\0", &to.public, public, &[1]]);
    // RFC 8188, sections 2.2 and 2.3.
    let prk = hmac(&salt, &[&*ikm]);
    let key = hmac(&*prk, &[b"Content-Encoding: aes128gcm\0", &[1]]);
    let nonce = hmac(&*prk, &[b"Content-Encoding: nonce\0", &[1]]);
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16]).ok()?);
    let mut sealed = message.to_vec();
    // The last record ends in a 2.
    sealed.push(2);
    let nonce = Nonce::try_assume_unique_for_key(&nonce[..12]).ok()?;
    cipher
        .seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed)
        .ok()?;
    let mut body = Vec::with_capacity(21 + POINT_BYTES + sealed.len());
    body.extend_from_slice(&salt);
    body.extend_from_slice(&RECORD_BYTES.to_be_bytes());
    body.push(u8::try_from(public.len()).ok()?);
    body.extend_from_slice(public);
    body.extend_from_slice(&sealed);
    Some(body)
}

/// The key by which push services know this server.
pub(crate) struct VapidKey {
    pair: EcdsaKeyPair,
    public: String,
}

impl VapidKey {
    /// From the secret key. `None`: it is none.
    pub(crate) fn new(secret: &[u8]) -> Option<Self> {
        let private = PrivateKey::from_private_key(&ECDH_P256, secret).ok()?;
        let public = private.compute_public_key().ok()?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            secret,
            public.as_ref(),
        );
        Some(Self {
            pair: pair.ok()?,
            public: URL_SAFE_NO_PAD.encode(public.as_ref()),
        })
    }

    /// The public key, as browsers want it.
    pub(crate) fn public(&self) -> &str {
        &self.public
    }

    /// The header `Authorization` for messages to a push service, by scheme, host and port.
    pub(crate) fn authorization(&self, origin: &str, contact: &str, now_ts: i64) -> Option<String> {
        let header = json!({ "typ": "JWT", "alg": "ES256" });
        let claims = json!({ "aud": origin, "exp": now_ts / 1000 + AUTHORIZATION_S, "sub": contact });
        let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).ok()?;
        let signature = URL_SAFE_NO_PAD.encode(signature);
        Some(format!("vapid t={text}.{signature}, k={}", self.public))
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::{MAX_MESSAGE_BYTES, Subscription, VapidKey, encrypt_with};

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
    }

    const P256DH: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    #[test]
    fn encrypts_as_the_example_of_rfc_8291() {
        let to = Subscription::parse(P256DH, AUTH).unwrap();
        let key = bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw");
        let body = encrypt_with(&key, salt, &to, b"When I grow up, I want to be a watermelon").unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(body), expected);
    }

    #[test]
    fn what_fits_no_record_is_not_sent() {
        let to = Subscription::parse(P256DH, AUTH).unwrap();
        let encrypt = |length| encrypt_with(&[1; 32], [0; 16], &to, &vec![b'x'; length]);
        assert_eq!(encrypt(MAX_MESSAGE_BYTES).map(|body| body.len()), Some(4096));
        assert!(encrypt(MAX_MESSAGE_BYTES + 1).is_none());
    }

    #[test]
    fn a_subscription_has_a_point_of_the_curve_and_a_secret() {
        assert!(Subscription::parse(P256DH, "short").is_none());
        assert!(Subscription::parse("short", AUTH).is_none());
        let mut point: [u8; 65] = bytes(P256DH);
        point[64] ^= 1;
        assert!(Subscription::parse(&URL_SAFE_NO_PAD.encode(point), AUTH).is_none());
    }

    #[test]
    fn a_key_is_no_arbitrary_number() {
        assert!(VapidKey::new(&[0; 32]).is_none());
        assert!(VapidKey::new(&[0xff; 32]).is_none());
        let key = VapidKey::new(&[7; 32]).unwrap();
        assert_eq!(bytes::<65>(key.public())[0], 4);
    }
}
