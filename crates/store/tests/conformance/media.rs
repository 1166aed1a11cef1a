//! What was uploaded, and thumbnails of it.

use rohrpost_store::{MediaRow, ThumbnailKey, ThumbnailRow};

use crate::support::{alice, bob, on_both, tx};

#[test]
fn media_is_found_as_it_was_uploaded() {
    on_both(async |db| {
        tx!(db, |tx| {
            let full = MediaRow {
                media_id: "abc".into(),
                owner: alice(),
                content_type: Some("image/png".into()),
                file_name: Some("Grüße.png".into()),
                size_bytes: i64::MAX,
                hash: "00ff".into(),
            };
            let bare = MediaRow {
                media_id: "ABC".into(),
                content_type: None,
                file_name: None,
                ..full.clone()
            };
            tx.media_insert(&full, 5).await?;
            tx.media_insert(&bare, 5).await?;
            let found = tx.media_get("abc").await?.unwrap();
            assert_eq!(
                (found.owner, found.hash.as_str(), found.size_bytes),
                (alice(), "00ff", i64::MAX)
            );
            assert_eq!(
                (found.content_type, found.file_name),
                (full.content_type, full.file_name)
            );
            let found = tx.media_get("ABC").await?.unwrap();
            assert_eq!((found.content_type, found.file_name), (None, None));
            assert!(tx.media_get("none").await?.is_none());
        });
    });
}

#[test]
fn what_somebody_uploaded_is_counted() {
    on_both(async |db| {
        tx!(db, |tx| {
            for (id, owner, size_bytes, ts) in [
                ("a", alice(), 1_i64 << 40, 5),
                ("b", alice(), 20, 6),
                ("c", alice(), 300, 7),
                ("d", bob(), 4000, 7),
            ] {
                let row = MediaRow {
                    media_id: id.into(),
                    owner,
                    content_type: None,
                    file_name: None,
                    size_bytes,
                    hash: "00".into(),
                };
                tx.media_insert(&row, ts).await?;
            }
            assert_eq!(
                tx.media_bytes_since(&alice(), 4).await?,
                ((1 << 40) + 320, Some(5))
            );
            assert_eq!(tx.media_bytes_since(&alice(), 5).await?, (320, Some(6)));
            assert_eq!(tx.media_bytes_since(&alice(), 7).await?, (0, None));
            assert_eq!(tx.media_bytes_since(&bob(), 0).await?, (4000, Some(7)));
        });
    });
}

#[test]
fn a_thumbnail_that_is_there_stays() {
    on_both(async |db| {
        tx!(db, |tx| {
            let key = ThumbnailKey {
                hash: "00".into(),
                width: 32,
                height: 32,
                method: "crop",
            };
            let row = |hash: &str| ThumbnailRow {
                hash: hash.into(),
                content_type: "image/png".into(),
                size_bytes: 5,
            };
            assert_eq!(tx.thumbnail_get(&key).await?, None);
            tx.thumbnail_put(&key, &row("first")).await?;
            tx.thumbnail_put(&key, &row("second")).await?;
            assert_eq!(tx.thumbnail_get(&key).await?, Some(row("first")));
            for other in [
                ThumbnailKey {
                    hash: "01".into(),
                    ..key.clone()
                },
                ThumbnailKey {
                    width: 33,
                    ..key.clone()
                },
                ThumbnailKey {
                    height: u32::MAX,
                    ..key.clone()
                },
                ThumbnailKey {
                    method: "scale",
                    ..key.clone()
                },
            ] {
                assert_eq!(tx.thumbnail_get(&other).await?, None);
                tx.thumbnail_put(&other, &row("other")).await?;
                assert_eq!(tx.thumbnail_get(&other).await?, Some(row("other")));
            }
        });
    });
}
