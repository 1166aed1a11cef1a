//! Keys as clients make and sign them.

use rohrpost_room::keys::document_from_seed;
use rohrpost_testkit::User;
use ruma::{
    CanonicalJsonObject,
    serde::{Base64, base64::Standard},
    signatures::{Ed25519KeyPair, sign_json},
};
use serde_json::{Value, json};

/// A key that signs.
pub(crate) struct Key(Ed25519KeyPair);

impl Key {
    /// The signing key of a device. Another seed is another key.
    pub(crate) fn of_device(device: &str, seed: u8) -> Self {
        Self::named(device, seed)
    }

    /// A cross-signing key, named by its public key.
    pub(crate) fn of_identity(seed: u8) -> Self {
        let public = Self::named("x", seed).public();
        Self::named(&public, seed)
    }

    fn named(name: &str, seed: u8) -> Self {
        let document = document_from_seed(&[seed; 32]);
        Self(Ed25519KeyPair::from_der(&document, name.to_owned()).expect("a key"))
    }

    pub(crate) fn public(&self) -> String {
        Base64::<Standard, _>::new(self.0.public_key()).encode()
    }

    /// The object with this key's signature of the user added.
    pub(crate) fn sign(&self, user: &User, object: &Value) -> Value {
        let mut object: CanonicalJsonObject = serde_json::from_value(object.clone()).expect("canonical");
        sign_json(user.id.as_str(), &self.0, &mut object).expect("signs");
        serde_json::to_value(object).expect("writes")
    }

    /// The object with this signature and no other.
    pub(crate) fn sign_alone(&self, user: &User, object: &Value) -> Value {
        let mut object = object.clone();
        object.as_object_mut().expect("an object").remove("signatures");
        self.sign(user, &object)
    }
}

/// The signing key of a user's device.
pub(crate) fn device_key(user: &User) -> Key {
    Key::of_device(user.device.as_str(), 1)
}

/// Device keys of a user, signed by the device.
pub(crate) fn device_keys(user: &User) -> Value {
    device_keys_with(user, &device_key(user))
}

/// The same with another key.
pub(crate) fn device_keys_with(user: &User, key: &Key) -> Value {
    let device = &user.device;
    let object = json!({
        "user_id": user.id,
        "device_id": device,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": {
            (format!("curve25519:{device}")): "3C5BFWi2Y8MaVvjM8M22DBmh24PmgR0nPvJOIArzgyI",
            (format!("ed25519:{device}")): key.public(),
        },
    });
    key.sign(user, &object)
}

/// Publishes the keys of a user's device.
pub(crate) async fn publish(user: &User) -> Value {
    let keys = device_keys(user);
    let (status, answer) = user
        .post("/_matrix/client/v3/keys/upload", json!({ "device_keys": keys }))
        .await;
    assert_eq!(status, 200, "{answer}");
    keys
}

/// Asks for the keys of users.
pub(crate) async fn query(viewer: &User, users: &[&User]) -> Value {
    let wanted: serde_json::Map<String, Value> = users
        .iter()
        .map(|user| (user.id.to_string(), json!([])))
        .collect();
    let (status, answer) = viewer
        .post("/_matrix/client/v3/keys/query", json!({ "device_keys": wanted }))
        .await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// The errcode of a refusal, with its status.
pub(crate) fn refusal((status, answer): (u16, Value)) -> (u16, String) {
    (status, answer["errcode"].as_str().unwrap_or_default().to_owned())
}

/// A refusal to compare with.
pub(crate) fn refused(status: u16, errcode: &str) -> (u16, String) {
    (status, errcode.to_owned())
}
