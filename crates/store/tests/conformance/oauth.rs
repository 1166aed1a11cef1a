//! OAuth 2.0: clients, codes, and who is signed in to the pages.

use rohrpost_store::{
    OAuthClient, OAuthCode, OAuthDeviceCode, OAuthDeviceState, OAuthGrant, OAuthPageSession,
};
use ruma::device_id;

use crate::{
    support::{alice, bob, on_both, try_tx, tx},
    tokens::token,
};

fn client(client_id: &str) -> OAuthClient {
    OAuthClient {
        client_id: client_id.to_owned(),
        metadata: "{}".to_owned(),
    }
}

fn grant(family: u8, client_id: &str) -> OAuthGrant {
    OAuthGrant {
        family: [family; 16],
        client_id: client_id.to_owned(),
        scope: "a b".to_owned(),
    }
}

fn code(number: u8, created_ts: i64) -> OAuthCode {
    OAuthCode {
        hash: [number; 32],
        client_id: "c".to_owned(),
        redirect_uri: "https://app.example/cb".to_owned(),
        challenge: "challenge".to_owned(),
        user_id: alice(),
        device_id: device_id!("ONE").to_owned(),
        scope: "a b".to_owned(),
        family: None,
        created_ts,
    }
}

fn device_code(number: u8, user_code: &str) -> OAuthDeviceCode {
    OAuthDeviceCode {
        hash: [number; 32],
        user_code: user_code.to_owned(),
        client_id: "c".to_owned(),
        device_id: device_id!("ONE").to_owned(),
        scope: "a b".to_owned(),
        state: OAuthDeviceState::Pending,
        user_id: None,
        created_ts: 100,
        polled_ts: 95,
    }
}

#[test]
fn clients_stay_while_somebody_is_signed_in_with_them() {
    on_both(async |db| {
        tx!(db, |tx| {
            for (client_id, ts) in [("old", 10), ("used", 10), ("new", 20), ("again", 10)] {
                tx.oauth_client_put(&client(client_id), ts).await?;
            }
            tx.oauth_client_put(&client("again"), 20).await?;
            assert_eq!(tx.oauth_client_count().await?, 4);
            tx.token_insert(&token(1), 10).await?;
            tx.oauth_grant_insert(&grant(1, "used"), 10).await?;
            tx.oauth_grant_insert(&grant(2, "old"), 10).await?;
            let found = tx.oauth_grant_of_token(&[1; 32]).await?.unwrap();
            assert_eq!((found.client_id.as_str(), found.scope.as_str()), ("used", "a b"));
            assert!(tx.oauth_grant_of_token(&[2; 32]).await?.is_none());
            assert_eq!(tx.oauth_grant_get(&[2; 16]).await?.unwrap().client_id, "old");
            // Its tokens are gone.
            assert_eq!(tx.oauth_grant_delete_ended().await?, 1);
            assert_eq!(tx.oauth_client_delete_unused(20).await?, 1);
            assert!(tx.oauth_client_get("old").await?.is_none());
            assert_eq!(tx.oauth_client_get("used").await?.unwrap().metadata, "{}");
        });
    });
}

#[test]
fn a_code_comes_back_as_it_was_and_notes_its_tokens() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.oauth_code_insert(&code(1, 100)).await?;
            tx.oauth_code_insert(&code(2, 99)).await?;
            let found = tx.oauth_code_lock(&[1; 32]).await?.unwrap();
            assert_eq!((found.user_id, found.device_id.as_str()), (alice(), "ONE"));
            assert_eq!((found.challenge.as_str(), found.family), ("challenge", None));
            tx.oauth_code_set_family(&[1; 32], &[7; 16]).await?;
            let found = tx.oauth_code_lock(&[1; 32]).await?.unwrap();
            assert_eq!(found.family, Some([7; 16]));
            tx.oauth_code_delete_old(100).await?;
            assert!(tx.oauth_code_lock(&[2; 32]).await?.is_none());
            tx.oauth_code_delete(&[1; 32]).await?;
            assert!(tx.oauth_code_lock(&[1; 32]).await?.is_none());
        });
    });
}

#[test]
fn a_device_code_is_decided_once() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert!(tx.oauth_device_code_insert(&device_code(1, "BCDF-GHJK")).await?);
            assert!(!tx.oauth_device_code_insert(&device_code(2, "BCDF-GHJK")).await?);
            assert_eq!(tx.oauth_device_code_count().await?, 1);
            let found = tx.oauth_device_code_find("BCDF-GHJK").await?.unwrap();
            assert_eq!((found.hash, found.user_id), ([1; 32], None));
            tx.oauth_device_code_set_polled(&[1; 32], 101).await?;
            let found = tx.oauth_device_code_lock(&[1; 32]).await?.unwrap();
            assert_eq!((found.polled_ts, found.created_ts), (101, 100));
        });
        let decisions = (0..20).map(|_| async {
            try_tx!(db, |tx| tx
                .oauth_device_code_decide("BCDF-GHJK", OAuthDeviceState::Allowed, &bob())
                .await)
            .unwrap()
        });
        let made = futures_util::future::join_all(decisions).await;
        assert_eq!(made.into_iter().filter(|made| *made).count(), 1);
        tx!(db, |tx| {
            let found = tx.oauth_device_code_lock(&[1; 32]).await?.unwrap();
            assert_eq!(
                (found.state, found.user_id),
                (OAuthDeviceState::Allowed, Some(bob()))
            );
            tx.oauth_device_code_delete(&[1; 32]).await?;
            assert!(tx.oauth_device_code_find("BCDF-GHJK").await?.is_none());
        });
    });
}

#[test]
fn sessions_of_pages_end_and_what_was_allowed_is_used_once() {
    on_both(async |db| {
        tx!(db, |tx| {
            let new = OAuthPageSession {
                hash: [1; 32],
                user_id: alice(),
                password_mark: [2; 32],
            };
            tx.oauth_page_session_insert(&new, 100).await?;
            let found = tx.oauth_page_session_get(&[1; 32], 99).await?.unwrap();
            assert_eq!((found.user_id, found.password_mark), (alice(), [2; 32]));
            assert!(tx.oauth_page_session_get(&[1; 32], 100).await?.is_none());
            tx.oauth_page_session_delete(&[1; 32]).await?;
            assert!(tx.oauth_page_session_get(&[1; 32], 0).await?.is_none());
            for ts in [90, 100] {
                tx.oauth_identity_reset_allow(&alice(), ts).await?;
            }
            assert!(tx.oauth_identity_reset_is_allowed(&alice(), 99).await?);
            assert!(!tx.oauth_identity_reset_is_allowed(&alice(), 100).await?);
            assert!(!tx.oauth_identity_reset_is_allowed(&bob(), 0).await?);
            assert!(tx.oauth_identity_reset_use(&alice()).await?);
            assert!(!tx.oauth_identity_reset_use(&alice()).await?);
            tx.oauth_page_session_insert(&new, 100).await?;
            tx.oauth_identity_reset_allow(&bob(), 100).await?;
            tx.oauth_page_delete_old(101).await?;
            assert!(tx.oauth_page_session_get(&[1; 32], 0).await?.is_none());
            assert!(!tx.oauth_identity_reset_is_allowed(&bob(), 0).await?);
        });
    });
}
