//! Events of other servers that come in transactions.

#[path = "receive/denied.rs"]
mod denied;
#[path = "receive/forks.rs"]
mod forks;
#[path = "receive/gaps.rs"]
mod gaps;
#[path = "receive/ordinary.rs"]
mod ordinary;

use rohrpost_testkit::{ForeignRoom, Neighbours, Stranger, TestServer, User, enc};
use serde_json::{Value, json};

/// A room of this server that people of another are in.
pub(crate) struct Shared {
    pub(crate) server: TestServer,
    pub(crate) anna: User,
    pub(crate) room_id: String,
    pub(crate) stranger: Stranger,
    /// The room as the stranger sees it, after Boris joined.
    pub(crate) room: ForeignRoom,
    pub(crate) boris: String,
}

impl Shared {
    async fn on(server: TestServer, stranger: Stranger, create: Value) -> Self {
        let anna = server.user("anna").await;
        let room_id = anna.create_room(create).await;
        let mut room = stranger.room_of(&server, &room_id).await;
        let boris = stranger.user("boris");
        let joined = room.member(&boris, &boris, "join");
        let answer = stranger.send(&server, "join", &[&joined]).await;
        assert_eq!(answer, json!({ joined.event_id(): {} }));
        Self {
            server,
            anna,
            room_id,
            stranger,
            room,
            boris,
        }
    }

    /// Sends events in a transaction; all must be taken.
    pub(crate) async fn send(&self, txn_id: &str, pdus: &[&rohrpost_room::Pdu]) {
        let answer = self.stranger.send(&self.server, txn_id, pdus).await;
        for pdu in pdus {
            assert_eq!(answer[pdu.event_id().as_str()], json!({}), "{answer}");
        }
    }

    /// The texts that Anna sees in the room, oldest first.
    pub(crate) async fn texts(&self) -> Vec<String> {
        let (status, page) = self.anna.get(&self.path("messages?dir=b&limit=100")).await;
        assert_eq!(status, 200, "{page}");
        let chunk = page["chunk"].as_array().expect("events").iter().rev();
        chunk
            .filter(|event| event["type"] == "m.room.message")
            .map(|event| event["content"]["body"].as_str().unwrap_or("-").to_owned())
            .collect()
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/_matrix/client/v3/rooms/{}/{rest}", enc(&self.room_id))
    }

    /// A part of the present state, as Anna sees it.
    pub(crate) async fn state(&self, kind: &str, state_key: &str) -> Value {
        self.anna
            .get(&self.path(&format!("state/{kind}/{}", enc(state_key))))
            .await
            .1
    }

    /// Whether Anna can read an event.
    pub(crate) async fn sees(&self, event_id: &ruma::EventId) -> bool {
        let path = self.path(&format!("event/{}", enc(event_id.as_str())));
        self.anna.get(&path).await.0 == 200
    }
}

/// A shared public room, on both engines and in each version of rooms that makes a difference.
pub(crate) async fn shared(test: impl AsyncFn(Shared)) {
    for (version, is_postgres) in [("12", false), ("11", false), ("12", true)] {
        let neighbours = Neighbours::new();
        let server = match is_postgres {
            false => neighbours.sqlite().await,
            true => match neighbours.postgres().await {
                Some(server) => server,
                None => continue,
            },
        };
        let create = json!({ "preset": "public_chat", "room_version": version });
        let shared = Shared::on(server.clone(), neighbours.stranger().await, create).await;
        test(shared).await;
        server.close().await;
    }
}
