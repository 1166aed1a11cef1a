//! E-mail addresses, how they are confirmed, and mail that is to be sent.

use rohrpost_store::{EmailPurpose, EmailSession, ThirdPartyIdRow};

use crate::support::{alice, bob, on_both, tx};

fn session(sid: &str, purpose: EmailPurpose, send_attempt: i64) -> EmailSession {
    EmailSession {
        sid: sid.to_owned(),
        purpose,
        address: "anna@amt.example".to_owned(),
        secret_hash: [1; 32],
        token_hash: [2; 32],
        send_attempt,
        validated_ts: None,
        created_ts: 100,
    }
}

fn address(address: &str) -> ThirdPartyIdRow {
    ThirdPartyIdRow {
        address: address.to_owned(),
        validated_ts: 1,
        added_ts: 2,
    }
}

#[test]
fn an_address_belongs_to_one_account() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert!(tx.third_party_id_put(&alice(), &address("b@x.example")).await?);
            assert!(tx.third_party_id_put(&alice(), &address("a@x.example")).await?);
            assert!(
                tx.third_party_id_put(&alice(), &address("a@x.example")).await?,
                "again"
            );
            assert!(!tx.third_party_id_put(&bob(), &address("a@x.example")).await?);
            let listed = tx.third_party_id_list(&alice()).await?;
            let listed: Vec<_> = listed
                .iter()
                .map(|row| (row.address.as_str(), row.added_ts))
                .collect();
            assert_eq!(listed, [("a@x.example", 2), ("b@x.example", 2)]);
            assert_eq!(tx.third_party_id_owner("a@x.example").await?, Some(alice()));
            assert!(!tx.third_party_id_delete(&bob(), "a@x.example").await?);
            assert!(tx.third_party_id_delete(&alice(), "a@x.example").await?);
            assert_eq!(tx.third_party_id_owner("a@x.example").await?, None);
        });
    });
}

#[test]
fn a_session_is_found_again_used_once_and_ends() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.email_session_put(&session("one", EmailPurpose::Add, 1))
                .await?;
            tx.email_session_put(&session("two", EmailPurpose::Password, 1))
                .await?;
            tx.email_session_put(&session("three", EmailPurpose::Add, 2))
                .await?;
            assert!(tx.email_session_get("one", 0).await?.is_none(), "it was replaced");
            let find = ("anna@amt.example", [1; 32]);
            let found = tx
                .email_session_find(EmailPurpose::Add, find.0, &find.1, 0)
                .await?;
            assert_eq!(
                found.map(|found| (found.sid, found.send_attempt)),
                Some(("three".to_owned(), 2))
            );
            let other = tx
                .email_session_find(EmailPurpose::Add, find.0, &[9; 32], 0)
                .await?;
            assert!(other.is_none());
            for now_ts in [150, 160] {
                tx.email_session_validate("three", now_ts).await?;
            }
            let found = tx.email_session_get("three", 99).await?.expect("it is there");
            assert_eq!((found.validated_ts, found.token_hash), (Some(150), [2; 32]));
            assert!(
                tx.email_session_get("three", 100).await?.is_none(),
                "its time is over"
            );
            assert!(tx.email_session_delete("three").await?);
            assert!(!tx.email_session_delete("three").await?);
            tx.email_session_delete_old(101).await?;
            assert!(tx.email_session_get("two", 0).await?.is_none());
        });
    });
}

#[test]
fn mail_is_taken_once_until_its_time_is_over() {
    on_both(async |db| {
        tx!(db, |tx| {
            for subject in ["one", "two"] {
                tx.mail_insert("a@x.example", subject, "text", 5).await?;
            }
            let taken = tx.mail_claim(10, 20, 1).await?;
            let rest = tx.mail_claim(10, 20, 9).await?;
            assert_eq!((taken.len(), rest.len()), (1, 1));
            assert_ne!(taken[0].subject, rest[0].subject);
            assert_eq!((taken[0].created_ts, taken[0].failures), (5, 0));
            tx.mail_delete(taken[0].nid).await?;
            tx.mail_retry(rest[0].nid, 1, 15).await?;
            assert!(tx.mail_claim(14, 30, 9).await?.is_empty());
            let again = tx.mail_claim(15, 30, 9).await?;
            assert_eq!((again.len(), again[0].failures), (1, 1));
        });
    });
}
