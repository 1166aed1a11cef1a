//! Devices people are signed in on, and what goes with them.

use rohrpost_store::{
    KeySignature, KeyWanted, NewToDevice, OneTimeKey, PusherRow, Result, TokenKind, TokenRow, Tx,
};
use ruma::{DeviceId, device_id};

use crate::support::{alice, bob, on_both, pos, tx, user};

/// A day.
const DAY: i64 = 86_400_000;

#[test]
fn a_device_is_made_once_and_keeps_its_name() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, device) = (alice(), device_id!("ONE"));
            assert!(tx.device_get(&alice, device).await?.is_none());
            assert!(tx.device_insert(&alice, device, Some("laptop"), 10).await?);
            assert!(!tx.device_insert(&alice, device, Some("other"), 20).await?);
            let found = tx.device_get(&alice, device).await?.unwrap();
            assert_eq!(
                (found.display_name.as_deref(), found.last_seen_ts),
                (Some("laptop"), 0)
            );
            assert!(
                tx.device_get(&bob(), device).await?.is_none(),
                "a device belongs to its user"
            );

            assert!(tx.device_rename(&alice, device, None).await?);
            assert!(!tx.device_rename(&alice, device_id!("TWO"), Some("x")).await?);
            assert_eq!(tx.device_get(&alice, device).await?.unwrap().display_name, None);
        });
    });
}

#[test]
fn the_day_of_last_use_only_goes_forward() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, device) = (alice(), device_id!("ONE"));
            tx.device_insert(&alice, device, None, DAY + 5).await?;
            let seen = tx.device_get(&alice, device).await?.unwrap().last_seen_ts;
            assert_eq!(seen, DAY, "exact to the day only");
            for (now, day) in [(3 * DAY + 7, 3), (2 * DAY, 3), (4 * DAY - 1, 3), (4 * DAY, 4)] {
                tx.device_seen(&alice, device, now).await?;
                let seen = tx.device_get(&alice, device).await?.unwrap().last_seen_ts;
                assert_eq!(seen, day * DAY);
            }
            tx.device_seen(&alice, device_id!("TWO"), DAY).await?;
            assert!(tx.device_get(&alice, device_id!("TWO")).await?.is_none());
        });
    });
}

#[test]
fn devices_are_listed_oldest_first() {
    on_both(async |db| {
        tx!(db, |tx| {
            let alice = alice();
            for (device, ts) in [("C", 1), ("a", 2), ("B", 2), ("A", 3)] {
                tx.device_insert(&alice, device.into(), None, ts).await?;
            }
            tx.device_insert(&bob(), device_id!("BOB"), None, 0).await?;
            let devices = tx.device_list(&alice).await?;
            let ids: Vec<_> = devices.iter().map(|device| device.device_id.as_str()).collect();
            assert_eq!(ids, ["C", "B", "a", "A"]);
            assert!(tx.device_list(&user("nobody")).await?.is_empty());
        });
    });
}

/// Gives a device of Alice one of everything that can belong to it.
async fn equip(tx: &mut Tx<'_>, device: &DeviceId) -> Result<()> {
    let (alice, number) = (alice(), device.as_str().as_bytes()[0]);
    tx.device_insert(&alice, device, None, 1).await?;
    tx.device_keys_put(&alice, device, "{}").await?;
    let key = OneTimeKey {
        algorithm: "a".into(),
        key_id: "k".into(),
        json: "{}".into(),
    };
    tx.one_time_key_put(&alice, device, &[&key], 1).await?;
    tx.fallback_key_put(&alice, device, &key).await?;
    let device_id = Some(device);
    let new = NewToDevice {
        user_id: &alice,
        device_id,
        sender: &alice,
        kind: "k",
        content: "{}",
    };
    tx.to_device_insert(&[new], pos(1)).await?;
    tx.txn_insert(&alice, device, "e", "t", "$1", 1).await?;
    let token = TokenRow {
        hash: [number; 32],
        user_id: alice.clone(),
        device_id: device.to_owned(),
        kind: TokenKind::Access,
        family: [number; 16],
        expires_ts: None,
        used_ts: None,
    };
    tx.token_insert(&token, 1).await?;
    let signature = KeySignature {
        target_key: device.to_string(),
        signer_user: alice.clone(),
        signer_key: "ed25519:x".into(),
        signature: "s".into(),
    };
    tx.key_signature_put(&alice, &[signature]).await?;
    let pusher = PusherRow {
        app_id: "app".into(),
        pushkey: device.to_string(),
        json: "{}".into(),
    };
    tx.pusher_put(&alice, device, &pusher).await
}

/// What a device has of [`equip`], each `true` or `false`.
async fn equipment(tx: &mut Tx<'_>, device: &DeviceId) -> Result<[bool; 9]> {
    let (alice, number) = (alice(), device.as_str().as_bytes()[0]);
    let wanted = KeyWanted {
        user_id: alice.clone(),
        device_id: device.to_owned(),
        algorithm: "a".into(),
    };
    Ok([
        tx.device_get(&alice, device).await?.is_some(),
        tx.device_keys_get(&alice, device).await?.is_some(),
        !tx.one_time_key_counts(&alice, device).await?.is_empty(),
        tx.fallback_key_count(&alice, device).await? == 1
            && tx.one_time_key_claim(&[wanted]).await?[0].is_some(),
        tx.to_device_any(&alice, device, pos(9)).await?,
        tx.txn_get(&alice, device, "e", "t").await?.is_some(),
        tx.token_get(&[number; 32]).await?.is_some(),
        tx.key_signature_list(&alice, &alice)
            .await?
            .iter()
            .any(|found| found.target_key == device.as_str()),
        tx.pusher_list(&alice)
            .await?
            .iter()
            .any(|found| found.pushkey == device.as_str()),
    ])
}

#[test]
fn a_deleted_device_takes_everything_of_it_along() {
    on_both(async |db| {
        tx!(db, |tx| {
            equip(tx, device_id!("ONE")).await?;
            equip(tx, device_id!("TWO")).await?;
            assert!(tx.device_delete(&alice(), device_id!("ONE")).await?);
            assert!(!tx.device_delete(&alice(), device_id!("ONE")).await?);
            assert_eq!(equipment(tx, device_id!("ONE")).await?, [false; 9]);
            assert_eq!(equipment(tx, device_id!("TWO")).await?, [true; 9]);
        });
    });
}

#[test]
fn all_devices_but_one_can_go_at_once() {
    on_both(async |db| {
        tx!(db, |tx| {
            for device in ["1", "2", "3"] {
                equip(tx, device.into()).await?;
            }
            tx.device_insert(&bob(), device_id!("1"), None, 1).await?;
            assert_eq!(tx.device_delete_all(&alice(), Some(device_id!("2"))).await?, 2);
            assert_eq!(equipment(tx, device_id!("1")).await?, [false; 9]);
            assert_eq!(equipment(tx, device_id!("3")).await?, [false; 9]);
            assert_eq!(equipment(tx, device_id!("2")).await?, [true; 9]);
            assert_eq!(tx.device_delete_all(&alice(), None).await?, 1);
            assert_eq!(equipment(tx, device_id!("2")).await?, [false; 9]);
            assert!(tx.device_get(&bob(), device_id!("1")).await?.is_some());
        });
    });
}
