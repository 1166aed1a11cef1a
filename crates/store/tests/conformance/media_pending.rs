//! Addresses of files that are to be uploaded later.

use rohrpost_store::PendingMedia;

use crate::support::{alice, bob, on_both, try_tx, tx};

#[test]
fn an_address_is_kept_until_it_is_used_or_its_time_is_over() {
    on_both(async |db| {
        tx!(db, |tx| {
            let until = |owner, expires_ts| PendingMedia { owner, expires_ts };
            tx.media_pending_insert("a", &until(alice(), 10)).await?;
            tx.media_pending_insert("b", &until(alice(), 20)).await?;
            tx.media_pending_insert("c", &until(bob(), 30)).await?;
            assert_eq!(tx.media_pending_get("a").await?, Some(until(alice(), 10)));
            assert_eq!(tx.media_pending_get("A").await?, None);
            assert_eq!(tx.media_pending_count(&alice(), 9).await?, (2, Some(10)));
            assert_eq!(tx.media_pending_count(&alice(), 10).await?, (1, Some(20)));
            assert_eq!(tx.media_pending_count(&alice(), 20).await?, (0, None));
            assert!(tx.media_pending_delete("c").await?);
            assert!(!tx.media_pending_delete("c").await?, "it is used once");
            tx.media_pending_delete_expired(10).await?;
            assert_eq!(tx.media_pending_get("a").await?, None);
            assert_eq!(tx.media_pending_get("b").await?, Some(until(alice(), 20)));
        });
    });
}

#[test]
fn two_do_not_get_the_same_address() {
    on_both(async |db| {
        let until = |owner| PendingMedia {
            owner,
            expires_ts: 10,
        };
        tx!(db, |tx| tx.media_pending_insert("a", &until(alice())).await?);
        let again = try_tx!(db, |tx| tx.media_pending_insert("a", &until(bob())).await);
        assert!(again.is_err());
    });
}
