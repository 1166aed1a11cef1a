//! Key backups.

use rohrpost_store::{BackupKey, BackupKeyQuality, Result, Tx};

use crate::support::{alice, bob, on_both, room_id, try_tx, tx};

fn key(room: &str, session_id: &str) -> BackupKey {
    BackupKey {
        room_id: room_id(room),
        session_id: session_id.into(),
        quality: BackupKeyQuality {
            first_message_index: 1,
            forwarded_count: 2,
            is_verified: true,
        },
        session_data: "{\"a\":1}".into(),
    }
}

async fn sessions(tx: &mut Tx<'_>, number: i64, room: Option<&str>) -> Result<Vec<String>> {
    let room = room.map(room_id);
    let listed = tx.backup_key_list(&alice(), number, room.as_deref()).await?;
    let mut sessions: Vec<_> = listed.into_iter().map(|key| key.session_id).collect();
    sessions.sort();
    Ok(sessions)
}

#[test]
fn versions_count_up_and_a_number_is_not_used_again() {
    on_both(async |db| {
        tx!(db, |tx| {
            let alice = alice();
            assert!(tx.backup_version_latest(&alice).await?.is_none());
            assert_eq!(tx.backup_version_insert(&alice, "alg", "{\"n\":1}").await?, 1);
            assert_eq!(tx.backup_version_insert(&alice, "alg", "{\"n\":2}").await?, 2);
            assert_eq!(tx.backup_version_insert(&bob(), "alg", "{}").await?, 1);
            let latest = tx.backup_version_latest(&alice).await?.unwrap();
            assert_eq!(
                (latest.version, latest.algorithm.as_str(), latest.etag),
                (2, "alg", 0)
            );
            assert_eq!(latest.auth_data, "{\"n\":2}");

            tx.backup_version_delete(&alice, 2).await?;
            assert_eq!(tx.backup_version_latest(&alice).await?.unwrap().version, 1);
            assert!(tx.backup_version_get(&alice, 2).await?.is_none());
            assert!(tx.backup_version_get(&alice, 7).await?.is_none());
            assert_eq!(tx.backup_version_insert(&alice, "alg", "{}").await?, 3);
        });
    });
}

#[test]
fn backups_made_at_once_get_different_numbers() {
    on_both(async |db| {
        tx!(db, |tx| tx
            .user_insert(&crate::accounts::account("alice"))
            .await?);
        let made = (0..20).map(|_| async {
            let made = try_tx!(db, |tx| {
                assert!(tx.cross_signing_lock(&alice()).await?);
                tx.backup_version_insert(&alice(), "alg", "{}").await
            });
            made.unwrap()
        });
        let mut made = futures_util::future::join_all(made).await;
        made.sort_unstable();
        assert_eq!(made, (1..=20).collect::<Vec<i64>>());
        tx!(db, |tx| assert!(
            !tx.cross_signing_lock(&bob()).await?,
            "no such account"
        ));
    });
}

#[test]
fn auth_data_and_etag_change() {
    on_both(async |db| {
        tx!(db, |tx| {
            let alice = alice();
            tx.backup_version_insert(&alice, "alg", "{}").await?;
            tx.backup_version_insert(&alice, "alg", "{}").await?;
            tx.backup_version_update(&alice, 1, "{\"new\":1}").await?;
            assert_eq!(
                tx.backup_version_get(&alice, 1).await?.unwrap().auth_data,
                "{\"new\":1}"
            );
            assert_eq!(tx.backup_version_get(&alice, 2).await?.unwrap().auth_data, "{}");
            for (more, etag, keys) in [(3, 1, 3), (0, 2, 3), (-2, 3, 1)] {
                let touched = tx.backup_touch(&alice, 1, more).await?;
                assert_eq!(
                    (touched.version, touched.etag, touched.key_count),
                    (1, etag, keys)
                );
                assert_eq!(tx.backup_version_get(&alice, 1).await?, Some(touched));
            }
            let other = tx.backup_version_get(&alice, 2).await?.unwrap();
            assert_eq!((other.etag, other.key_count), (0, 0));
        });
    });
}

