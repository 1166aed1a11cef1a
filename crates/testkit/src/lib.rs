//! Whole servers inside a test: a frozen clock, repeatable randomness, either engine, nothing left behind.
//!
//! ```ignore
//! #[tokio::test]
//! async fn answers_a_repeated_send_with_the_same_event() {
//!     TestServer::each(async |server| {
//!         let alice = server.user("alice").await;
//!         let room = alice.create_room(json!({ "preset": "private_chat" })).await;
//!         let path = format!("/_matrix/client/v3/rooms/{}/send/m.room.message/t1", enc(&room));
//!         let (status, first) = alice.put(&path, json!({ "msgtype": "m.text", "body": "hi" })).await;
//!         assert_eq!(status, 200, "{first}");
//!         let (_, second) = alice.put(&path, json!({ "msgtype": "m.text", "body": "hi" })).await;
//!         assert_eq!(first, second);
//!     })
//!     .await;
//! }
//! ```
//!
//! Requests go to the router in-process; [`TestServer::serve`] opens a real socket where a test needs one. The limits
//! are off, registration is open, encryption is optional and passwords are hashed cheaply; [`TestServer::with`]
//! changes any of it. Start reading at [`TestServer`].

mod acknowledge;
mod ask;
mod clock;
mod database;
mod foreign_room;
mod meddle;
mod neighbours;
mod peer;
mod rng;
mod roster;
mod server;
mod settings;
mod stranger;
mod user;

pub use self::{
    acknowledge::EarlyAck,
    ask::{Answer, enc},
    clock::TestClock,
    database::PostgresDatabase,
    foreign_room::ForeignRoom,
    neighbours::Neighbours,
    peer::Peer,
    rng::SeededRng,
    roster::TestRoster,
    server::{Builder, TestServer},
    settings::{SERVER_NAME, open_settings},
    stranger::{Asked, KeptEvent, Said, Stranger},
    user::{PASSWORD, User},
};
/// What a look for a roster brought.
pub use rohrpost_core::federation::roster::Look;
/// Which networks a server under test may connect to.
pub use rohrpost_remote::egress::Networks;
/// Which membership a template is asked for.
pub use rohrpost_room::handshake::AskedMembership;
/// What became of an event.
pub use rohrpost_store::EventStatus;
/// The content of a roster, and whether a member takes part.
pub use rohrpost_trust::roster::{Roster, Status};
