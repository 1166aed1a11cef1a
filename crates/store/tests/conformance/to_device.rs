//! Messages from device to device.

use rohrpost_store::{NewToDevice, Result, StreamPos, Tx};
use ruma::{DeviceId, UserId, device_id};

use crate::support::{alice, bob, on_both, pos, tx};

async fn send(tx: &mut Tx<'_>, to: &[(&UserId, &DeviceId)], content: &str, at: StreamPos) -> Result<()> {
    let (sender, kind) = (bob(), "m.room_key");
    let new: Vec<_> = to
        .iter()
        .map(|(user_id, device_id)| NewToDevice {
            user_id,
            device_id: Some(device_id),
            sender: &sender,
            kind,
            content,
        })
        .collect();
    tx.to_device_insert(&new, at).await
}

#[test]
fn messages_wait_for_devices_that_exist() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, one, two) = (alice(), device_id!("ONE"), device_id!("TWO"));
            tx.device_insert(&alice, one, None, 1).await?;
            tx.device_insert(&alice, two, None, 1).await?;
            send(
                tx,
                &[(&alice, one), (&alice, two), (&alice, device_id!("NONE"))],
                "{\"n\":1}",
                pos(1),
            )
            .await?;
            send(tx, &[], "{}", pos(2)).await?;
            let found = tx.to_device_list(&alice, one, pos(9), 10).await?;
            assert_eq!(found.len(), 1);
            assert_eq!((found[0].pos, &found[0].sender), (pos(1), &bob()));
            assert_eq!(
                (found[0].kind.as_str(), found[0].content.as_str()),
                ("m.room_key", "{\"n\":1}")
            );
            assert_eq!(tx.to_device_list(&alice, two, pos(9), 10).await?.len(), 1);
            assert!(
                !tx.to_device_any(&alice, device_id!("NONE"), pos(9)).await?,
                "dropped"
            );
            // A device made later doesn't get what came before it.
            tx.device_insert(&alice, device_id!("NONE"), None, 1).await?;
            assert!(!tx.to_device_any(&alice, device_id!("NONE"), pos(9)).await?);
        });
    });
}

#[test]
fn messages_are_listed_oldest_first_and_deleted_up_to() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, one, two) = (alice(), device_id!("ONE"), device_id!("TWO"));
            tx.device_insert(&alice, one, None, 1).await?;
            tx.device_insert(&alice, two, None, 1).await?;
            for at in [3, 1, 5, 2, 4] {
                send(tx, &[(&alice, one), (&alice, two)], "{}", pos(at)).await?;
            }
            let at =
                |rows: Vec<rohrpost_store::ToDeviceRow>| rows.iter().map(|row| row.pos.0).collect::<Vec<_>>();
            assert_eq!(
                at(tx.to_device_list(&alice, one, pos(4), 10).await?),
                [1, 2, 3, 4]
            );
            assert_eq!(at(tx.to_device_list(&alice, one, pos(4), 2).await?), [1, 2]);
            assert!(tx.to_device_any(&alice, one, pos(1)).await?);
            assert!(!tx.to_device_any(&alice, one, pos(0)).await?);
            assert_eq!(tx.to_device_delete(&alice, one, pos(3)).await?, 3);
            assert_eq!(tx.to_device_delete(&alice, one, pos(3)).await?, 0);
            assert_eq!(at(tx.to_device_list(&alice, one, pos(9), 10).await?), [4, 5]);
            assert_eq!(
                at(tx.to_device_list(&alice, two, pos(9), 10).await?),
                [1, 2, 3, 4, 5]
            );
        });
    });
}

#[test]
fn a_message_to_all_goes_to_each_device_that_got_none_of_its_own() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, bob) = (alice(), bob());
            for (user_id, device) in [(&alice, "ONE"), (&alice, "TWO"), (&bob, "ONE")] {
                tx.device_insert(user_id, device.into(), None, 1).await?;
            }
            let new = |device_id, content| NewToDevice {
                user_id: &alice,
                device_id,
                sender: &bob,
                kind: "k",
                content,
            };
            let all_first = [new(None, "all"), new(Some(device_id!("ONE")), "one")];
            tx.to_device_insert(&all_first, pos(1)).await?;
            for (device, expected) in [("ONE", "one"), ("TWO", "all")] {
                let found = tx.to_device_list(&alice, device.into(), pos(9), 10).await?;
                assert_eq!(
                    found.iter().map(|row| row.content.as_str()).collect::<Vec<_>>(),
                    [expected]
                );
            }
            assert!(!tx.to_device_any(&bob, device_id!("ONE"), pos(9)).await?);
        });
    });
}

#[test]
fn many_receivers_at_once() {
    on_both(async |db| {
        tx!(db, |tx| {
            let alice = alice();
            let devices: Vec<_> = (0..200)
                .map(|number| ruma::OwnedDeviceId::from(format!("D{number}")))
                .collect();
            for device in &devices {
                tx.device_insert(&alice, device, None, 1).await?;
            }
            let to: Vec<(&UserId, &DeviceId)> = devices.iter().map(|device| (&*alice, &**device)).collect();
            send(tx, &to, "{}", pos(1)).await?;
            for device in &devices {
                assert!(tx.to_device_any(&alice, device, pos(1)).await?);
            }
        });
    });
}
