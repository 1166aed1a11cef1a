//! Where devices want to be notified.

use rohrpost_store::PusherRow;
use ruma::device_id;

use crate::support::{alice, bob, on_both, tx};

fn pusher(app_id: &str, pushkey: &str, json: &str) -> PusherRow {
    PusherRow {
        app_id: app_id.into(),
        pushkey: pushkey.into(),
        json: json.into(),
    }
}

#[test]
fn an_application_has_one_pusher_for_each_push_key() {
    on_both(async |db| {
        tx!(db, |tx| {
            let one = device_id!("ONE");
            for (app_id, pushkey, json) in [
                ("b", "k", "old"),
                ("b", "k", "new"),
                ("a_", "k", "1"),
                ("a-", "z", "2"),
            ] {
                tx.pusher_put(&alice(), one, &pusher(app_id, pushkey, json))
                    .await?;
            }
            let listed = tx.pusher_list(&alice()).await?;
            let listed: Vec<_> = listed
                .iter()
                .map(|found| (found.app_id.as_str(), found.pushkey.as_str(), found.json.as_str()))
                .collect();
            assert_eq!(listed, [("a-", "z", "2"), ("a_", "k", "1"), ("b", "k", "new")]);
            assert!(tx.pusher_list(&bob()).await?.is_empty());
            assert!(tx.pusher_delete(&alice(), "b", "k").await?);
            assert!(!tx.pusher_delete(&alice(), "b", "k").await?);
            assert_eq!(tx.pusher_list(&alice()).await?.len(), 2);
        });
    });
}

#[test]
fn a_device_that_changed_hands_is_not_told_of_its_former_owner() {
    on_both(async |db| {
        tx!(db, |tx| {
            for user_id in [alice(), bob()] {
                tx.pusher_put(&user_id, device_id!("ONE"), &pusher("a", "k", "{}"))
                    .await?;
                tx.pusher_put(&user_id, device_id!("ONE"), &pusher("a", "other", "{}"))
                    .await?;
            }
            tx.pusher_delete_others(&bob(), "a", "k").await?;
            let left = |list: Vec<PusherRow>| list.into_iter().map(|found| found.pushkey).collect::<Vec<_>>();
            assert_eq!(left(tx.pusher_list(&alice()).await?), ["other"]);
            assert_eq!(left(tx.pusher_list(&bob()).await?), ["k", "other"]);
        });
    });
}
