//! Invites of ours that the server of the invited user signed.

use ruma::canonical_json::{CanonicalJsonObject, CanonicalJsonValue};
use ruma::signatures::PublicKeyMap;
use ruma::{OwnedServerName, RoomVersionId, ServerName};

use crate::build::MAX_PDU_BYTES;
use crate::pdu::Pdu;
use crate::receive::{Kept, Malformed, SignatureError, Unverified, read};

/// Why an answer isn't the invite that was sent, signed by the other server.
#[derive(Debug, thiserror::Error)]
pub enum CountersignedError {
    /// It is no event of the room.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It is another event than the one that was sent.
    #[error("the answer is another event than the invite")]
    OtherEvent,
    /// The other server didn't sign it.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// It is too large with the signature.
    #[error("the invite is too large with the signature of the other server")]
    TooLarge,
}

/// An answer that is the invite that was sent, before its signature was checked.
#[derive(Debug, Clone)]
pub struct Countersigned<'a> {
    sent: &'a Pdu,
    server: OwnedServerName,
    answer: Unverified,
}

/// Checks that another server answered an invite with the same event. Of the answer nothing but that server's signatures
/// is taken.
///
/// # Errors
///
/// The invite must not be sent on; see [`CountersignedError`].
///
/// # Spec
///
/// [`PUT /invite`](https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid)
pub fn check_countersigned<'a>(
    answer: &str,
    sent: &'a Pdu,
    version: &RoomVersionId,
    server: &ServerName,
) -> Result<Countersigned<'a>, CountersignedError> {
    let answer = read(answer, sent.room_id(), version)?;
    match answer.event_id() == sent.event_id() {
        true => Ok(Countersigned {
            sent,
            server: server.to_owned(),
            answer,
        }),
        false => Err(CountersignedError::OtherEvent),
    }
}

impl Countersigned<'_> {
    /// The ids of the keys that the other server says it signed with.
    pub fn key_ids(&self) -> Vec<String> {
        self.answer.key_ids(&self.server)
    }

    /// The invite as it was sent, with the other server's signatures beside ours.
    ///
    /// # Errors
    ///
    /// [`CountersignedError::Signature`] and [`CountersignedError::TooLarge`].
    pub fn verify(self, keys: &PublicKeyMap) -> Result<Pdu, CountersignedError> {
        let received = self.answer.verify_by([self.server.clone()], keys, None)?;
        if received.kept != Kept::Whole {
            return Err(CountersignedError::OtherEvent);
        }
        let unkeepable = |_| CountersignedError::Signature(SignatureError::Unkeepable);
        let name = self.server.as_str();
        let theirs = received
            .pdu
            .to_object()
            .map_err(unkeepable)?
            .get("signatures")
            .and_then(CanonicalJsonValue::as_object)
            .and_then(|signatures| signatures.get(name).cloned())
            .ok_or_else(|| SignatureError::Unsigned(self.server.clone()))?;
        let mut object = self.sent.to_object().map_err(unkeepable)?;
        let mut signatures: CanonicalJsonObject = match object.remove("signatures") {
            Some(CanonicalJsonValue::Object(signatures)) => signatures,
            _ => CanonicalJsonObject::new(),
        };
        signatures.insert(name.to_owned(), theirs);
        object.insert("signatures".to_owned(), signatures.into());
        let json = serde_json::to_string(&object).map_err(unkeepable)?;
        if json.len() > MAX_PDU_BYTES {
            return Err(CountersignedError::TooLarge);
        }
        Pdu::from_stored(self.sent.room_id(), self.sent.event_id(), &json)
            .map_err(|_| SignatureError::Unkeepable.into())
    }
}

#[cfg(test)]
mod tests {
    use ruma::signatures::{PublicKeyMap, PublicKeySet, hash_and_sign_event, sign_event};
    use ruma::{CanonicalJsonObject, RoomVersionId, server_name};
    use serde_json::json;

    use super::{CountersignedError, check_countersigned};
    use crate::keys::{key_id, verify_key};
    use crate::pdu::Pdu;
    use crate::test_room::{ALICE, CAROL, TestRoom, VERSIONS, key, member};
    use crate::version::rules;

    fn keys() -> PublicKeyMap {
        let keys = PublicKeySet::from([(key_id(&key()), verify_key(&key()))]);
        PublicKeyMap::from([("b.example".to_owned(), keys)])
    }

    fn sent(version: &RoomVersionId) -> Pdu {
        TestRoom::public(version)
            .build(member(ALICE, CAROL, "invite"))
            .unwrap()
    }

    fn signed(pdu: &Pdu, version: &RoomVersionId, change: impl FnOnce(&mut CanonicalJsonObject)) -> String {
        let mut object = pdu.to_object().unwrap();
        sign_event(
            "b.example",
            &key(),
            &mut object,
            &rules(version).unwrap().redaction,
        )
        .unwrap();
        change(&mut object);
        serde_json::to_string(&object).unwrap()
    }

    fn check(answer: &str, sent: &Pdu, version: &RoomVersionId) -> Result<Pdu, CountersignedError> {
        check_countersigned(answer, sent, version, server_name!("b.example"))?.verify(&keys())
    }

    #[test]
    fn of_the_answer_the_signature_alone_is_taken() {
        for version in VERSIONS {
            let sent = sent(&version);
            let answer = signed(&sent, &version, |object| {
                object.insert("unsigned".to_owned(), CanonicalJsonObject::new().into());
                let signatures = object.get_mut("signatures").unwrap();
                let ruma::CanonicalJsonValue::Object(signatures) = signatures else {
                    panic!()
                };
                signatures.remove("a.example");
                signatures.insert("c.example".to_owned(), CanonicalJsonObject::new().into());
            });
            let invite = check(&answer, &sent, &version).unwrap();
            let mut object = invite.to_object().unwrap();
            let ruma::CanonicalJsonValue::Object(signatures) = object.get_mut("signatures").unwrap() else {
                panic!()
            };
            assert_eq!(Vec::from_iter(signatures.keys()), ["a.example", "b.example"]);
            signatures.remove("b.example");
            assert_eq!(object, sent.to_object().unwrap());
            assert_eq!(invite.event_id(), sent.event_id());
        }
    }

    #[test]
    fn an_answer_that_is_another_event_or_not_signed_is_refused() {
        for version in VERSIONS {
            let sent = sent(&version);
            let unsigned = check(sent.json(), &sent, &version);
            assert!(
                matches!(unsigned, Err(CountersignedError::Signature(_))),
                "{unsigned:?}"
            );
            let altered = signed(&sent, &version, |object| {
                let content = json!({"membership": "invite", "displayname": "x"});
                object.insert("content".to_owned(), content.try_into().unwrap());
            });
            let altered = check(&altered, &sent, &version);
            assert!(
                matches!(altered, Err(CountersignedError::OtherEvent)),
                "{altered:?}"
            );
            let mut other = sent.to_object().unwrap();
            other.insert("depth".to_owned(), ruma::Int::from(7).into());
            hash_and_sign_event(
                "b.example",
                &key(),
                &mut other,
                &rules(&version).unwrap().redaction,
            )
            .unwrap();
            let other = check(&serde_json::to_string(&other).unwrap(), &sent, &version);
            assert!(matches!(other, Err(CountersignedError::OtherEvent)), "{other:?}");
            assert!(matches!(
                check("[]", &sent, &version),
                Err(CountersignedError::Malformed(_))
            ));
        }
    }
}
