//! Tokens, and who makes a request.

use rohrpost_store::{Result, StoreError, TokenKind, TokenRow, Tx, UserState};
use ruma::device_id;

use crate::{
    accounts::account,
    support::{alice, bob, on_both, read, try_tx, tx},
};

/// A day.
const DAY: i64 = 86_400_000;

pub(crate) fn token(number: u8) -> TokenRow {
    TokenRow {
        hash: [number; 32],
        user_id: alice(),
        device_id: device_id!("ONE").to_owned(),
        kind: TokenKind::Access,
        family: [1; 16],
        expires_ts: None,
        used_ts: None,
    }
}

pub(crate) async fn left(tx: &mut Tx<'_>) -> Result<Vec<u8>> {
    let mut left = Vec::new();
    for number in 0..=9 {
        if tx.token_get(&[number; 32]).await?.is_some() {
            left.push(number);
        }
    }
    Ok(left)
}

#[test]
fn a_token_is_found_by_its_hash() {
    on_both(async |db| {
        tx!(db, |tx| {
            let new = TokenRow {
                kind: TokenKind::Refresh,
                family: [9; 16],
                expires_ts: Some(77),
                ..token(1)
            };
            tx.token_insert(&new, 5).await?;
            for found in [
                tx.token_get(&[1; 32]).await?.unwrap(),
                tx.token_lock(&[1; 32]).await?.unwrap(),
            ] {
                assert_eq!(
                    (found.hash, found.user_id, found.device_id.as_str()),
                    ([1; 32], alice(), "ONE")
                );
                assert_eq!((found.kind, found.family), (TokenKind::Refresh, [9; 16]));
                assert_eq!((found.expires_ts, found.used_ts), (Some(77), None));
            }
            assert!(tx.token_get(&[2; 32]).await?.is_none());
            assert!(tx.token_lock(&[2; 32]).await?.is_none());
            tx.token_set_used(&[1; 32], 99).await?;
            assert_eq!(tx.token_get(&[1; 32]).await?.unwrap().used_ts, Some(99));
        });
    });
}

#[test]
fn a_hash_that_is_there_is_not_overwritten() {
    on_both(async |db| {
        tx!(db, |tx| tx.token_insert(&token(1), 5).await?);
        let again = try_tx!(db, |tx| tx
            .token_insert(
                &TokenRow {
                    user_id: bob(),
                    ..token(1)
                },
                5
            )
            .await
            .map(|()| 0));
        assert!(
            matches!(again, Err(StoreError::Sqlite(_) | StoreError::Postgres(_))),
            "{again:?}"
        );
        assert_eq!(
            read!(db, |tx| tx.token_get(&[1; 32]).await?.unwrap().user_id),
            alice()
        );
    });
}

#[test]
fn a_caller_is_a_token_with_its_account() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.user_insert(&account("alice")).await?;
            tx.device_insert(&alice(), device_id!("ONE"), None, DAY + 5)
                .await?;
            let new = TokenRow {
                family: [7; 16],
                expires_ts: Some(1),
                ..token(1)
            };
            tx.token_insert(&new, 5).await?;
            let caller = tx.caller_get(&[1; 32]).await?.unwrap();
            assert_eq!((caller.user_id, caller.device_id.as_str()), (alice(), "ONE"));
            assert_eq!((caller.kind, caller.family), (TokenKind::Access, [7; 16]));
            assert_eq!(
                caller.expires_ts,
                Some(1),
                "expired ones are answered as they are"
            );
            assert_eq!((caller.state, caller.administrator), (UserState::Active, false));
            assert_eq!((caller.used_ts, caller.last_seen_ts), (None, DAY));

            tx.user_set_state(&alice(), UserState::Deactivated).await?;
            tx.user_set_administrator(&alice(), true).await?;
            let refresh = TokenRow {
                kind: TokenKind::Refresh,
                ..token(2)
            };
            tx.token_insert(&refresh, 5).await?;
            tx.token_set_used(&[2; 32], 9).await?;
            let caller = tx.caller_get(&[2; 32]).await?.unwrap();
            assert_eq!(caller.used_ts, Some(9));
            assert_eq!((caller.kind, caller.expires_ts), (TokenKind::Refresh, None));
            assert_eq!(
                (caller.state, caller.administrator),
                (UserState::Deactivated, true)
            );
        });
    });
}

#[test]
fn a_token_without_an_account_or_a_device_is_no_caller() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.token_insert(&token(1), 5).await?;
            tx.token_insert(
                &TokenRow {
                    user_id: bob(),
                    ..token(2)
                },
                5,
            )
            .await?;
            tx.user_insert(&account("alice")).await?;
            tx.device_insert(&bob(), device_id!("ONE"), None, 1).await?;
            assert!(tx.caller_get(&[1; 32]).await?.is_none());
            assert!(tx.caller_get(&[2; 32]).await?.is_none());
            assert!(tx.caller_get(&[3; 32]).await?.is_none());
        });
    });
}

#[test]
fn tokens_go_one_by_one_by_family_and_by_device() {
    on_both(async |db| {
        tx!(db, |tx| {
            for number in 0..=5 {
                let family = [number / 2; 16];
                let device_id = if number == 5 {
                    device_id!("TWO")
                } else {
                    device_id!("ONE")
                }
                .to_owned();
                let user_id = if number == 4 { bob() } else { alice() };
                tx.token_insert(
                    &TokenRow {
                        family,
                        device_id,
                        user_id,
                        ..token(number)
                    },
                    5,
                )
                .await?;
            }
            tx.token_delete(&[0; 32]).await?;
            tx.token_delete(&[9; 32]).await?;
            assert_eq!(left(tx).await?, [1, 2, 3, 4, 5]);
            tx.token_delete_family(&[1; 16]).await?;
            assert_eq!(left(tx).await?, [1, 4, 5]);
            tx.token_delete_of_device(&alice(), device_id!("ONE")).await?;
            assert_eq!(
                left(tx).await?,
                [4, 5],
                "those of another user and another device stay"
            );
        });
    });
}

#[test]
fn tokens_expire_before_not_at_the_time() {
    on_both(async |db| {
        tx!(db, |tx| {
            for (number, expires_ts) in [(1, Some(99)), (2, Some(100)), (3, Some(101)), (4, None)] {
                tx.token_insert(
                    &TokenRow {
                        expires_ts,
                        ..token(number)
                    },
                    5,
                )
                .await?;
            }
            assert_eq!(tx.token_delete_expired(100).await?, 1);
            assert_eq!(left(tx).await?, [2, 3, 4]);
        });
    });
}
