//! What a hostile server may try: each class of fault that other servers had, against one of ours.
//!
//! A scene is a room of this server with people of two others in it: a hostile one, and an honest one whose messages must
//! still arrive when the other is done. Each attack stands beside the same without its defect, which must succeed.
//!
//! `docs/security-tests.md` says which class is tested where.

#[path = "hostile/channels.rs"]
mod channels;
#[path = "hostile/edus.rs"]
mod edus;
#[path = "hostile/events.rs"]
mod events;
#[path = "hostile/floods.rs"]
mod floods;
#[path = "hostile/json.rs"]
mod json;
#[path = "hostile/keys.rs"]
mod keys;
#[path = "hostile/offers.rs"]
mod offers;
#[path = "hostile/reads.rs"]
mod reads;
#[path = "hostile/rooms.rs"]
mod rooms;

use std::sync::atomic::{AtomicUsize, Ordering};

use rohrpost_room::Pdu;
use rohrpost_testkit::{ForeignRoom, Neighbours, Stranger, TestServer, User, enc};
use ruma::EventId;
use serde_json::{Value, json};

/// The time after which a test that hangs is given up.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(240);

/// A room of this server that people of two others are in.
pub(crate) struct Scene {
    pub(crate) server: TestServer,
    pub(crate) anna: User,
    pub(crate) room_id: String,
    /// The room as the hostile server sees it.
    pub(crate) room: ForeignRoom,
    pub(crate) evil: Stranger,
    pub(crate) mallory: String,
    pub(crate) honest: Stranger,
    pub(crate) clara: String,
    pub(crate) is_postgres: bool,
    sent: AtomicUsize,
}

pub(crate) fn value(pdu: &Pdu) -> Value {
    serde_json::from_str(pdu.json()).expect("JSON")
}

impl Scene {
    async fn new(
        neighbours: &Neighbours,
        (server, is_postgres): (TestServer, bool),
        host: &str,
        create: Value,
    ) -> Self {
        let (evil, honest) = (neighbours.stranger_at(host).await, neighbours.stranger().await);
        let anna = server.user("anna").await;
        let room_id = anna.create_room(create).await;
        let mut room = evil.room_of(&server, &room_id).await;
        let (mallory, clara) = (evil.user("mallory"), honest.user("clara"));
        let joined = room.member(&mallory, &mallory, "join");
        let mut scene = Self {
            anna,
            room_id,
            room,
            evil,
            mallory,
            honest,
            clara,
            is_postgres,
            server,
            sent: AtomicUsize::new(0),
        };
        scene.accepted(&[&joined]).await;
        let mut room = scene.honest.room_of(&scene.server, &scene.room_id).await;
        let joined = room.member(&scene.clara, &scene.clara, "join");
        let answer = scene.honest.send(&scene.server, "join", &[&joined]).await;
        assert_eq!(answer, json!({ joined.event_id(): {} }));
        scene.look().await;
        scene
    }

    /// Lets the hostile server see the room as it is now.
    pub(crate) async fn look(&mut self) {
        self.room = self.evil.room_of(&self.server, &self.room_id).await;
    }

    /// A name for another transaction.
    pub(crate) fn txn(&self) -> String {
        format!("t{}", self.sent.fetch_add(1, Ordering::Relaxed))
    }

    /// Sends events of the hostile server in one transaction; answers what is told of them.
    pub(crate) async fn send(&self, pdus: &[Value]) -> Value {
        let txn = self.txn();
        let (status, answer) = self.evil.send_json(&self.server, &txn, pdus.to_vec()).await;
        assert_eq!(status, 200, "{answer}");
        answer["pdus"].clone()
    }

    /// Sends events that must be taken.
    pub(crate) async fn accepted(&self, pdus: &[&Pdu]) {
        let answer = self
            .send(&pdus.iter().map(|pdu| value(pdu)).collect::<Vec<_>>())
            .await;
        for pdu in pdus {
            assert_eq!(answer[pdu.event_id().as_str()], json!({}), "{answer}");
        }
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/_matrix/client/v3/rooms/{}/{rest}", enc(&self.room_id))
    }

