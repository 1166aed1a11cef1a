//! How large the keys of a backup are together.

use rohrpost_store::{BackupKey, BackupKeyQuality, Result, Tx};

use crate::support::{alice, on_both, room_id, tx};

fn key(session_id: &str, session_data: &str) -> BackupKey {
    BackupKey {
        room_id: room_id("a"),
        session_id: session_id.into(),
        quality: BackupKeyQuality {
            first_message_index: 1,
            forwarded_count: 2,
            is_verified: true,
        },
        session_data: session_data.into(),
    }
}

async fn size(tx: &mut Tx<'_>) -> Result<i64> {
    Ok(tx.backup_version_get(&alice(), 1).await?.unwrap().key_bytes)
}

#[test]
fn the_size_of_a_backup_grows_and_is_added_up_in_bytes() {
    on_both(async |db| {
        tx!(db, |tx| {
            let alice = alice();
            for number in 1..=2 {
                assert_eq!(tx.backup_version_insert(&alice, "alg", "{}").await?, number);
            }
            assert_eq!(size(tx).await?, 0);
            let (one, two) = (key("1", "\"\u{e4}\""), key("2", "12345"));
            tx.backup_key_put(&alice, 1, &[&one, &two]).await?;
            assert_eq!(tx.backup_key_bytes(&alice, 1, &[&one, &key("3", "")]).await?, 4);
            assert_eq!(tx.backup_key_bytes(&alice, 1, &[&one, &two]).await?, 9);
            assert_eq!(tx.backup_key_bytes(&alice, 2, &[&one, &two]).await?, 0);
            assert_eq!(tx.backup_key_bytes(&alice, 1, &[]).await?, 0);
            tx.backup_grow(&alice, 1, 9).await?;
            assert_eq!(size(tx).await?, 9);
            tx.backup_grow(&alice, 1, -2).await?;
            assert_eq!(size(tx).await?, 7);
            tx.backup_key_delete(&alice, 1, Some(&room_id("a")), Some("2"))
                .await?;
            tx.backup_measure(&alice, 1).await?;
            assert_eq!(size(tx).await?, 4);
            tx.backup_key_delete(&alice, 1, None, None).await?;
            tx.backup_measure(&alice, 1).await?;
            assert_eq!(size(tx).await?, 0);
        });
    });
}
