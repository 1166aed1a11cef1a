//! The server-server API between servers of our own, over real sockets with TLS.

#[path = "federation/edus.rs"]
mod edus;
#[path = "federation/encryption.rs"]
mod encryption;
#[path = "federation/handshakes.rs"]
mod handshakes;
#[path = "federation/hostile.rs"]
mod hostile;
#[path = "federation/invites.rs"]
mod invites;
#[path = "federation/join.rs"]
mod join;
#[path = "federation/keys.rs"]
mod keys;
#[path = "federation/media.rs"]
mod media;
#[path = "federation/outbox.rs"]
mod outbox;
#[path = "federation/query.rs"]
mod query;
#[path = "federation/receive.rs"]
mod receive;
#[path = "federation/requests.rs"]
mod requests;
#[path = "federation/rooms.rs"]
mod rooms;
#[path = "federation/roster.rs"]
mod roster;
#[path = "signing.rs"]
#[expect(dead_code, reason = "another test program uses the rest")]
mod signing;
#[path = "federation/spaces.rs"]
mod spaces;
#[path = "federation/together.rs"]
mod together;

use rohrpost_testkit::{Neighbours, TestServer};

/// Two servers, on both engines.
async fn pairs(test: impl AsyncFn(TestServer, TestServer)) {
    let neighbours = Neighbours::new();
    let (one, other) = (neighbours.sqlite().await, neighbours.sqlite().await);
    test(one.clone(), other.clone()).await;
    one.close().await;
    other.close().await;
    if let Some(one) = neighbours.postgres().await {
        let other = neighbours.sqlite().await;
        test(one.clone(), other.clone()).await;
        one.close().await;
        other.close().await;
    }
}
