//! Who must have signed an event, whether they did, and what of the event is kept.

use std::collections::BTreeSet;

use ruma::canonical_json::{CanonicalJsonObject, CanonicalJsonValue};
use ruma::serde::Base64;
use ruma::serde::base64::Standard;
use ruma::signatures::{
    Ed25519KeyPair, PublicKeyMap, VerificationError, content_hash, sign_event, verify_json,
};
use ruma::{OwnedServerName, OwnedUserId, ServerName, UserId};

use super::{Unverified, text};
use crate::pdu::Pdu;
use crate::redact::redact_object;

/// Keys of one server that are looked for because an event says that it is signed with them.
pub const MAX_KEY_IDS: usize = 10;

/// An event that is signed by whom it must be.
#[derive(Debug, Clone)]
pub struct Received {
    /// The event, in the form in which it is stored, shown and sent on.
    pub pdu: Pdu,
    /// Which form that is.
    pub kept: Kept,
}

/// Which form of a signed event is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The event as it came.
    Whole,
    /// The redacted form, because the content doesn't have the hash that was signed: "it is assumed that this is
    /// because we have only been given a redacted version of the event".
    RedactedForHash,
    /// The redacted form, because the event holds the character U+0000, which the database can't keep. Other servers
    /// may have the whole; what counts for the room's state is the same.
    RedactedForNul,
}

/// Why an event counts as nobody's: "Passes signature checks, otherwise it is dropped."
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// A server that must have signed didn't.
    #[error("not signed by {0}")]
    Unsigned(OwnedServerName),
    /// The caller has no keys of that server, or none that the event is signed with and that was valid then.
    #[error("no valid key of {0} is known that signed the event")]
    NoKey(OwnedServerName),
    /// A signature by a known key is wrong.
    #[error("signature of {server} is wrong: {source}")]
    Wrong {
        /// The server whose signature it would be.
        server: OwnedServerName,
        /// What is wrong with it.
        source: VerificationError,
    },
    /// What would be kept holds the character U+0000 or is no event.
    #[error("event can't be kept")]
    Unkeepable,
}

impl Unverified {
    /// The servers that must have signed the event. Their keys are what [`verify`](Self::verify) wants.
    ///
    /// "only the signature(s) from the originating server (the server the sender belongs to) are required", none for
    /// "a 3rd party invite", which the authorization rules check by the identity server's signature, and also the
    /// one of "the homeserver of the user ID denoted by" `join_authorised_via_users_server` in a membership event.
    ///
    /// # Spec
    ///
    /// [Validating hashes and signatures on received
    /// events](https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events)
    pub fn signers(&self) -> BTreeSet<OwnedServerName> {
        let mut servers = BTreeSet::new();
        if !self.is_third_party_invite() {
            servers.insert(self.sender().server_name().to_owned());
        }
        servers.extend(self.authorizer().map(|user| user.server_name().to_owned()));
        servers
    }

    /// The keys of a server that the event is said to be signed with, at most [`MAX_KEY_IDS`].
    pub fn key_ids(&self, server: &ServerName) -> Vec<String> {
        let signatures = signatures_of(&self.object, server);
        let ids = signatures.into_iter().flat_map(CanonicalJsonObject::keys);
        ids.take(MAX_KEY_IDS).cloned().collect()
    }

    /// Checks the signatures, and then the content hash.
    ///
    /// `keys` holds, for each of [`signers`](Self::signers), the keys of that server by key id that were valid at the
    /// event's `origin_server_ts`: those under `verify_keys` if the time is not after `valid_until_ts`, and those
    /// under `old_verify_keys` if it is not after their `expired_ts`. This function knows no times; a key that isn't
    /// in the map doesn't count: "If a signature is from an unknown or expired key, it is skipped."
    ///
    /// # Errors
    ///
    /// The event must be dropped; see [`SignatureError`].
    ///
    /// # Spec
    ///
    /// [Validating hashes and signatures on received
    /// events](https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events)
    pub fn verify(self, keys: &PublicKeyMap) -> Result<Received, SignatureError> {
        let signers = self.signers();
        self.verify_by(signers, keys, None)
    }

