//! One room and what happens in it, each time with a canary.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use rohrpost_core::ports::Clock as _;
use rohrpost_testkit::{TestServer, User, enc};
use ruma::OwnedUserId;
use serde_json::json;

use super::{
    questions::connect,
    rules::{Membership, Visibility},
};

/// Before the invitation, invited, joined, and after the end.
pub(super) const PHASES: usize = 4;
/// A type of state event that only these tests know.
pub(super) const STATE_TYPE: &str = "org.example.canary";
/// A word in each message.
pub(super) const WORD: &str = "Haushaltsplan";

/// What carries a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    State,
    Topic,
    /// The display name that the owner has in the room.
    Member,
    /// A message that mentions the user; the root of a thread.
    Message,
    /// A message in that thread.
    Reply,
    /// An address of the room: no event, always there.
    Alias,
    /// The room's id: no event, always there.
    Room,
}

impl Kind {
    const EVENTS: [Self; 5] = [Self::State, Self::Topic, Self::Member, Self::Message, Self::Reply];

    pub(super) fn is_event(self) -> bool {
        !matches!(self, Self::Alias | Self::Room)
    }

    pub(super) fn is_state(self) -> bool {
        matches!(self, Self::State | Self::Topic | Self::Member)
    }
}

/// What is looked for in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Canary {
    pub(super) kind: Kind,
    pub(super) phase: usize,
}

/// All canaries of a room.
pub(super) fn canaries() -> impl Iterator<Item = Canary> {
    let events = (0..PHASES).flat_map(|phase| Kind::EVENTS.map(|kind| Canary { kind, phase }));
    let others = [Kind::Alias, Kind::Room].map(|kind| Canary { kind, phase: 0 });
    events.chain(others)
}

/// An event with a canary.
pub(super) struct Sent {
    pub(super) canary: Canary,
    pub(super) event_id: String,
    /// When it was sent, in ms since the epoch.
    pub(super) ts: i64,
}

/// A room whose story was told.
pub(super) struct Room {
    pub(super) id: String,
    /// Who made the room, and speaks in it.
    pub(super) owner: User,
    /// Who was there all the time.
    pub(super) witness: User,
    /// Whom the cell is about.
    pub(super) user: User,
    pub(super) events: Vec<Sent>,
    /// Connections of sliding sync that began in the third phase: whose they are, and where they stand.
    pub(super) connections: Vec<(OwnedUserId, String)>,
    number: usize,
}

impl Room {
    /// The words that give a canary away. No canary is the beginning of another.
    pub(super) fn text(&self, canary: Canary) -> String {
        if canary.kind == Kind::Room {
            return self.id.to_lowercase();
        }
        format!("canary-{}-{:?}-{}-end", self.number, canary.kind, canary.phase).to_lowercase()
    }

    async fn send(
        &mut self,
        server: &TestServer,
        canary: Canary,
        kind: &str,
        state_key: Option<&str>,
        content: serde_json::Value,
    ) {
        server.clock().advance(Duration::from_secs(10));
        let event_id = match state_key {
            Some(key) => self.owner.set_state(&self.id, kind, key, content).await,
            None if canary.kind == Kind::Message => self.send_sticky(canary, content).await,
            None => self.owner.send(&self.id, kind, content).await,
        };
        let ts = server.clock().now_ts();
        self.events.push(Sent { canary, event_id, ts });
    }

    /// Sends a message that is sticky until the next phase.
    async fn send_sticky(&self, canary: Canary, content: serde_json::Value) -> String {
        let path = format!(
            "/_matrix/client/v3/rooms/{}/send/m.room.message/{}?org.matrix.msc4354.sticky_duration_ms=15000",
            enc(&self.id),
            canary.phase
        );
        let (status, answer) = self.owner.put(&path, content).await;
        assert_eq!(status, 200, "{answer}");
        answer["event_id"].as_str().expect("an event").to_owned()
    }

