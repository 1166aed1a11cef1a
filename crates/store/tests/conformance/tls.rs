//! PostgreSQL over TLS: with the right certificate, and never without.

use std::{sync::Arc, time::Duration};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rohrpost_store::{AfterCommit, Store, StoreError};

use crate::support::{Database, Engine, Heard, alice, on, unit};

/// Gives the server a certificate for `names`; it answers with TLS from then on, beside answering without.
async fn certify(database: &Database, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let cert = cert.pem();
    for (file, text) in [("test.crt", &cert), ("test.key", &signing_key.serialize_pem())] {
        // The server itself writes them, because it insists on owning its key.
        database.meddle(&format!(
            "COPY (SELECT line FROM unnest(string_to_array('{}', E'\\n')) WITH ORDINALITY AS t(line, n) ORDER BY n) \
             TO PROGRAM 'umask 077; cat > {file}'",
            text.trim()
        ));
    }
    for setting in [
        "ssl_cert_file = 'test.crt'",
        "ssl_key_file = 'test.key'",
        "ssl = on",
    ] {
        database.meddle(&format!("ALTER SYSTEM SET {setting}"));
    }
    database.meddle("SELECT pg_reload_conf()");
    cert
}

async fn open(database: &Database, options: &str) -> Result<Store, StoreError> {
    let url = format!("{}?{options}", database.url);
    Store::open(&url, 2, Arc::new(AfterCommit), Arc::new(Heard::default())).await
}

/// Opens as soon as the server has read its new settings.
async fn open_in_time(database: &Database, options: &str) -> Store {
    for _ in 0..100 {
        match open(database, options).await {
            Ok(store) => return store,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    open(database, options).await.unwrap()
}

#[test]
fn tls_is_spoken_with_the_right_server_only() {
    on(Engine::Postgres, |database, runtime| {
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let (ours, other) = (folder.path().join("ours.pem"), folder.path().join("other.pem"));
            std::fs::write(&ours, certify(database, &["127.0.0.1", "localhost"]).await).unwrap();
            let stranger = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
            std::fs::write(&other, stranger.cert.pem()).unwrap();

            let trusting = format!("sslmode=verify-full&sslrootcert={}", ours.display());
            let store = open_in_time(database, &trusting).await;
            let put = unit(|tx| Box::pin(async { tx.filter_put(&alice(), "id", "{}").await }));
            store.write(put).await.unwrap();
            let spoken = "SELECT COUNT(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                          WHERE datname = current_database() AND ssl";
            assert!(database.look_one(spoken) > 0, "the connection is encrypted");
            store.close().await;
            let peeked = rohrpost_store::peek(&format!("{}?{trusting}", database.url)).await;
            assert!(matches!(peeked, Ok(Some(_))), "{peeked:?}");

            for distrusting in [
                format!("sslmode=require&sslrootcert={}", other.display()),
                "sslmode=require".into(),
            ] {
                let refused = open(database, &distrusting).await;
                assert!(matches!(refused, Err(StoreError::Setup(_))), "{distrusting}");
            }
        });
    });
}
