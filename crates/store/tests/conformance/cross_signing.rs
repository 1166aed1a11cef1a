//! Identities of users and signatures on them.

use rohrpost_store::{CrossSigningKey, KeySignature, KeyUsage};
use ruma::UserId;

use crate::support::{alice, bob, on_both, tx, user};

fn key(usage: KeyUsage, key_id: &str) -> CrossSigningKey {
    CrossSigningKey {
        usage,
        key_id: key_id.into(),
        json: format!("{{\"id\":\"{key_id}\"}}"),
    }
}

fn signature(signer: &UserId, target_key: &str, signature: &str) -> KeySignature {
    KeySignature {
        target_key: target_key.into(),
        signer_user: signer.to_owned(),
        signer_key: "ed25519:key".into(),
        signature: signature.into(),
    }
}

#[test]
fn a_user_has_one_key_for_each_use() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert!(tx.cross_signing_list(&alice()).await?.is_empty());
            for usage in [KeyUsage::Master, KeyUsage::SelfSigning, KeyUsage::UserSigning] {
                tx.cross_signing_put(&alice(), &key(usage, "old")).await?;
            }
            tx.cross_signing_put(&alice(), &key(KeyUsage::Master, "new"))
                .await?;
            let mut keys = tx.cross_signing_list(&alice()).await?;
            keys.sort_by_key(|key| key.usage);
            let keys: Vec<_> = keys
                .iter()
                .map(|key| (key.usage, key.key_id.as_str(), key.json.as_str()))
                .collect();
            let expected = [
                (KeyUsage::Master, "new", "{\"id\":\"new\"}"),
                (KeyUsage::SelfSigning, "old", "{\"id\":\"old\"}"),
                (KeyUsage::UserSigning, "old", "{\"id\":\"old\"}"),
            ];
            assert_eq!(keys, expected);
            assert!(tx.cross_signing_list(&bob()).await?.is_empty());
            tx.cross_signing_delete(&alice(), KeyUsage::Master).await?;
            tx.cross_signing_put(&bob(), &key(KeyUsage::Master, "bob"))
                .await?;
            let each = tx
                .cross_signing_list_each(&[bob(), user("nobody"), alice()])
                .await?;
            assert_eq!(each[0], [key(KeyUsage::Master, "bob")]);
            assert_eq!((each[1].len(), each[2].len()), (0, 2));
        });
    });
}

#[test]
fn signatures_are_seen_by_their_maker_and_their_target() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, bob, carol) = (alice(), bob(), user("carol"));
            for signer in [&alice, &bob, &carol] {
                tx.key_signature_put(&alice, &[signature(signer, "master", "old")])
                    .await?;
            }
            let new = [
                signature(&bob, "master", "new"),
                signature(&alice, "DEVICE", "own"),
            ];
            tx.key_signature_put(&alice, &new).await?;
            for (viewer, expected) in [
                (&alice, vec![(&alice, "DEVICE", "own"), (&alice, "master", "old")]),
                (
                    &bob,
                    vec![
                        (&alice, "DEVICE", "own"),
                        (&alice, "master", "old"),
                        (&bob, "master", "new"),
                    ],
                ),
            ] {
                let found = tx.key_signature_list(&alice, viewer).await?;
                let mut found: Vec<_> = found
                    .iter()
                    .map(|found| {
                        (
                            &found.signer_user,
                            found.target_key.as_str(),
                            found.signature.as_str(),
                        )
                    })
                    .collect();
                found.sort_unstable();
                assert_eq!(found, expected);
            }
            assert!(tx.key_signature_list(&bob, &alice).await?.is_empty());
            let each = tx
                .key_signature_list_each(&[bob.clone(), alice.clone()], &bob)
                .await?;
            assert_eq!((each[0].len(), each[1].len()), (0, 3));
        });
    });
}

#[test]
fn signatures_go_with_their_target_and_with_their_key() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, bob) = (alice(), bob());
            for target in [&alice, &bob] {
                let mut new: Vec<_> = ["one", "two"].map(|key| signature(&alice, key, "s")).to_vec();
                new.push(KeySignature {
                    signer_key: "ed25519:other".into(),
                    ..signature(&alice, "one", "s")
                });
                tx.key_signature_put(target, &new).await?;
            }
            tx.key_signature_delete_on(&alice, "one").await?;
            assert_eq!(
                tx.key_signature_list(&alice, &alice).await?,
                [signature(&alice, "two", "s")]
            );
            assert_eq!(tx.key_signature_list(&bob, &alice).await?.len(), 3);
            tx.key_signature_delete_by(&alice, "ed25519:key").await?;
            assert!(tx.key_signature_list(&alice, &alice).await?.is_empty());
            let left = tx.key_signature_list(&bob, &alice).await?;
            assert_eq!(
                left.iter()
                    .map(|left| left.signer_key.as_str())
                    .collect::<Vec<_>>(),
                ["ed25519:other"]
            );
        });
    });
}
