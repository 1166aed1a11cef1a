//! User-interactive authentication under way.

use rohrpost_store::UiaSession;

use crate::support::{on_both, try_tx, tx};

fn session(name: &str) -> UiaSession {
    UiaSession {
        session: name.to_owned(),
        operation: "POST /account/password".to_owned(),
        body_hash: [3; 32],
        user_id: "@alice:example.org".to_owned(),
        completed: Vec::new(),
        param: String::new(),
    }
}

#[test]
fn a_session_is_found_until_it_is_too_old() {
    on_both(async |db| {
        tx!(db, |tx| {
            let new = UiaSession {
                completed: vec!["a".into(), "b".into()],
                param: "p".into(),
                ..session("s")
            };
            tx.uia_insert(&new, 100).await?;
            let found = tx.uia_get("s", 99).await?.unwrap();
            assert_eq!(
                (found.session.as_str(), found.operation.as_str()),
                ("s", "POST /account/password")
            );
            assert_eq!(
                (found.body_hash, found.user_id.as_str()),
                ([3; 32], "@alice:example.org")
            );
            assert_eq!(
                (found.completed, found.param.as_str()),
                (vec!["a".to_owned(), "b".to_owned()], "p")
            );
            assert!(tx.uia_get("s", 100).await?.is_none(), "began after, not at");
            assert!(tx.uia_get("t", 0).await?.is_none());
        });
    });
}

#[test]
fn stages_are_noted() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.uia_insert(&session("s"), 100).await?;
            assert_eq!(tx.uia_get("s", 0).await?.unwrap().completed, Vec::<String>::new());
            let completed = vec!["m.login.password".to_owned()];
            tx.uia_update(&UiaSession {
                completed: completed.clone(),
                param: "x".into(),
                ..session("s")
            })
            .await?;
            let found = tx.uia_get("s", 0).await?.unwrap();
            assert_eq!((found.completed, found.param.as_str()), (completed, "x"));
        });
    });
}

#[test]
fn sessions_that_began_before_a_time_go() {
    on_both(async |db| {
        tx!(db, |tx| {
            for (name, ts) in [("a", 99), ("b", 100), ("c", 101)] {
                tx.uia_insert(&session(name), ts).await?;
            }
            assert_eq!(tx.uia_delete_old(100).await?, 1);
            assert!(tx.uia_get("a", 0).await?.is_none());
            assert!(tx.uia_get("b", 0).await?.is_some());
        });
    });
}

#[test]
fn a_session_is_used_once() {
    on_both(async |db| {
        tx!(db, |tx| tx.uia_insert(&session("s"), 100).await?);
        let uses = (0..50).map(|_| async { try_tx!(db, |tx| tx.uia_delete("s").await).unwrap() });
        let got = futures_util::future::join_all(uses).await;
        assert_eq!(got.into_iter().filter(|got| *got).count(), 1);
        let again: bool = tx!(db, |tx| tx.uia_delete("s").await?);
        assert!(!again);
    });
}
