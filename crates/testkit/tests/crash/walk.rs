//! Reading everything that happened, as a client does: sync from the last token, gaps filled by `/messages`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rohrpost_testkit::enc;
use serde_json::Value;

use crate::{
    Seen,
    client::{Client, Person},
    message_id,
};

/// A member's way through the stream.
#[derive(Clone)]
pub(crate) struct Walk {
    person: Person,
    since: String,
    /// By room.
    seen: BTreeMap<String, Seen>,
}

impl Walk {
    /// Begins behind what there is so far.
    pub(crate) async fn begin(client: &Client, person: &Person) -> Self {
        let answer = client
            .ask(Some(person), "GET", "/_matrix/client/v3/sync", None)
            .await;
        Self {
            person: person.clone(),
            since: next_batch(&answer),
            seen: BTreeMap::new(),
        }
    }

    pub(crate) fn user_id(&self) -> &str {
        &self.person.user_id
    }

    /// How often each message of a room was seen.
    pub(crate) fn seen_in(&self, room_id: &str) -> &Seen {
        static NOTHING: Seen = Seen::new();
        self.seen.get(room_id).unwrap_or(&NOTHING)
    }

    /// Waits for news again and again until told to stop.
    pub(crate) async fn on_and_on(mut self, client: Client, stop: Arc<AtomicBool>) -> Self {
        while !stop.load(Ordering::Relaxed) {
            self.step(&client, 500).await;
        }
        self
    }

    /// Reads until there is nothing new.
    pub(crate) async fn walk_to_end(&mut self, client: &Client) {
        while self.step(client, 0).await {}
    }

    /// One sync with all that it left out. `false`: there was nothing new.
    async fn step(&mut self, client: &Client, timeout_ms: u32) -> bool {
        let path = format!(
            "/_matrix/client/v3/sync?timeout={timeout_ms}&since={}",
            enc(&self.since)
        );
        let (answer, _) = client.insist(&self.person, "GET", &path, &Value::Null).await;
        let mut is_news = false;
        for (room_id, room) in answer["rooms"]["join"].as_object().into_iter().flatten() {
            let timeline = &room["timeline"];
            let mut ids = messages(&timeline["events"]);
            if timeline["limited"] == true {
                let prev_batch = timeline["prev_batch"].as_str().expect("a gap has a prev_batch");
                ids.extend(self.left_out(client, room_id, prev_batch).await);
            }
            is_news |= !ids.is_empty();
            let seen = self.seen.entry(room_id.clone()).or_default();
            for id in ids {
                *seen.entry(id).or_default() += 1;
            }
        }
        self.since = next_batch(&answer);
        is_news
    }

    /// The messages of a gap: back from `prev_batch` to where the last sync ended.
    async fn left_out(&self, client: &Client, room_id: &str, prev_batch: &str) -> Vec<String> {
        let mut ids = Vec::new();
        let mut from = Some(prev_batch.to_owned());
        while let Some(token) = from {
            let path = format!(
                "/_matrix/client/v3/rooms/{}/messages?dir=b&limit=100&from={}&to={}",
                enc(room_id),
                enc(&token),
                enc(&self.since)
            );
            let (answer, _) = client.insist(&self.person, "GET", &path, &Value::Null).await;
            ids.extend(messages(&answer["chunk"]));
            from = answer["end"].as_str().map(str::to_owned);
            assert_ne!(from.as_ref(), Some(&token), "/messages goes on");
        }
        ids
    }
}

fn next_batch(answer: &Value) -> String {
    answer["next_batch"]
        .as_str()
        .expect("a sync has a next_batch")
        .to_owned()
}

fn messages(events: &Value) -> Vec<String> {
    let events = events.as_array().into_iter().flatten();
    events.filter_map(message_id).map(str::to_owned).collect()
}
