//! People of this server in rooms of others: joining, leaving, knocking, being invited.

#[path = "join/hostile.rs"]
mod hostile;
#[path = "join/invited.rs"]
mod invited;
#[path = "join/real.rs"]
mod real;

use rohrpost_room::{
    Pdu,
    handshake::{Ask, AskedMembership, check_template},
};
use rohrpost_testkit::{ForeignRoom, Neighbours, Stranger, TestServer, User, enc};
use serde_json::{Value, json};

/// A room of a stranger, and a server that has nobody in it.
pub(crate) struct Elsewhere {
    pub(crate) server: TestServer,
    pub(crate) anna: User,
    pub(crate) stranger: Stranger,
    pub(crate) room: ForeignRoom,
    pub(crate) boris: String,
}

pub(crate) fn value(pdu: &Pdu) -> Value {
    serde_json::from_str(pdu.json()).expect("JSON")
}

impl Elsewhere {
    pub(crate) fn room_id(&self) -> String {
        self.room.room_id.to_string()
    }

    /// Lets the stranger answer honestly to whoever wants in.
    pub(crate) fn welcomes(&self) {
        self.stranger.answers(
            "GET /_matrix/federation/v1/make_join/",
            self.room.template(self.anna.id.as_str(), "join"),
        );
        self.stranger
            .answers("PUT /_matrix/federation/v2/send_join/", self.room.join_answer());
    }

    /// Joins by the room's id, with the stranger as the server to ask.
    pub(crate) async fn join(&self) -> (u16, Value) {
        let path = format!(
            "/_matrix/client/v3/join/{}?via={}",
            enc(&self.room_id()),
            enc(self.stranger.name().as_str())
        );
        self.anna.post(&path, json!({})).await
    }

    /// The join that the stranger was handed.
    pub(crate) fn handed(&self) -> Value {
        let asked = self.stranger.asked("PUT /_matrix/federation/v2/send_join/");
        asked.last().expect("a join").1.clone()
    }

    /// Takes the join that was handed over into the room, as the stranger does.
    pub(crate) fn arrived(&mut self) {
        let handed = self.handed();
        let ids = self.stranger.asked("PUT /_matrix/federation/v2/send_join/");
        let path = &ids.last().expect("a join").0;
        let id = path.rsplit('/').next().expect("an id").replace("%24", "$");
        let id = ruma::EventId::parse(&id).expect("an event id");
        let pdu = Pdu::from_stored(&self.room.room_id, &id, &handed.to_string()).expect("an event");
        self.room.put(&std::sync::Arc::new(pdu));
    }
}

/// On both engines, and in each version of rooms that makes a difference.
pub(crate) async fn elsewhere(test: impl AsyncFn(Elsewhere)) {
    for (version, is_postgres) in [("12", false), ("10", false), ("12", true)] {
        let neighbours = Neighbours::new();
        let server = match is_postgres {
            false => neighbours.sqlite().await,
            true => match neighbours.postgres().await {
                Some(server) => server,
                None => continue,
            },
        };
        let stranger = neighbours.stranger().await;
        let room = stranger.room(version, "boris");
        let elsewhere = Elsewhere {
            anna: server.user("anna").await,
            boris: stranger.user("boris"),
            server: server.clone(),
            stranger,
            room,
        };
        test(elsewhere).await;
        server.close().await;
    }
}

