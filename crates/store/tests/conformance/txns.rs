//! Requests that were answered.

use ruma::device_id;

use crate::support::{alice, bob, on_both, try_tx, tx};

#[test]
fn an_answer_belongs_to_one_device_and_one_endpoint() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, one) = (alice(), device_id!("ONE"));
            assert!(tx.txn_insert(&alice, one, "send/!a/m", "t", "$1", 5).await?);
            assert!(!tx.txn_insert(&alice, one, "send/!a/m", "t", "$2", 6).await?);
            assert_eq!(
                tx.txn_get(&alice, one, "send/!a/m", "t").await?.as_deref(),
                Some("$1")
            );
            assert_eq!(tx.txn_get(&alice, one, "sendToDevice/m", "t").await?, None);
            assert_eq!(
                tx.txn_get(&alice, device_id!("TWO"), "send/!a/m", "t").await?,
                None
            );
            assert_eq!(tx.txn_get(&bob(), one, "send/!a/m", "t").await?, None);
            assert_eq!(tx.txn_get(&alice, one, "send/!a/m", "T").await?, None);
            assert!(tx.txn_insert(&alice, one, "sendToDevice/m", "t", "", 5).await?);
            assert_eq!(
                tx.txn_get(&alice, one, "sendToDevice/m", "t").await?.as_deref(),
                Some("")
            );
        });
    });
}

#[test]
fn answers_from_before_a_time_are_forgotten() {
    on_both(async |db| {
        tx!(db, |tx| {
            for (txn_id, ts) in [("a", 99), ("b", 100), ("c", 101)] {
                tx.txn_insert(&alice(), device_id!("ONE"), "e", txn_id, "$1", ts)
                    .await?;
            }
            assert_eq!(tx.txn_delete_old(100).await?, 1);
            assert_eq!(tx.txn_get(&alice(), device_id!("ONE"), "e", "a").await?, None);
            assert!(tx.txn_get(&alice(), device_id!("ONE"), "e", "b").await?.is_some());
        });
    });
}

#[test]
fn one_of_many_with_the_same_transaction_id_is_first() {
    on_both(async |db| {
        let sent = (0..50).map(|number| async move {
            try_tx!(db, |tx| {
                let answer = format!("${number}");
                tx.txn_insert(&alice(), device_id!("ONE"), "e", "t", &answer, 5)
                    .await
            })
            .unwrap()
        });
        let first = futures_util::future::join_all(sent).await;
        assert_eq!(first.iter().filter(|first| **first).count(), 1);
        let number = first.iter().position(|first| *first).unwrap();
        let kept = tx!(db, |tx| tx.txn_get(&alice(), device_id!("ONE"), "e", "t").await?);
        assert_eq!(kept, Some(format!("${number}")));
    });
}
