//! Keys of devices, and whose devices changed.

use ruma::{OwnedUserId, device_id, events::room::member::MembershipState};

use crate::{
    memberships::{join, put},
    support::{alice, bob, on_both, pos, room, tx, user},
};

#[test]
fn the_same_keys_again_are_no_change() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, one) = (alice(), device_id!("ONE"));
            assert_eq!(tx.device_keys_get(&alice, one).await?, None);
            assert!(tx.device_keys_put(&alice, one, "{\"a\":1}").await?);
            assert!(!tx.device_keys_put(&alice, one, "{\"a\":1}").await?);
            assert!(tx.device_keys_put(&alice, one, "{\"a\":2}").await?);
            assert_eq!(
                tx.device_keys_get(&alice, one).await?.as_deref(),
                Some("{\"a\":2}")
            );
            assert_eq!(tx.device_keys_get(&bob(), one).await?, None);
        });
    });
}

#[test]
fn keys_are_listed_with_the_names_of_their_devices() {
    on_both(async |db| {
        tx!(db, |tx| {
            let alice = alice();
            tx.device_insert(&alice, device_id!("NAMED"), Some("laptop"), 1)
                .await?;
            tx.device_insert(&alice, device_id!("KEYLESS"), Some("phone"), 1)
                .await?;
            tx.device_insert(&alice, "b".into(), None, 1).await?;
            tx.device_insert(&alice, "A".into(), None, 1).await?;
            for device in ["b", "NAMED", "A", "GONE"] {
                tx.device_keys_put(&alice, device.into(), device).await?;
            }
            let listed = tx.device_keys_list(&alice).await?;
            let each = tx.device_keys_list_each(&[bob(), alice.clone()]).await?;
            assert_eq!(each, [vec![], listed.clone()]);
            let listed: Vec<_> = listed
                .iter()
                .map(|keys| {
                    (
                        keys.device_id.as_str(),
                        keys.json.as_str(),
                        keys.display_name.as_deref(),
                    )
                })
                .collect();
            assert_eq!(
                listed,
                [
                    ("A", "A", None),
                    ("NAMED", "NAMED", Some("laptop")),
                    ("b", "b", None)
                ]
            );
            assert!(tx.device_keys_list(&bob()).await?.is_empty());
        });
    });
}

#[test]
fn changed_device_lists_are_those_of_people_one_shares_a_room_with() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let stranger: OwnedUserId = "@c:elsewhere.org".try_into().unwrap();
            for nid in [a, b] {
                join(tx, nid, &alice(), 1).await?;
                join(tx, nid, &bob(), 1).await?;
            }
            join(tx, a, &stranger, 1).await?;
            put(tx, a, &user("left"), &MembershipState::Leave, 1).await?;
            for (number, user_id) in (1..).zip([
                alice(),
                bob(),
                stranger.clone(),
                user("left"),
                user("unknown"),
                bob(),
            ]) {
                tx.device_list_touch(&user_id, pos(number)).await?;
            }
            let sorted = |mut users: Vec<OwnedUserId>| {
                users.sort();
                users
            };
            let changed = tx.device_list_changed(&alice(), pos(0), pos(9)).await?;
            assert_eq!(sorted(changed), [alice(), bob(), stranger.clone()]);
            let changed = tx.device_list_changed(&alice(), pos(1), pos(5)).await?;
            assert_eq!(
                sorted(changed),
                [stranger],
                "only the newest change of a user counts"
            );
            assert_eq!(tx.device_list_changed(&alice(), pos(5), pos(6)).await?, [bob()]);
            assert!(tx.device_list_changed(&alice(), pos(6), pos(9)).await?.is_empty());
            assert_eq!(
                tx.device_list_changed(&user("left"), pos(0), pos(9)).await?,
                [user("left")]
            );
        });
    });
}

#[test]
fn a_device_is_locked_if_it_is_there() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert!(!tx.device_lock(&alice(), device_id!("ONE")).await?);
            tx.device_insert(&alice(), device_id!("ONE"), None, 1).await?;
            assert!(tx.device_lock(&alice(), device_id!("ONE")).await?);
            assert!(!tx.device_lock(&bob(), device_id!("ONE")).await?);
        });
    });
}