#[tokio::test]
async fn a_room_elsewhere_is_joined_with_its_state_and_members() {
    elsewhere(async |mut there| {
        let boris = there.boris.clone();
        there
            .room
            .state_event(&boris, "m.room.name", "", json!({ "name": "Elsewhere" }));
        for number in 0..30 {
            let user = there.stranger.user(&format!("user{number}"));
            there.room.member(&user, &user, "join");
        }
        there.welcomes();
        let (status, answer) = there.join().await;
        assert_eq!(
            (status, &answer["room_id"]),
            (200, &json!(there.room_id())),
            "{answer}"
        );
        let handed = there.handed();
        assert_eq!(
            (&handed["sender"], &handed["state_key"]),
            (&json!(there.anna.id), &json!(there.anna.id))
        );
        // What she sees of it.
        let sync = there.anna.sync(None).await;
        let room = &sync["rooms"]["join"][there.room_id()];
        assert!(
            room["state"]["events"].to_string().contains("Elsewhere"),
            "{room}"
        );
        assert_eq!(room["timeline"]["events"][0]["state_key"], json!(there.anna.id));
        assert_eq!(room["summary"]["m.joined_member_count"], 32);
        let path = format!(
            "/_matrix/client/v3/rooms/{}/joined_members",
            enc(&there.room_id())
        );
        let (_, members) = there.anna.get(&path).await;
        assert_eq!(members["joined"].as_object().expect("members").len(), 32);
        // The room goes on in both directions.
        there.arrived();
        let text = there.room.text(&boris, "welcome");
        let answer = there.stranger.send(&there.server, "t1", &[&text]).await;
        assert_eq!(answer[text.event_id().as_str()], json!({}), "{answer}");
        there.anna.send_text(&there.room_id(), "thank you").await;
        let now = there.stranger.room_of(&there.server, &there.room_id()).await;
        assert_eq!(now.heads.len(), 1);
        // Joining again changes nothing.
        assert_eq!(there.join().await.0, 200);
        assert_eq!(
            there
                .stranger
                .asked("GET /_matrix/federation/v1/make_join/")
                .len(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn a_room_that_was_left_is_joined_again_as_it_is_by_then() {
    elsewhere(async |mut there| {
        let (boris, anna) = (there.boris.clone(), there.anna.id.to_string());
        there.welcomes();
        assert_eq!(there.join().await.0, 200);
        there.arrived();
        let clara = there.stranger.user("clara");
        let joined = there.room.member(&clara, &clara, "join");
        there.stranger.send(&there.server, "t1", &[&joined]).await;
        there.anna.leave(&there.room_id()).await;
        let left = there.stranger.room_of(&there.server, &there.room_id()).await;
        let left = left.state[&("m.room.member".into(), anna.clone())].clone();
        there.room.put(&left);
        // What happens without us isn't heard of.
        there.room.member(&boris, &clara, "ban");
        there
            .room
            .state_event(&boris, "m.room.name", "", json!({ "name": "Later" }));
        let unheard = there.room.text(&boris, "nobody there hears it");
        let answer = there.stranger.send(&there.server, "t2", &[&unheard]).await;
        assert_ne!(answer[unheard.event_id().as_str()], json!({}), "{answer}");
        there.welcomes();
        let (status, answer) = there.join().await;
        assert_eq!(status, 200, "{answer}");
        let path = format!(
            "/_matrix/client/v3/rooms/{}/state/m.room.name/",
            enc(&there.room_id())
        );
        assert_eq!(there.anna.get(&path).await.1["name"], "Later");
        let path = format!(
            "/_matrix/client/v3/rooms/{}/joined_members",
            enc(&there.room_id())
        );
        let (_, members) = there.anna.get(&path).await;
        assert_eq!(
            members["joined"].as_object().expect("members").len(),
            2,
            "{members}"
        );
        there.anna.send_text(&there.room_id(), "back again").await;
    })
    .await;
}

#[tokio::test]
async fn a_refusal_of_the_other_server_is_told() {
    elsewhere(async |there| {
        let refusal = json!({ "errcode": "M_FORBIDDEN", "error": "not you" });
        there
            .stranger
            .refuses("GET /_matrix/federation/v1/make_join/", 403, refusal);
        let (status, answer) = there.join().await;
        assert_eq!(
            (status, &answer["errcode"]),
            (403, &json!("M_FORBIDDEN")),
            "{answer}"
        );
        let sync = there.anna.sync(None).await;
        assert_eq!(
            sync["rooms"]["join"].as_object().map_or(0, serde_json::Map::len),
            0
        );
        // A room of which no server is known.
        let path = format!("/_matrix/client/v3/rooms/{}/join", enc("!nowhere"));
        assert_eq!(there.anna.post(&path, json!({})).await.0, 403);
    })
    .await;
}

#[tokio::test]
async fn knocking_shows_what_one_may_know() {
    elsewhere(async |mut there| {
        let boris = there.boris.clone();
        there
            .room
            .state_event(&boris, "m.room.join_rules", "", json!({ "join_rule": "knock" }));
        let name = there
            .room
            .state_event(&boris, "m.room.name", "", json!({ "name": "Behind the door" }));
        there.stranger.answers(
            "GET /_matrix/federation/v1/make_knock/",
            there.room.template(there.anna.id.as_str(), "knock"),
        );
        there.stranger.answers(
            "PUT /_matrix/federation/v1/send_knock/",
            json!({ "knock_room_state": [value(&name)] }),
        );
        let path = format!(
            "/_matrix/client/v3/knock/{}?via={}",
            enc(&there.room_id()),
            enc(there.stranger.name().as_str())
        );
        let (status, answer) = there.anna.post(&path, json!({ "reason": "please" })).await;
        assert_eq!(status, 200, "{answer}");
        let handed = &there.stranger.asked("PUT /_matrix/federation/v1/send_knock/")[0].1;
        assert_eq!(handed["content"]["reason"], "please");
        let sync = there.anna.sync(None).await;
        let shown = sync["rooms"]["knock"][there.room_id()]["knock_state"]["events"].to_string();
        assert!(
            shown.contains("Behind the door") && shown.contains("\"knock\""),
            "{sync}"
        );
    })
    .await;
}

/// What is signed for another server, whatever it offers.
pub(crate) fn check_own(template: &Value, there: &Elsewhere) {
    let ask = Ask {
        room_id: &there.room.room_id,
        user: &there.anna.id,
        membership: AskedMembership::Join,
        resident: there.stranger.name(),
        version: None,
    };
    let checked = check_template(&template["event"].to_string(), Some(&there.room.version), ask);
    assert!(checked.is_err());
}