    /// A part of the present state, as Anna sees it; `null` where there is none.
    pub(crate) async fn state(&self, kind: &str, state_key: &str) -> Value {
        let path = self.path(&format!("state/{kind}/{}", enc(state_key)));
        match self.anna.get(&path).await {
            (200, content) => content,
            _ => Value::Null,
        }
    }

    /// Whether Anna can read an event.
    pub(crate) async fn sees(&self, event_id: &EventId) -> bool {
        let path = self.path(&format!("event/{}", enc(event_id.as_str())));
        self.anna.get(&path).await.0 == 200
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

    /// Makes Mallory as powerful as may be without being Anna.
    pub(crate) async fn empower(&mut self, level: i64) {
        let mut levels = self.state("m.room.power_levels", "").await;
        levels["users"][&self.mallory] = json!(level);
        self.anna
            .set_state(&self.room_id, "m.room.power_levels", "", levels)
            .await;
        self.look().await;
    }

    /// Asserts that neither Anna nor the honest server gets to see an event.
    pub(crate) async fn is_hidden(&self, event_id: &EventId) {
        let id = event_id.as_str();
        assert!(!self.sees(event_id).await, "{id} can be read");
        let (_, page) = self.anna.get(&self.path("messages?dir=b&limit=100")).await;
        assert!(!page.to_string().contains(id), "{id} is in the timeline");
        let (_, state) = self.anna.get(&self.path("state")).await;
        assert!(!state.to_string().contains(id), "{id} is in the state");
        let sync = self.anna.sync(None).await.to_string();
        assert!(!sync.contains(id), "{id} is in a sync");
        let path = format!("/_matrix/federation/v1/event/{}", enc(id));
        let (status, _) = self.honest.ask(&self.server, "GET", &path, None).await;
        assert_eq!(status, 404, "{id} is given to other servers");
        let heads = self.honest.room_of(&self.server, &self.room_id).await;
        assert!(!heads.heads.iter().any(|head| head == event_id), "{id} is a head");
        assert!(!heads.events.contains_key(event_id), "{id} is in the state");
    }

    /// Asserts that the server goes on as ever: the honest neighbour's messages arrive, and people here can write.
    pub(crate) async fn is_alive(&self) {
        let mut room = self.honest.room_of(&self.server, &self.room_id).await;
        let text = room.text(&self.clara, "still here");
        let answer = self.honest.send(&self.server, "alive", &[&text]).await;
        assert_eq!(answer, json!({ text.event_id(): {} }));
        assert!(self.sees(text.event_id()).await);
        let answer = self.anna.send_text(&self.room_id, "so am I").await;
        let sync = self.anna.sync(None).await;
        let timeline = &sync["rooms"]["join"][&self.room_id]["timeline"];
        assert!(timeline.to_string().contains(&answer), "{sync}");
        let path = format!("/_matrix/federation/v1/event/{}", enc(&answer));
        let (status, event) = self.honest.ask(&self.server, "GET", &path, None).await;
        assert_eq!(status, 200, "{event}");
    }
}

/// Plays a scene on both engines, and in each version of rooms that makes a difference. At the end the server must be alive.
pub(crate) async fn scenes(test: impl AsyncFn(&mut Scene)) {
    for (version, is_postgres) in [("12", false), ("11", false), ("12", true)] {
        let create = json!({ "preset": "public_chat", "room_version": version });
        scene("127.0.0.2", create, is_postgres, &test).await;
    }
}

/// Plays a scene on both engines in a room of one's choice, with a hostile server on this host.
pub(crate) async fn scenes_in(host: &str, create: Value, test: impl AsyncFn(&mut Scene)) {
    for is_postgres in [false, true] {
        scene(host, create.clone(), is_postgres, &test).await;
    }
}

async fn scene(host: &str, create: Value, is_postgres: bool, test: &impl AsyncFn(&mut Scene)) {
    let neighbours = Neighbours::new();
    let server = match is_postgres {
        false => neighbours.sqlite().await,
        true => match neighbours.postgres().await {
            Some(server) => server,
            None => return,
        },
    };
    let play = async {
        let mut scene = Scene::new(&neighbours, (server.clone(), is_postgres), host, create).await;
        test(&mut scene).await;
        scene.is_alive().await;
    };
    tokio::time::timeout(PATIENCE, play)
        .await
        .expect("the server answers");
    server.close().await;
}
