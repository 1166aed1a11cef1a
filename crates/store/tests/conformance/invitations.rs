//! Invitation links.

use rohrpost_store::Invitation;

use crate::support::{on_both, read, try_tx, tx};

fn invitation(number: u8, uses_left: i64) -> Invitation {
    Invitation {
        hash: [number; 32],
        uses_left,
        administrator: false,
        created_by: "@alice:example.org".to_owned(),
        created_ts: i64::from(number),
        expires_ts: 1_000,
    }
}

#[test]
fn an_invitation_is_found_until_it_expires() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.invitation_insert(&Invitation {
                administrator: true,
                ..invitation(1, 3)
            })
            .await?;
            let found = tx.invitation_get(&[1; 32], 999).await?.unwrap();
            assert_eq!(
                (found.hash, found.uses_left, found.administrator),
                ([1; 32], 3, true)
            );
            assert_eq!((found.created_ts, found.expires_ts), (1, 1_000));
            assert_eq!(found.created_by, "@alice:example.org");
            assert!(tx.invitation_get(&[1; 32], 1_000).await?.is_none());
            assert!(!tx.invitation_use(&[1; 32], 1_000).await?);
            assert!(tx.invitation_get(&[2; 32], 0).await?.is_none());
            assert!(!tx.invitation_use(&[2; 32], 0).await?);
            assert!(tx.invitation_delete(&[1; 32]).await?);
            assert!(!tx.invitation_delete(&[1; 32]).await?);
        });
    });
}

#[test]
fn an_invitation_is_used_as_often_as_it_says() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.invitation_insert(&invitation(1, 1)).await?;
            tx.invitation_insert(&invitation(2, 7)).await?;
        });
        for (number, expected) in [(1, 1), (2, 7)] {
            let uses = (0..50)
                .map(|_| async { try_tx!(db, |tx| tx.invitation_use(&[number; 32], 5).await).unwrap() });
            let got = futures_util::future::join_all(uses).await;
            assert_eq!(got.into_iter().filter(|got| *got).count(), expected);
            assert!(read!(db, |tx| tx
                .invitation_get(&[number; 32], 5)
                .await?
                .is_none()));
        }
    });
}

#[test]
fn usable_invitations_are_listed_newest_first() {
    on_both(async |db| {
        tx!(db, |tx| {
            for number in 1..=4 {
                tx.invitation_insert(&invitation(number, 1)).await?;
            }
            tx.invitation_insert(&invitation(5, 0)).await?;
            tx.invitation_insert(&Invitation {
                expires_ts: 5,
                ..invitation(6, 1)
            })
            .await?;
            let numbers = |list: Vec<Invitation>| list.iter().map(|i| i.hash[0]).collect::<Vec<_>>();
            assert_eq!(numbers(tx.invitation_list(5, 10).await?), [4, 3, 2, 1]);
            assert_eq!(numbers(tx.invitation_list(4, 10).await?), [6, 4, 3, 2, 1]);
            assert_eq!(numbers(tx.invitation_list(5, 2).await?), [4, 3]);
        });
    });
}
