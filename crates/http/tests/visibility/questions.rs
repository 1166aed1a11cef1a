//! How each endpoint is asked so that it tells as much as it can.

use rohrpost_testkit::{User, enc};
use serde_json::{Value, json};

use super::story::{Kind, Room, STATE_TYPE, WORD};

/// The endpoints through which a room can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Messages,
    InitialSync,
    Context,
    Event,
    State,
    StateOfType,
    Members,
    JoinedMembers,
    Relations,
    Threads,
    Search,
    TimestampToEvent,
    Hierarchy,
    Summary,
    Sync,
    SlidingSync,
    Notifications,
    Aliases,
}

impl Endpoint {
    pub(super) const ALL: [Self; 18] = [
        Self::Messages,
        Self::InitialSync,
        Self::Context,
        Self::Event,
        Self::State,
        Self::StateOfType,
        Self::Members,
        Self::JoinedMembers,
        Self::Relations,
        Self::Threads,
        Self::Search,
        Self::TimestampToEvent,
        Self::Hierarchy,
        Self::Summary,
        Self::Sync,
        Self::SlidingSync,
        Self::Notifications,
        Self::Aliases,
    ];
}

/// What was told.
#[derive(Default)]
pub(super) struct Told {
    /// All answers.
    pub(super) text: String,
    /// Whether the server has no such endpoint.
    pub(super) unrecognized: bool,
    /// Whether an answer was neither a success nor a refusal.
    pub(super) failed: bool,
}

impl Told {
    fn add(&mut self, (status, answer): (u16, Value)) {
        self.unrecognized |= answer["errcode"] == "M_UNRECOGNIZED";
        self.failed |= !matches!(status, 200 | 403 | 404);
        self.text.push_str(&answer.to_string().to_lowercase());
        self.text.push('\n');
    }
}

/// Asks an endpoint about a room, as somebody.
pub(super) async fn ask(endpoint: Endpoint, room: &Room, user: &User) -> Told {
    let id = enc(&room.id);
    let v3 = format!("/_matrix/client/v3/rooms/{id}");
    let v1 = format!("/_matrix/client/v1/rooms/{id}");
    let mut told = Told::default();
    let messages = || {
        room.events
            .iter()
            .filter(|sent| sent.canary.kind == Kind::Message)
    };
    match endpoint {
        Endpoint::Messages => {
            for query in [
                "dir=b&limit=500",
                "dir=f&limit=500",
                "dir=b&limit=500&filter=%7B%22lazy_load_members%22%3Atrue%7D",
            ] {
                told.add(user.get(&format!("{v3}/messages?{query}")).await);
            }
        }
        Endpoint::InitialSync => told.add(user.get(&format!("{v3}/initialSync")).await),
        Endpoint::Context => {
            for sent in messages() {
                let event = enc(&sent.event_id);
                told.add(user.get(&format!("{v3}/context/{event}?limit=100")).await);
            }
        }
        Endpoint::Event => {
            for sent in &room.events {
                told.add(user.get(&format!("{v3}/event/{}", enc(&sent.event_id))).await);
            }
        }
        Endpoint::State => told.add(user.get(&format!("{v3}/state")).await),
        Endpoint::StateOfType => {
            let owner = enc(room.owner.id.as_str());
            for state in [STATE_TYPE, "m.room.topic", &format!("m.room.member/{owner}")] {
                told.add(user.get(&format!("{v3}/state/{state}")).await);
            }
        }
        Endpoint::Members => {
            for query in ["", "?not_membership=leave", "?membership=join"] {
                told.add(user.get(&format!("{v3}/members{query}")).await);
            }
        }
        Endpoint::JoinedMembers => told.add(user.get(&format!("{v3}/joined_members")).await),
        Endpoint::Relations => {
            for sent in messages() {
                let event = enc(&sent.event_id);
                for relation in ["", "/m.thread", "/m.thread/m.room.message"] {
                    told.add(
                        user.get(&format!("{v1}/relations/{event}{relation}?limit=50&recurse=true"))
                            .await,
                    );
                }
            }
        }
        Endpoint::Threads => {
            for include in ["all", "participated"] {
                told.add(
                    user.get(&format!("{v1}/threads?include={include}&limit=50"))
                        .await,
                );
            }
        }
        Endpoint::Search => {
            for filter in [json!({ "rooms": [room.id], "limit": 50 }), json!({ "limit": 50 })] {
                let category = json!({
                    "search_term": WORD,
                    "keys": ["content.body"],
                    "order_by": "recent",
                    "filter": filter,
                    "include_state": true,
                    "event_context": { "before_limit": 20, "after_limit": 20, "include_profile": true },
                });
                let body = json!({ "search_categories": { "room_events": category } });
                told.add(user.post("/_matrix/client/v3/search", body).await);
            }
        }
        Endpoint::TimestampToEvent => timestamps(room, user, &v1, &mut told).await,
        Endpoint::Hierarchy => told.add(user.get(&format!("{v1}/hierarchy")).await),
        Endpoint::Summary => told.add(user.get(&format!("/_matrix/client/v1/room_summary/{id}")).await),
        Endpoint::Sync => {
            let filter = json!({ "room": { "include_leave": true, "timeline": { "limit": 100 } } });
            let filter = enc(&filter.to_string());
            for full in ["false", "true"] {
                let path = format!("/_matrix/client/v3/sync?timeout=0&full_state={full}&filter={filter}");
                told.add(user.get(&path).await);
            }
        }
        Endpoint::SlidingSync => sliding(room, user, &mut told).await,
        Endpoint::Notifications => {
            for query in ["", "&only=highlight"] {
                told.add(
                    user.get(&format!("/_matrix/client/v3/notifications?limit=100{query}"))
                        .await,
                );
            }
        }
        Endpoint::Aliases => told.add(user.get(&format!("{v3}/aliases")).await),
    }
    told
}

