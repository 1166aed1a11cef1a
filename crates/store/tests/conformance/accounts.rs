//! Accounts and filters.

use rohrpost_store::{AccountData, CrossSigningKey, GLOBAL, KeyUsage, UserRow, UserState};
use ruma::events::room::member::MembershipState;

use crate::{
    memberships::put,
    support::{alice, bob, on_both, pos, read, room, try_tx, tx, user},
};

pub(crate) fn account(name: &str) -> UserRow {
    UserRow {
        user_id: user(name),
        password_hash: Some("$argon2id$hash".to_owned()),
        administrator: false,
        state: UserState::Active,
        created_ts: 1_000,
    }
}

#[test]
fn an_account_is_found_as_it_was_made() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert!(tx.user_get(&alice()).await?.is_none());
            assert!(tx.user_lock(&alice()).await?.is_none());
            let new = UserRow {
                password_hash: None,
                administrator: true,
                ..account("alice")
            };
            assert!(tx.user_insert(&new).await?);
            assert_eq!(tx.user_lock(&alice()).await?.unwrap().user_id, alice());
        });
        read!(db, |tx| {
            let found = tx.user_get(&alice()).await?.unwrap();
            assert_eq!(
                (found.user_id, found.password_hash, found.created_ts),
                (alice(), None, 1_000)
            );
            assert!(found.administrator);
            assert_eq!(found.state, UserState::Active);
        });
    });
}

#[test]
fn a_taken_name_stays_as_it_is() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert!(tx.user_insert(&account("alice")).await?);
            let other = UserRow {
                administrator: true,
                state: UserState::Deactivated,
                ..account("alice")
            };
            assert!(!tx.user_insert(&other).await?);
            let found = tx.user_get(&alice()).await?.unwrap();
            assert!(!found.administrator);
            assert_eq!(found.state, UserState::Active);
        });
    });
}

#[test]
fn one_of_many_who_want_the_same_name_gets_it() {
    on_both(async |db| {
        let wanted =
            (0..50).map(|_| async { try_tx!(db, |tx| tx.user_insert(&account("alice")).await).unwrap() });
        let got = futures_util::future::join_all(wanted).await;
        assert_eq!(got.into_iter().filter(|got| *got).count(), 1);
        assert_eq!(read!(db, |tx| tx.user_count().await?), 1);
    });
}

#[test]
fn an_account_can_be_changed() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.user_insert(&account("alice")).await?;
            tx.user_insert(&account("bob")).await?;
            tx.user_set_password(&alice(), None).await?;
            tx.user_set_state(&alice(), UserState::Deactivated).await?;
            tx.user_set_administrator(&alice(), true).await?;
            let alice = tx.user_get(&alice()).await?.unwrap();
            assert_eq!((alice.password_hash, alice.state), (None, UserState::Deactivated));
            assert!(alice.administrator);
            tx.user_set_password(&alice.user_id, Some("new")).await?;
            tx.user_set_state(&alice.user_id, UserState::Active).await?;
            tx.user_set_administrator(&alice.user_id, false).await?;
            let alice = tx.user_get(&alice.user_id).await?.unwrap();
            assert_eq!(
                (alice.password_hash.as_deref(), alice.state),
                (Some("new"), UserState::Active)
            );
            assert!(!alice.administrator);
            let bob = tx.user_get(&bob()).await?.unwrap();
            assert_eq!(bob.password_hash, account("bob").password_hash);
        });
    });
}

#[test]
fn accounts_are_listed_in_the_order_of_their_bytes() {
    on_both(async |db| {
        tx!(db, |tx| {
            // A German collation would ignore the punctuation and put these in another order.
            for name in ["b", "a_c", "a.b", "a-d", "ab", "aa"] {
                tx.user_insert(&account(name)).await?;
            }
            let all = tx.user_list("", 100).await?;
            let names: Vec<_> = all.iter().map(|user| user.user_id.localpart()).collect();
            assert_eq!(names, ["a-d", "a.b", "a_c", "aa", "ab", "b"]);

            let page = tx.user_list("", 2).await?;
            let names: Vec<_> = page.iter().map(|user| user.user_id.localpart()).collect();
            assert_eq!(names, ["a-d", "a.b"]);
            let page = tx.user_list(page[1].user_id.as_str(), 3).await?;
            let names: Vec<_> = page.iter().map(|user| user.user_id.localpart()).collect();
            assert_eq!(names, ["a_c", "aa", "ab"], "`after` is exclusive");
            assert_eq!(tx.user_count().await?, 6);
        });
    });
}

#[test]
fn a_filter_is_kept_once_and_belongs_to_its_user() {
    on_both(async |db| {
        tx!(db, |tx| {
            let alice = alice();
            tx.filter_put(&alice, "id", "{\"a\":1}").await?;
            tx.filter_put(&alice, "id", "{\"a\":1}").await?;
            tx.filter_put(&alice, "other", "{}").await?;
            assert_eq!(tx.filter_get(&alice, "id").await?.as_deref(), Some("{\"a\":1}"));
            assert_eq!(tx.filter_get(&alice, "none").await?, None);
            assert_eq!(tx.filter_get(&bob(), "id").await?, None);
            assert_eq!(
                (tx.filter_count(&alice).await?, tx.filter_count(&bob()).await?),
                (2, 0)
            );
        });
    });
}

#[test]
fn what_an_account_kept_for_itself_can_go() {
    on_both(async |db| {
        tx!(db, |tx| {
            for user_id in [alice(), bob()] {
                let data = AccountData {
                    room: GLOBAL,
                    kind: "k".into(),
                    content: "{}".into(),
                    pos: pos(1),
                };
                tx.account_data_put(&user_id, &data).await?;
                tx.filter_put(&user_id, "id", "{}").await?;
                let key = CrossSigningKey {
                    usage: KeyUsage::Master,
                    key_id: "k".into(),
                    json: "{}".into(),
                };
                tx.cross_signing_put(&user_id, &key).await?;
                tx.backup_version_insert(&user_id, "alg", "{}").await?;
            }
            tx.user_delete_belongings(&alice()).await?;
            for (user_id, left) in [(alice(), false), (bob(), true)] {
                assert_eq!(tx.account_data_count(&user_id).await? == 1, left);
                assert_eq!(tx.filter_count(&user_id).await? == 1, left);
                assert_eq!(tx.cross_signing_list(&user_id).await?.len() == 1, left);
                assert_eq!(tx.backup_version_latest(&user_id).await?.is_some(), left);
            }
        });
    });
}

#[test]
fn closed_accounts_that_are_still_in_rooms_are_found() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            for (name, membership) in [
                ("joined", MembershipState::Join),
                ("invited", MembershipState::Invite),
                ("knocked", MembershipState::Knock),
                ("left", MembershipState::Leave),
                ("banned", MembershipState::Ban),
                ("open", MembershipState::Join),
            ] {
                tx.user_insert(&account(name)).await?;
                put(tx, a, &user(name), &membership, 1).await?;
                put(tx, b, &user(name), &membership, 1).await?;
                if name != "open" {
                    tx.user_set_state(&user(name), UserState::Deactivated).await?;
                }
            }
            let mut found = tx.user_list_closed_in_rooms(10).await?;
            found.sort();
            assert_eq!(
                found,
                [user("invited"), user("joined"), user("knocked")],
                "each once"
            );
            assert_eq!(tx.user_list_closed_in_rooms(2).await?.len(), 2);
        });
    });
}
