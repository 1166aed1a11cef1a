//! Guests.

use ruma::{device_id, events::room::member::MembershipState};

use crate::{
    accounts::account,
    memberships::{join, put},
    support::{alice, bob, on_both, room, tx, user},
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[test]
fn a_guest_is_one_until_they_have_an_account_or_go() {
    on_both(async |db| {
        tx!(db, |tx| {
            for name in ["alice", "bob", "carol"] {
                tx.user_insert(&account(name)).await?;
            }
            tx.guest_set(&alice()).await?;
            tx.guest_set(&bob()).await?;
            assert_eq!(tx.guest_count().await?, 2);
            assert!(tx.guest_is(&alice()).await? && !tx.guest_is(&user("carol")).await?);
            assert!(tx.guest_upgrade(&alice(), Some("hash"), true).await?);
            assert!(!tx.guest_upgrade(&alice(), Some("other"), false).await?);
            assert!(!tx.guest_upgrade(&user("carol"), Some("other"), true).await?);
            let found = tx.user_get(&alice()).await?.unwrap();
            assert_eq!(
                (found.password_hash.as_deref(), found.administrator),
                (Some("hash"), true)
            );
            assert!(!tx.user_get(&user("carol")).await?.unwrap().administrator);
            tx.user_set_state(&bob(), rohrpost_store::UserState::Deactivated)
                .await?;
            assert!(!tx.guest_upgrade(&bob(), Some("other"), false).await?);
            assert_eq!(tx.guest_count().await?, 0);
        });
    });
}

#[test]
fn guests_are_found_by_disuse_and_by_room() {
    on_both(async |db| {
        tx!(db, |tx| {
            for name in ["alice", "bob", "carol", "dave"] {
                tx.user_insert(&account(name)).await?;
            }
            for name in ["alice", "bob", "carol"] {
                tx.guest_set(&user(name)).await?;
            }
            tx.device_insert(&alice(), device_id!("A"), None, 5 * DAY_MS)
                .await?;
            tx.device_insert(&bob(), device_id!("B"), None, 2 * DAY_MS)
                .await?;
            // Made at 1,000 each; who has no device was there then. Devices know the day of their last use.
            assert_eq!(tx.guest_list_unused(1_000, 10).await?.len(), 0);
            assert_eq!(
                tx.guest_list_unused(3 * DAY_MS, 10).await?,
                [bob(), user("carol")]
            );
            assert_eq!(tx.guest_list_unused(3 * DAY_MS, 1).await?, [bob()]);
            assert_eq!(tx.guest_list_unused(9 * DAY_MS, 10).await?.len(), 3);

            let (here, there) = (room(tx, "a").await?, room(tx, "b").await?);
            join(tx, here, &alice(), 1).await?;
            join(tx, here, &user("dave"), 2).await?;
            join(tx, there, &bob(), 3).await?;
            put(tx, here, &user("carol"), &MembershipState::Invite, 4).await?;
            assert_eq!(tx.guest_list_joined(here).await?, [alice()]);
            assert_eq!(tx.guest_list_joined(there).await?, [bob()]);
        });
    });
}

#[test]
fn guests_are_not_found_by_name() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.user_insert(&account("alice")).await?;
            tx.user_insert(&account("bob")).await?;
            let a = room(tx, "a").await?;
            join(tx, a, &alice(), 1).await?;
            join(tx, a, &bob(), 2).await?;
            assert_eq!(tx.profile_search("bob", 10).await?.len(), 1);
            tx.guest_set(&bob()).await?;
            assert!(tx.profile_search("bob", 10).await?.is_empty());
            assert!(tx.profile_search_sharing(&alice(), "bob", 10).await?.is_empty());
        });
    });
}
