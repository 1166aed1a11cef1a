//! Files of other servers.

use rohrpost_store::{MediaRow, RemoteMediaRow};
use ruma::{server_name, user_id};

use crate::support::{on_both, tx};

#[test]
fn a_file_is_found_under_its_server_and_counts_for_who_had_it_fetched() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (there, alice) = (server_name!("there.example"), user_id!("@alice:example.org"));
            let row = |size_bytes| RemoteMediaRow {
                server: there.to_owned(),
                media: MediaRow {
                    media_id: "a".to_owned(),
                    owner: alice.to_owned(),
                    content_type: Some("text/plain".to_owned()),
                    file_name: None,
                    size_bytes,
                    hash: "h".to_owned(),
                },
            };
            tx.remote_media_put(&row(5), 100).await?;
            tx.remote_media_put(&row(6), 200).await?;
            let found = tx.remote_media_get(there, "a").await?.unwrap().media;
            assert_eq!(
                (found.size_bytes, found.content_type.as_deref()),
                (5, Some("text/plain"))
            );
            assert_eq!((found.owner, found.file_name), (alice.to_owned(), None));
            assert!(
                tx.remote_media_get(server_name!("else.example"), "a")
                    .await?
                    .is_none()
            );
            assert!(tx.remote_media_get(there, "b").await?.is_none());
            assert_eq!(tx.remote_media_bytes_since(alice, 99).await?, (5, Some(100)));
            assert_eq!(tx.remote_media_bytes_since(alice, 100).await?, (0, None));
            let bob = user_id!("@bob:example.org");
            assert_eq!(tx.remote_media_bytes_since(bob, 0).await?, (0, None));
        });
    });
}
