//! What stands behind links, kept for a while.

use crate::support::{on_both, tx};

#[test]
fn a_preview_is_kept_until_its_time_is_over() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.url_preview_put("https://a.example/", Some("{}"), 10).await?;
            tx.url_preview_put("https://b.example/", None, 20).await?;
            assert_eq!(
                tx.url_preview_get("https://a.example/", 9).await?,
                Some(Some("{}".to_owned()))
            );
            assert_eq!(tx.url_preview_get("https://a.example/", 10).await?, None);
            assert_eq!(tx.url_preview_get("https://b.example/", 10).await?, Some(None));
            assert_eq!(tx.url_preview_get("https://A.example/", 0).await?, None);
            tx.url_preview_put("https://a.example/", None, 30).await?;
            assert_eq!(tx.url_preview_get("https://a.example/", 10).await?, Some(None));
            tx.url_preview_delete_expired(20).await?;
            assert_eq!(tx.url_preview_get("https://b.example/", 0).await?, None);
            assert_eq!(tx.url_preview_get("https://a.example/", 0).await?, Some(None));
        });
    });
}

#[test]
fn the_longest_address_of_a_page_can_be_kept() {
    on_both(async |db| {
        tx!(db, |tx| {
            // Nothing that an index could pack.
            let path: String = (0..2048_u64)
                .map(|i| char::from(b'a' + (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59) as u8 % 26))
                .collect();
            tx.url_preview_put(&path, None, 10).await?;
            assert_eq!(tx.url_preview_get(&path, 0).await?, Some(None));
        });
    });
}

#[test]
fn a_picture_has_one_address() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert_eq!(tx.url_preview_picture_get("00").await?, None);
            assert!(tx.url_preview_picture_put("00", "first").await?);
            assert!(!tx.url_preview_picture_put("00", "second").await?);
            assert_eq!(tx.url_preview_picture_get("00").await?.as_deref(), Some("first"));
        });
    });
}