    /// The same with other signers, and with the signature of a server that the event needs besides.
    pub(crate) fn verify_by(
        mut self,
        signers: impl IntoIterator<Item = OwnedServerName>,
        keys: &PublicKeyMap,
        countersigner: Option<(&ServerName, &Ed25519KeyPair)>,
    ) -> Result<Received, SignatureError> {
        // "The event is redacted following the redaction algorithm, and the resultant object is checked for
        // signatures from the originating server".
        let mut redacted = self.object.clone();
        redact_object(&mut redacted, &self.rules.redaction).map_err(|_| SignatureError::Unkeepable)?;
        for server in signers {
            check_signature(&redacted, server, keys)?;
        }
        if let Some((server, key)) = countersigner {
            sign_event(server.as_str(), key, &mut redacted, &self.rules.redaction)
                .map_err(|_| SignatureError::Unkeepable)?;
            let signatures = redacted.get("signatures").cloned().unwrap_or_default();
            self.object.insert("signatures".to_owned(), signatures);
        }

        // "If the hash check fails, ... the receiving server should use the redacted copy it calculated rather than
        // the full copy it received."
        let kept = if !has_hash(&self.object) {
            Kept::RedactedForHash
        } else if holds_nul(&self.object) {
            Kept::RedactedForNul
        } else {
            Kept::Whole
        };
        let object = match kept {
            Kept::Whole => &self.object,
            Kept::RedactedForHash | Kept::RedactedForNul => &redacted,
        };
        if holds_nul(object) {
            return Err(SignatureError::Unkeepable);
        }
        let json = serde_json::to_string(object).map_err(|_| SignatureError::Unkeepable)?;
        let pdu =
            Pdu::from_stored(&self.room_id, &self.event_id, &json).map_err(|_| SignatureError::Unkeepable)?;
        Ok(Received { pdu, kept })
    }

    /// "unless the event is a 3rd party invite". As strict as the authorization rules, which take anything but an
    /// object for no third-party invite: then the sender's server must have signed.
    fn is_third_party_invite(&self) -> bool {
        self.member_content().is_some_and(|content| {
            text(content, "membership") == Some("invite")
                && content
                    .get("third_party_invite")
                    .is_some_and(CanonicalJsonValue::is_object)
        })
    }

    /// The user whose server must have signed a join, too.
    ///
    /// In membership events only: ruma's own list asks this of every type, and would let whoever may send a message
    /// make an event that this server alone drops.
    pub(crate) fn authorizer(&self) -> Option<OwnedUserId> {
        let content = self.member_content()?;
        UserId::parse(text(content, "join_authorised_via_users_server")?).ok()
    }

    /// Whether a membership says who authorized it, whatever stands there.
    pub(crate) fn names_authorizer(&self) -> bool {
        self.member_content()
            .is_some_and(|content| content.contains_key("join_authorised_via_users_server"))
    }

    /// What a membership event sets the membership to.
    pub(crate) fn membership(&self) -> Option<&str> {
        text(self.member_content()?, "membership")
    }

    fn member_content(&self) -> Option<&CanonicalJsonObject> {
        match self.kind() {
            "m.room.member" => self.object.get("content")?.as_object(),
            _ => None,
        }
    }
}

/// Checks one server's signatures alone, so that nobody else's matter.
fn check_signature(
    redacted: &CanonicalJsonObject,
    server: OwnedServerName,
    keys: &PublicKeyMap,
) -> Result<(), SignatureError> {
    let Some(signatures) = signatures_of(redacted, &server) else {
        return Err(SignatureError::Unsigned(server));
    };
    if !keys.contains_key(server.as_str()) {
        return Err(SignatureError::NoKey(server));
    }
    let mut signed = redacted.clone();
    let only = CanonicalJsonObject::from_iter([(server.to_string(), signatures.clone().into())]);
    signed.insert("signatures".to_owned(), only.into());
    match verify_json(keys, &signed) {
        Ok(()) => Ok(()),
        Err(VerificationError::NoSupportedSignatureForEntity(_)) => Err(SignatureError::NoKey(server)),
        Err(source) => Err(SignatureError::Wrong { server, source }),
    }
}

fn signatures_of<'a>(
    object: &'a CanonicalJsonObject,
    server: &ServerName,
) -> Option<&'a CanonicalJsonObject> {
    object
        .get("signatures")?
        .as_object()?
        .get(server.as_str())?
        .as_object()
        .filter(|signatures| !signatures.is_empty())
}

/// "The content hash in the hashes property of the received event is base64-decoded, and the two are compared for
/// equality."
fn has_hash(object: &CanonicalJsonObject) -> bool {
    let hash = object
        .get("hashes")
        .and_then(CanonicalJsonValue::as_object)
        .and_then(|hashes| text(hashes, "sha256"))
        .and_then(|hash| Base64::<Standard>::parse(hash).ok());
    let (Some(hash), Ok(computed)) = (hash, content_hash(object)) else {
        return false;
    };
    hash.as_bytes() == computed.as_bytes()
}

fn holds_nul(object: &CanonicalJsonObject) -> bool {
    object
        .iter()
        .any(|(key, value)| key.contains('\0') || value_holds_nul(value))
}

fn value_holds_nul(value: &CanonicalJsonValue) -> bool {
    match value {
        CanonicalJsonValue::Null | CanonicalJsonValue::Bool(_) | CanonicalJsonValue::Integer(_) => false,
        CanonicalJsonValue::String(text) => text.contains('\0'),
        CanonicalJsonValue::Array(items) => items.iter().any(value_holds_nul),
        CanonicalJsonValue::Object(object) => holds_nul(object),
    }
}

#[cfg(test)]
mod tests;