const SLIDING: &str = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0";

/// A request of sliding sync for all rooms and this one, with everything that there is beside rooms.
fn connection(room: &Room, conn_id: &str, timeline_limit: u64, required_state: &Value) -> Value {
    let wanted = json!({ "timeline_limit": timeline_limit, "required_state": required_state });
    let mut list = wanted.clone();
    list["ranges"] = json!([[0, 50]]);
    let scope = json!({ "enabled": true, "rooms": ["*", room.id] });
    json!({
        "conn_id": conn_id,
        "lists": { "all": list },
        "room_subscriptions": { &room.id: wanted },
        "extensions": {
            "to_device": { "enabled": true },
            "e2ee": { "enabled": true },
            "account_data": scope,
            "receipts": scope,
            "typing": scope,
            "io.element.msc4308.thread_subscriptions": { "enabled": true },
            "org.matrix.msc4262.profiles": scope,
            "org.matrix.msc4354.sticky_events": { "enabled": true },
        },
    })
}

/// Begins a connection that shows little; answers where it stands.
pub(super) async fn connect(room: &Room, user: &User) -> String {
    let (status, answer) = user.post(SLIDING, connection(room, "kept", 1, &json!([]))).await;
    assert_eq!(status, 200, "{answer}");
    answer["pos"].as_str().expect("a position").to_owned()
}

/// Goes on with the connection that began while the user may have been inside, and asks for more than before; then
/// begins with little and asks for more; then begins with all, in both forms.
async fn sliding(room: &Room, user: &User, told: &mut Told) {
    let all = json!([["*", "*"]]);
    let mut answers = Vec::new();
    for (owner, pos) in &room.connections {
        if *owner == user.id {
            let path = format!("{SLIDING}&pos={}", enc(pos));
            answers.push(user.post(&path, connection(room, "kept", 100, &all)).await);
        }
    }
    let little = user.post(SLIDING, connection(room, "grows", 1, &json!([]))).await;
    let path = format!(
        "{SLIDING}&pos={}",
        enc(little.1["pos"].as_str().unwrap_or_default())
    );
    answers.push(little);
    answers.push(user.post(&path, connection(room, "grows", 100, &all)).await);
    answers.push(user.post(SLIDING, connection(room, "all", 100, &all)).await);
    let mut stable = connection(room, "stable", 100, &json!({ "include": [{}] }));
    stable["lists"]["all"]["range"] = json!([0, 50]);
    answers.push(user.post("/_matrix/client/v4/sync", stable).await);
    for answer in answers {
        // Receipts name events, and who types does so now.
        let receipts = &answer.1["extensions"]["receipts"]["rooms"][&room.id]["content"];
        let types = !answer.1["extensions"]["typing"]["rooms"][&room.id].is_null();
        let last = room
            .events
            .iter()
            .rev()
            .find(|sent| sent.canary.kind == Kind::Message);
        for sent in &room.events {
            let is_read = !receipts[&sent.event_id].is_null();
            if is_read || types && last.is_some_and(|last| last.event_id == sent.event_id) {
                told.text.push_str(&room.text(sent.canary));
            }
        }
        told.add(answer);
    }
}

/// The answers name events; what they name counts as shown.
async fn timestamps(room: &Room, user: &User, v1: &str, told: &mut Told) {
    for sent in &room.events {
        for dir in ["f", "b"] {
            let answer = user
                .get(&format!("{v1}/timestamp_to_event?ts={}&dir={dir}", sent.ts))
                .await;
            let named = room
                .events
                .iter()
                .find(|sent| answer.1["event_id"] == *sent.event_id);
            if let Some(named) = named {
                told.text.push_str(&room.text(named.canary));
            }
            told.add(answer);
        }
    }
}