    /// The owner has read what was written last, and writes.
    async fn read(&self) {
        let room = format!("/_matrix/client/v3/rooms/{}", enc(&self.id));
        let event = enc(&self.events.last().expect("there is one").event_id);
        let path = format!("{room}/receipt/m.read/{event}");
        assert_eq!(self.owner.post(&path, json!({})).await.0, 200);
        let path = format!("{room}/typing/{}", enc(self.owner.id.as_str()));
        let typing = json!({ "typing": true, "timeout": 30_000 });
        assert_eq!(self.owner.put(&path, typing).await.0, 200);
    }

    async fn speak(&mut self, server: &TestServer, phase: usize) {
        for kind in Kind::EVENTS {
            let canary = Canary { kind, phase };
            let text = self.text(canary);
            match kind {
                Kind::State => {
                    self.send(server, canary, STATE_TYPE, Some(""), json!({ "text": text }))
                        .await;
                }
                Kind::Topic => {
                    self.send(server, canary, "m.room.topic", Some(""), json!({ "topic": text }))
                        .await;
                }
                Kind::Member => {
                    let me = self.owner.id.to_string();
                    let content = json!({ "membership": "join", "displayname": text });
                    self.send(server, canary, "m.room.member", Some(&me), content)
                        .await;
                }
                Kind::Message => {
                    let mentioned = json!({ "user_ids": [self.user.id, self.witness.id] });
                    let content = json!({ "msgtype": "m.text", "body": format!("{WORD} {text}"), "m.mentions": mentioned });
                    self.send(server, canary, "m.room.message", None, content).await;
                    self.read().await;
                }
                Kind::Reply => {
                    let root = self.events.last().expect("the message was sent").event_id.clone();
                    let relation = json!({ "rel_type": "m.thread", "event_id": root });
                    let content = json!({ "msgtype": "m.text", "body": text, "m.relates_to": relation });
                    self.send(server, canary, "m.room.message", None, content).await;
                }
                Kind::Alias | Kind::Room => {}
            }
        }
    }
}

/// Tells the story of a room.
pub(super) async fn tell(server: &TestServer, visibility: Visibility, membership: Membership) -> Room {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let owner = server.user(&format!("owner-{number}")).await;
    let witness = server.user(&format!("witness-{number}")).await;
    let user = server.user(&format!("user-{number}")).await;
    let history = json!({ "type": "m.room.history_visibility", "content": { "history_visibility": visibility.as_str() } });
    let id = owner
        .create_room(json!({ "preset": "private_chat", "initial_state": [history] }))
        .await;
    owner.invite(&id, &witness).await;
    witness.join(&id).await;
    let mut room = Room {
        id,
        owner,
        witness,
        user,
        events: Vec::new(),
        connections: Vec::new(),
        number,
    };
    let alias = room.text(Canary {
        kind: Kind::Alias,
        phase: 0,
    });
    let path = format!(
        "/_matrix/client/v3/directory/room/{}",
        enc(&format!("#{alias}:test.example"))
    );
    let (status, answer) = room.owner.put(&path, json!({ "room_id": room.id })).await;
    assert_eq!(status, 200, "{answer}");
    for phase in 0..PHASES {
        let becomes = membership.at(phase);
        if phase > 0 && becomes != membership.at(phase - 1) {
            turn(&room, becomes).await;
        }
        room.speak(server, phase).await;
        if phase + 2 == PHASES {
            for user in [&room.user, &room.witness] {
                let pos = connect(&room, user).await;
                room.connections.push((user.id.clone(), pos));
            }
        }
    }
    room
}

async fn turn(room: &Room, membership: Membership) {
    match membership {
        Membership::Never => {}
        Membership::Invited => room.owner.invite(&room.id, &room.user).await,
        Membership::Joined => room.user.join(&room.id).await,
        Membership::Left => room.user.leave(&room.id).await,
        Membership::Banned => {
            let path = format!("/_matrix/client/v3/rooms/{}/ban", enc(&room.id));
            let (status, answer) = room.owner.post(&path, json!({ "user_id": room.user.id })).await;
            assert_eq!(status, 200, "{answer}");
        }
    }
}
