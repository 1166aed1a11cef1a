//! Refresh tokens: exchanged once, and what becomes of the others of their sign-in.

use rohrpost_store::{TokenKind, TokenRow};

use crate::{
    support::{on_both, try_tx, tx},
    tokens::{left, token},
};

#[test]
fn refresh_tokens_that_were_exchanged_are_revoked_and_kept() {
    on_both(async |db| {
        tx!(db, |tx| {
            let refresh = |number| TokenRow {
                kind: TokenKind::Refresh,
                ..token(number)
            };
            tx.token_insert(&refresh(1), 10).await?;
            tx.token_insert(&refresh(2), 10).await?;
            tx.token_insert(
                &TokenRow {
                    family: [9; 16],
                    ..refresh(3)
                },
                10,
            )
            .await?;
            tx.token_insert(&token(4), 10).await?;
            for number in [1, 3, 4] {
                tx.token_set_used(&[number; 32], 20).await?;
            }
            tx.token_insert(&token(5), 20).await?;
            tx.token_insert(&refresh(6), 20).await?;
            tx.token_revoke_exchanged(&[1; 16], &[5; 32], 30).await?;
            for (number, expires_ts) in [
                (1, Some(30)),
                (2, None),
                (3, None),
                (4, None),
                (5, None),
                (6, None),
            ] {
                let found = tx.token_get(&[number; 32]).await?.unwrap();
                assert_eq!(found.expires_ts, expires_ts, "token {number}");
            }
            tx.token_revoke_exchanged(&[1; 16], &[5; 32], 40).await?;
            assert_eq!(
                tx.token_get(&[1; 32]).await?.unwrap().expires_ts,
                Some(30),
                "once"
            );
        });
    });
}

#[test]
fn tokens_that_nobody_used_can_go() {
    on_both(async |db| {
        tx!(db, |tx| {
            for number in 1..=3 {
                tx.token_insert(&token(number), 10).await?;
            }
            tx.token_insert(
                &TokenRow {
                    family: [9; 16],
                    ..token(4)
                },
                10,
            )
            .await?;
            tx.token_set_used(&[2; 32], 20).await?;
            tx.token_delete_unused(&[1; 16]).await?;
            assert_eq!(left(tx).await?, [2, 4]);
        });
    });
}

#[test]
fn a_refresh_token_is_exchanged_once() {
    on_both(async |db| {
        tx!(db, |tx| tx
            .token_insert(
                &TokenRow {
                    kind: TokenKind::Refresh,
                    ..token(1)
                },
                5
            )
            .await?);
        let exchanges = (0..50_u8).map(|number| async move {
            try_tx!(db, |tx| {
                let locked = tx.token_lock(&[1; 32]).await?.unwrap();
                if locked.used_ts.is_some() {
                    return Ok(false);
                }
                tx.token_set_used(&[1; 32], 7).await?;
                tx.token_insert(&token(100 + number), 7).await?;
                Ok(true)
            })
            .unwrap()
        });
        let got = futures_util::future::join_all(exchanges).await;
        assert_eq!(got.into_iter().filter(|got| *got).count(), 1);
    });
}
