//! What a client asks for: the whole API, on one device.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#scope>

use ruma::OwnedDeviceId;

use super::OAuthRefusal;
use crate::accounts::sign_in::check_device_id;

/// The whole API, as the specification spells it and as clients spelled it before.
const API: [&str; 2] = [
    "urn:matrix:client:api:*",
    "urn:matrix:org.matrix.msc2967.client:api:*",
];
const DEVICE: [&str; 2] = [
    "urn:matrix:client:device:",
    "urn:matrix:org.matrix.msc2967.client:device:",
];

/// What is granted.
pub(super) struct Scope {
    /// The device.
    pub(super) device_id: OwnedDeviceId,
    /// In the client's spelling, without what this server doesn't know.
    pub(super) text: String,
}

impl Scope {
    /// Reads a scope. What this server doesn't know isn't granted.
    ///
    /// # Errors
    /// `InvalidScope` unless it asks for the API and names exactly one device.
    pub(super) fn parse(text: &str) -> Result<Self, OAuthRefusal> {
        let mut device_id: Option<&str> = None;
        let mut granted: Vec<&str> = Vec::new();
        for token in text.split(' ') {
            if let Some(id) = DEVICE.iter().find_map(|prefix| token.strip_prefix(prefix)) {
                if device_id.is_some_and(|known| known != id) {
                    return Err(OAuthRefusal::InvalidScope("the scope names more than one device"));
                }
                device_id = Some(id);
            } else if !API.contains(&token) {
                continue;
            }
            if !granted.contains(&token) {
                granted.push(token);
            }
        }
        if !granted.iter().any(|token| API.contains(token)) {
            return Err(OAuthRefusal::InvalidScope(
                "the scope must name urn:matrix:client:api:*",
            ));
        }
        let device_id = device_id.ok_or(OAuthRefusal::InvalidScope(
            "the scope must name a device, as urn:matrix:client:device:ID",
        ))?;
        if !device_id.bytes().all(is_allowed) {
            return Err(OAuthRefusal::InvalidScope(
                "the device id has characters that are not allowed",
            ));
        }
        Ok(Self {
            device_id: check_device_id(device_id.into())
                .map_err(|_| OAuthRefusal::InvalidScope("the device id is empty or too long"))?,
            text: granted.join(" "),
        })
    }
}

/// What RFC 6749 allows in a scope.
fn is_allowed(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests {
    use super::Scope;

    fn parse(text: &str) -> Option<(String, String)> {
        let scope = Scope::parse(text).ok()?;
        Some((scope.device_id.to_string(), scope.text))
    }

    #[test]
    fn both_spellings_are_known() {
        for prefix in ["urn:matrix:client", "urn:matrix:org.matrix.msc2967.client"] {
            let text = format!("{prefix}:api:* {prefix}:device:ABC+/=");
            assert_eq!(parse(&text), Some(("ABC+/=".to_owned(), text)));
        }
    }

    #[test]
    fn what_is_unknown_is_not_granted() {
        let granted = parse("openid urn:matrix:client:api:* urn:matrix:client:device:AB urn:synapse:admin:*");
        let text = "urn:matrix:client:api:* urn:matrix:client:device:AB".to_owned();
        assert_eq!(granted, Some(("AB".to_owned(), text)));
    }

    #[test]
    fn one_device_must_be_named() {
        assert_eq!(parse("urn:matrix:client:api:*"), None);
        assert_eq!(parse("urn:matrix:client:device:AB"), None);
        assert_eq!(parse(""), None);
        let two = "urn:matrix:client:api:* urn:matrix:client:device:A urn:matrix:client:device:B";
        assert_eq!(parse(two), None);
        let mixed = "urn:matrix:client:api:* urn:matrix:client:device:A urn:matrix:org.matrix.msc2967.client:device:B";
        assert_eq!(parse(mixed), None);
        assert_eq!(parse("urn:matrix:client:api:* urn:matrix:client:device:"), None);
        assert_eq!(
            parse("urn:matrix:client:api:* urn:matrix:client:device:a\"b"),
            None
        );
    }
}
