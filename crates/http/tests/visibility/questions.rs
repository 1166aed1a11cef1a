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
        Endpoint::SlidingSync => {
            let wanted = json!({ "timeline_limit": 100, "required_state": [["*", "*"]] });
            let mut list = wanted.clone();
            list["ranges"] = json!([[0, 50]]);
            let body = json!({
                "lists": { "all": list },
                "room_subscriptions": { &room.id: wanted },
                "extensions": { "account_data": { "enabled": true }, "receipts": { "enabled": true } },
            });
            let path = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0";
            told.add(user.post(path, body).await);
        }
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
