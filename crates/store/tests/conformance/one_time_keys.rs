//! One-time keys, each handed out once, and fallback keys.

use std::collections::BTreeSet;

use rohrpost_store::{KeyWanted, KnownOneTimeKey, OneTimeKey, Result, Tx};
use ruma::{DeviceId, UserId, device_id};

use crate::support::{alice, bob, on_both, try_tx, tx};

fn key(algorithm: &str, key_id: &str) -> OneTimeKey {
    OneTimeKey {
        algorithm: algorithm.into(),
        key_id: key_id.into(),
        json: format!("{{\"key\":\"{key_id}\"}}"),
    }
}

fn wanted(user_id: &UserId, device_id: &DeviceId, algorithm: &str) -> KeyWanted {
    KeyWanted {
        user_id: user_id.to_owned(),
        device_id: device_id.to_owned(),
        algorithm: algorithm.into(),
    }
}

async fn claim(
    tx: &mut Tx<'_>,
    user_id: &UserId,
    device_id: &DeviceId,
    algorithm: &str,
) -> Result<Option<OneTimeKey>> {
    Ok(tx
        .one_time_key_claim(&[wanted(user_id, device_id, algorithm)])
        .await?
        .remove(0))
}

#[test]
fn what_was_uploaded_is_known_after_it_was_claimed() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, one) = (alice(), device_id!("ONE"));
            tx.one_time_key_put(&alice, one, &[&key("a", "1"), &key("a", "2")], 1)
                .await?;
            claim(tx, &alice, one, "a").await?;
            let asked = [key("a", "3"), key("a", "2"), key("b", "1"), key("a", "1")];
            let known = |key_id, claimed| {
                Some(KnownOneTimeKey {
                    json: key("a", key_id).json,
                    claimed,
                })
            };
            let expected = [None, known("2", false), None, known("1", true)];
            assert_eq!(tx.one_time_key_known(&alice, one, &asked).await?, expected);
            assert_eq!(tx.one_time_key_known(&bob(), one, &asked[1..2]).await?, [None]);

            let other = OneTimeKey {
                json: "other".into(),
                ..key("a", "1")
            };
            tx.one_time_key_put(&alice, one, &[&other], 2).await?;
            assert_eq!(
                claim(tx, &alice, one, "a").await?,
                Some(key("a", "2")),
                "the older one"
            );
            assert_eq!(
                claim(tx, &alice, one, "a").await?,
                Some(other),
                "kept again, ready to be handed out"
            );
        });
    });
}

#[test]
fn claimed_keys_are_forgotten_after_a_while() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, one) = (alice(), device_id!("ONE"));
            for (key_id, ts) in [("1", 99), ("2", 100), ("3", 50)] {
                tx.one_time_key_put(&alice, one, &[&key("a", key_id)], ts).await?;
            }
            assert_eq!(claim(tx, &alice, one, "a").await?, Some(key("a", "3")));
            assert_eq!(claim(tx, &alice, one, "a").await?, Some(key("a", "1")));
            tx.one_time_key_put(&alice, device_id!("TWO"), &[&key("a", "1")], 1)
                .await?;
            claim(tx, &alice, device_id!("TWO"), "a").await?;
            tx.one_time_key_put(&alice, one, &[&key("a", "unclaimed")], 1)
                .await?;
            assert_eq!(
                tx.one_time_key_forget(&alice, one, 99).await?,
                1,
                "before, not at"
            );
            assert_eq!(
                tx.one_time_key_known(&alice, one, &[key("a", "3")]).await?,
                [None]
            );
            assert!(tx.one_time_key_known(&alice, one, &[key("a", "1")]).await?[0].is_some());
            assert_eq!(tx.one_time_key_forget(&alice, one, 100).await?, 1);
            assert_eq!(tx.one_time_key_counts(&alice, one).await?["a"], 2);
        });
    });
}

#[test]
fn the_oldest_key_is_claimed_first() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, one) = (alice(), device_id!("ONE"));
            for (key_id, ts) in [("z", 1), ("b", 2), ("a", 2), ("A", 3)] {
                tx.one_time_key_put(&alice, one, &[&key("a", key_id)], ts).await?;
            }
            tx.one_time_key_put(&alice, one, &[&key("other", "x")], 0).await?;
            tx.one_time_key_put(&alice, device_id!("TWO"), &[&key("a", "x")], 0)
                .await?;
            for expected in ["z", "a", "b", "A"] {
                assert_eq!(claim(tx, &alice, one, "a").await?, Some(key("a", expected)));
            }
            assert_eq!(claim(tx, &alice, one, "a").await?, None);
            assert_eq!(claim(tx, &alice, one, "other").await?, Some(key("other", "x")));
        });
    });
}