#[test]
fn a_key_is_kept_and_replaced() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, old) = (alice(), key("a", "a+/b="));
            tx.backup_key_put(&alice, 1, &[&old]).await?;
            assert_eq!(
                tx.backup_key_get(&alice, 1, &old.room_id, &old.session_id)
                    .await?,
                Some(old.clone())
            );
            let quality = BackupKeyQuality {
                first_message_index: 0,
                forwarded_count: 0,
                is_verified: false,
            };
            let new = BackupKey {
                quality,
                session_data: "{}".into(),
                ..old.clone()
            };
            tx.backup_key_put(&alice, 1, &[&new]).await?;
            assert_eq!(
                tx.backup_key_list(&alice, 1, None).await?,
                std::slice::from_ref(&new)
            );
            assert_eq!(
                tx.backup_key_get(&alice, 2, &old.room_id, &old.session_id)
                    .await?,
                None
            );
            assert_eq!(
                tx.backup_key_get(&alice, 1, &room_id("b"), &old.session_id)
                    .await?,
                None
            );
            assert_eq!(
                tx.backup_key_get(&bob(), 1, &old.room_id, &old.session_id)
                    .await?,
                None
            );

            let asked = [key("a", "none"), old, key("b", "a+/b=")];
            assert_eq!(
                tx.backup_key_quality(&alice, 1, &asked).await?,
                [None, Some(new.quality), None]
            );
            tx.backup_key_put(&alice, 1, &[]).await?;
            assert!(tx.backup_key_quality(&alice, 1, &[]).await?.is_empty());
        });
    });
}

#[test]
fn keys_are_listed_and_removed_by_version_room_and_session() {
    on_both(async |db| {
        tx!(db, |tx| {
            let alice = alice();
            for number in [1, 2] {
                for (room, session) in [("a", "1"), ("a", "2"), ("a", "3"), ("b", "4"), ("b", "5")] {
                    tx.backup_key_put(&alice, number, &[&key(room, session)]).await?;
                }
            }
            assert_eq!(sessions(tx, 1, None).await?, ["1", "2", "3", "4", "5"]);
            assert_eq!(sessions(tx, 1, Some("b")).await?, ["4", "5"]);
            assert_eq!(
                tx.backup_key_delete(&alice, 1, Some(&room_id("a")), Some("2"))
                    .await?,
                1
            );
            assert_eq!(
                tx.backup_key_delete(&alice, 1, Some(&room_id("a")), Some("2"))
                    .await?,
                0
            );
            assert_eq!(sessions(tx, 1, None).await?, ["1", "3", "4", "5"]);
            assert_eq!(
                tx.backup_key_delete(&alice, 1, Some(&room_id("a")), None).await?,
                2
            );
            assert_eq!(sessions(tx, 1, None).await?, ["4", "5"]);
            assert_eq!(tx.backup_key_delete(&alice, 1, None, None).await?, 2);
            assert!(sessions(tx, 1, None).await?.is_empty());
            assert_eq!(sessions(tx, 2, None).await?.len(), 5);
        });
    });
}

#[test]
fn a_session_without_its_room_removes_nothing() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.backup_key_put(&alice(), 1, &[&key("a", "1")]).await?;
            assert_eq!(tx.backup_key_delete(&alice(), 1, None, Some("1")).await?, 0);
            assert_eq!(sessions(tx, 1, None).await?, ["1"]);
        });
    });
}

#[test]
fn a_deleted_version_takes_its_keys_along() {
    on_both(async |db| {
        tx!(db, |tx| {
            let alice = alice();
            for number in 1..=2 {
                assert_eq!(tx.backup_version_insert(&alice, "alg", "{}").await?, number);
                tx.backup_key_put(&alice, number, &[&key("a", "1")]).await?;
            }
            assert!(tx.backup_version_delete(&alice, 1).await?);
            assert!(
                tx.backup_version_delete(&alice, 1).await?,
                "there was such a version"
            );
            assert!(!tx.backup_version_delete(&alice, 3).await?);
            assert!(sessions(tx, 1, None).await?.is_empty());
            assert_eq!(sessions(tx, 2, None).await?, ["1"]);
        });
    });
}
