//! What is removed when an account is closed.

use rohrpost_store::{AccountData, CrossSigningKey, GLOBAL, KeyUsage, Profile};

use crate::support::{alice, bob, on_both, pos, tx};

fn data() -> AccountData {
    AccountData {
        room: GLOBAL,
        kind: "k".to_owned(),
        content: "{}".to_owned(),
        pos: pos(1),
    }
}

#[test]
fn belongings_go_and_those_of_others_stay() {
    on_both(async |db| {
        tx!(db, |tx| {
            for user in [alice(), bob()] {
                tx.account_data_put(&user, &data()).await?;
                tx.filter_put(&user, "f", "{}").await?;
                tx.backup_version_insert(&user, "a", "{}").await?;
                let key = CrossSigningKey {
                    usage: KeyUsage::Master,
                    key_id: "K".into(),
                    json: "{}".into(),
                };
                tx.cross_signing_put(&user, &key).await?;
            }
            tx.user_delete_belongings(&alice()).await?;
            assert!(tx.account_data_get(&alice(), GLOBAL, "k").await?.is_none());
            assert!(tx.filter_get(&alice(), "f").await?.is_none());
            assert!(tx.backup_version_latest(&alice()).await?.is_none());
            assert!(tx.cross_signing_list(&alice()).await?.is_empty());
            assert!(tx.account_data_get(&bob(), GLOBAL, "k").await?.is_some());
            assert!(tx.filter_get(&bob(), "f").await?.is_some());
            assert!(tx.backup_version_latest(&bob()).await?.is_some());
            assert_eq!(tx.cross_signing_list(&bob()).await?.len(), 1);
        });
    });
}

#[test]
fn an_erased_profile_is_empty() {
    on_both(async |db| {
        tx!(db, |tx| {
            let profile = Profile {
                display_name: Some("Erika".to_owned()),
                avatar_url: None,
            };
            tx.profile_put(&alice(), &profile).await?;
            tx.profile_put(&bob(), &profile).await?;
            tx.profile_delete(&alice()).await?;
            assert_eq!(tx.profile_get(&alice()).await?, Profile::default());
            assert_eq!(tx.profile_get(&bob()).await?, profile);
        });
    });
}