#[test]
fn many_keys_are_claimed_in_the_order_asked_for() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, bob, one) = (alice(), bob(), device_id!("ONE"));
            for user_id in [&alice, &bob] {
                tx.one_time_key_put(user_id, one, &[&key("a", user_id.localpart())], 1)
                    .await?;
            }
            tx.fallback_key_put(&alice, device_id!("TWO"), &key("a", "fallback"))
                .await?;
            let asked = [
                wanted(&bob, device_id!("NONE"), "a"),
                wanted(&alice, device_id!("TWO"), "a"),
                wanted(&bob, one, "a"),
                wanted(&alice, one, "a"),
            ];
            let expected =
                [None, Some("fallback"), Some("bob"), Some("alice")].map(|id| id.map(|id| key("a", id)));
            assert_eq!(tx.one_time_key_claim(&asked).await?, expected);
            assert!(tx.one_time_key_claim(&[]).await?.is_empty());
        });
    });
}

#[test]
fn keys_are_counted_by_algorithm() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, one) = (alice(), device_id!("ONE"));
            assert!(tx.one_time_key_counts(&alice, one).await?.is_empty());
            for (algorithm, key_id) in [("a", "1"), ("a", "2"), ("b", "1")] {
                tx.one_time_key_put(&alice, one, &[&key(algorithm, key_id)], 1)
                    .await?;
            }
            let counts = tx.one_time_key_counts(&alice, one).await?;
            assert_eq!(
                counts.into_iter().collect::<Vec<_>>(),
                [("a".to_owned(), 2), ("b".to_owned(), 1)]
            );
        });
    });
}

#[test]
fn the_fallback_key_stays_and_is_marked_as_used() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (alice, one) = (alice(), device_id!("ONE"));
            assert!(tx.fallback_key_unused(&alice, one).await?.is_empty());
            assert_eq!(tx.fallback_key_count(&alice, one).await?, 0);
            tx.fallback_key_put(&alice, one, &key("a", "f")).await?;
            tx.fallback_key_put(&alice, one, &key("b", "f")).await?;
            tx.one_time_key_put(&alice, one, &[&key("a", "1")], 1).await?;
            assert_eq!(tx.fallback_key_unused(&alice, one).await?, ["a", "b"]);
            assert_eq!(claim(tx, &alice, one, "a").await?, Some(key("a", "1")));
            assert_eq!(
                tx.fallback_key_unused(&alice, one).await?,
                ["a", "b"],
                "not while there are others"
            );
            for _ in 0..2 {
                assert_eq!(claim(tx, &alice, one, "a").await?, Some(key("a", "f")));
                assert_eq!(tx.fallback_key_unused(&alice, one).await?, ["b"]);
            }
            tx.fallback_key_put(&alice, one, &key("a", "f")).await?;
            assert_eq!(
                tx.fallback_key_unused(&alice, one).await?,
                ["b"],
                "the same key is still used"
            );
            tx.fallback_key_put(&alice, one, &key("a", "g")).await?;
            assert_eq!(tx.fallback_key_unused(&alice, one).await?, ["a", "b"]);
            assert_eq!(claim(tx, &alice, one, "a").await?, Some(key("a", "g")));
        });
    });
}

#[test]
fn no_key_is_given_to_two_who_ask_at_once() {
    const KEYS: usize = 1_000;
    const CLAIMS: usize = 5_000;
    on_both(async |db| {
        tx!(db, |tx| {
            let keys: Vec<_> = (0..KEYS).map(|number| key("a", &number.to_string())).collect();
            let (alice, one) = (alice(), device_id!("ONE"));
            tx.one_time_key_put(&alice, one, &keys.iter().collect::<Vec<_>>(), 1)
                .await?;
            tx.fallback_key_put(&alice, one, &key("a", "fallback")).await?;
        });
        let claims = (0..CLAIMS).map(|_| async {
            let claimed = try_tx!(db, |tx| claim(tx, &alice(), device_id!("ONE"), "a").await);
            claimed.unwrap().unwrap().key_id
        });
        let got = futures_util::future::join_all(claims).await;
        let unique: BTreeSet<&String> = got.iter().filter(|key_id| *key_id != "fallback").collect();
        assert_eq!(unique.len(), KEYS, "each key was handed out");
        let fallbacks = got.iter().filter(|key_id| *key_id == "fallback").count();
        assert_eq!(fallbacks, CLAIMS - KEYS, "each once, then the fallback key");
    });
}
