//! The crash test: what was acknowledged is there after `kill -9`, once, for everybody; and this test would notice
//! if it weren't.
//!
//! Sixteen people send 2,000 messages to rooms they share, while the server is killed again and again and started
//! again. Whoever got no answer sends the same once more. In the end every member's sync is walked from where it
//! was before the first message. The same with an acknowledgement that comes before the commit must lose messages.

mod client;
mod expected;
mod process;
mod walk;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rohrpost_testkit::{PostgresDatabase, enc};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::timeout};

use self::{
    client::{Client, Person},
    expected::{Acknowledged, Outcome},
    process::ServerProcess,
    walk::Walk,
};

const CALLERS: usize = 16;
const EVENTS: usize = 2000;
const ROOMS: usize = 6;
/// Rooms that each caller is in.
const ROOMS_EACH: usize = 3;
const KILLS: usize = 5;
/// Callers who also read all the time.
const READERS: usize = 4;
/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between acknowledgement and commit of each unit, where the commit comes too late.
const PAUSE: Duration = Duration::from_millis(3);
/// How long after an acknowledgement a kill comes at most: well within the pause.
const MAX_DELAY_US: u64 = 1000;
/// Runs of the early acknowledgement; one is nearly always enough.
const EARLY_RUNS: u64 = 3;

#[tokio::test]
async fn what_was_acknowledged_survives_kills_on_sqlite() {
    let folder = TempDir::new().expect("a temporary folder");
    run(1, &folder, &sqlite(&folder), None)
        .await
        .assert_nothing_lost();
}

#[tokio::test]
async fn what_was_acknowledged_survives_kills_on_postgres() {
    let Some(database) = PostgresDatabase::create().await else {
        return;
    };
    let folder = TempDir::new().expect("a temporary folder");
    run(2, &folder, &database.url, None).await.assert_nothing_lost();
}

#[tokio::test]
async fn an_early_acknowledgement_is_found_out_on_sqlite() {
    for seed in 10..10 + EARLY_RUNS {
        let folder = TempDir::new().expect("a temporary folder");
        let outcome = run(seed, &folder, &sqlite(&folder), Some(PAUSE)).await;
        if outcome.missing > 0 {
            return;
        }
    }
    panic!("nothing was found missing although the server acknowledges too early");
}

#[tokio::test]
async fn an_early_acknowledgement_is_found_out_on_postgres() {
    for seed in 20..20 + EARLY_RUNS {
        let Some(database) = PostgresDatabase::create().await else {
            return;
        };
        let folder = TempDir::new().expect("a temporary folder");
        let outcome = run(seed, &folder, &database.url, Some(PAUSE)).await;
        if outcome.missing > 0 {
            return;
        }
    }
    panic!("nothing was found missing although the server acknowledges too early");
}

fn sqlite(folder: &TempDir) -> String {
    format!("sqlite:{}", folder.path().join("rohrpost.db").display())
}

/// Sends, kills and restarts; answers what the members see in the end.
async fn run(seed: u64, folder: &TempDir, database: &str, early: Option<Duration>) -> Outcome {
    let outcome = timeout(PATIENCE, Box::pin(scenario(seed, folder, database, early))).await;
    outcome.expect("the run ends in time")
}

async fn scenario(seed: u64, folder: &TempDir, database: &str, early: Option<Duration>) -> Outcome {
    let mut server = ServerProcess::start(folder.path(), database).await;
    let client = Client::new(server.address());
    let (people, rooms) = furnish(&client).await;
    let mut before = Vec::new();
    for person in &people {
        before.push(Walk::begin(&client, person).await);
    }
    // Only now, because an account that is acknowledged too early can't be used at once.
    server.acknowledge_early(early);
    server.kill_and_start().await;

    let stop = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for walk in before.iter().take(READERS).cloned() {
        let (client, stop) = (client.clone(), Arc::clone(&stop));
        readers.spawn(walk.on_and_on(client, stop));
    }
    let count = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for (caller, person) in people.iter().cloned().enumerate() {
        let (client, count) = (client.clone(), Arc::clone(&count));
        let rooms: Vec<String> = rooms_of(caller).map(|room| rooms[room].clone()).collect();
        callers.spawn(async move { send_all(&client, caller, &person, &rooms, &count).await });
    }
    for (threshold, delay) in kills(seed) {
        while count.load(Ordering::Relaxed) < threshold {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(delay).await;
        server.kill_and_start().await;
    }
    let mut acknowledged = Acknowledged::default();
    while let Some(sent) = callers.join_next().await {
        acknowledged.extend(sent.expect("a caller gets its answers"));
    }
    assert_eq!(acknowledged.len(), EVENTS);
    assert!(
        acknowledged.was_interrupted(),
        "no kill came between a request and its answer"
    );

    let mut outcome = Outcome::default();
    if early.is_none() {
        outcome.changed_ids = acknowledged.repeat(&client, &people).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut walks = before;
    while let Some(walk) = readers.join_next().await {
        walks.push(walk.expect("a reader gets its answers"));
    }
    let mut walking = JoinSet::new();
    for mut walk in walks {
        let client = client.clone();
        walking.spawn(async move {
            walk.walk_to_end(&client).await;
            walk
        });
    }
    while let Some(walk) = walking.join_next().await {
        let walk = walk.expect("a walk gets its answers");
        let caller = people
            .iter()
            .position(|person| *person.user_id == *walk.user_id());
        let caller = caller.expect("only people walk");
        for room in rooms_of(caller) {
            outcome.compare(&acknowledged, &rooms[room], walk.seen_in(&rooms[room]));
        }
    }
    outcome
}

/// After how many acknowledgements the server is killed each time, and how long after that. Depends on the seed alone.
fn kills(seed: u64) -> Vec<(usize, Duration)> {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut below = |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    let share = EVENTS / (KILLS + 1);
    let kill = |number: usize| {
        let threshold = number * share + usize::try_from(below(share as u64)).expect("it is small");
        (threshold, Duration::from_micros(below(MAX_DELAY_US)))
    };
    (1..=KILLS).map(kill).collect()
}

/// The rooms that a caller is in.
fn rooms_of(caller: usize) -> impl Iterator<Item = usize> {
    (0..ROOMS_EACH).map(move |number| (caller + number) % ROOMS)
}

/// Makes people and rooms.
async fn furnish(client: &Client) -> (Vec<Person>, Vec<String>) {
    let mut people = Vec::new();
    for caller in 0..CALLERS {
        people.push(client.register(&format!("caller{caller}")).await);
    }
    let mut rooms = Vec::new();
    for room in 0..ROOMS {
        let mut members = (0..CALLERS).filter(|caller| rooms_of(*caller).any(|in_it| in_it == room));
        let creator = &people[members.next().expect("every room has members")];
        let body = json!({ "preset": "public_chat" });
        let made = client
            .ask(Some(creator), "POST", "/_matrix/client/v3/createRoom", Some(body))
            .await;
        let room_id = made["room_id"].as_str().expect("a room id").to_owned();
        for member in members {
            let path = format!("/_matrix/client/v3/rooms/{}/join", enc(&room_id));
            client
                .ask(Some(&people[member]), "POST", &path, Some(json!({})))
                .await;
        }
        rooms.push(room_id);
    }
    (people, rooms)
}

/// Sends a caller's share of the events, one after the other, each until it is acknowledged.
async fn send_all(
    client: &Client,
    caller: usize,
    person: &Person,
    rooms: &[String],
    count: &AtomicUsize,
) -> Acknowledged {
    let mut acknowledged = Acknowledged::default();
    for number in 0..EVENTS / CALLERS {
        let room_id = &rooms[number % rooms.len()];
        let path = format!(
            "/_matrix/client/v3/rooms/{}/send/m.room.message/t{number}",
            enc(room_id)
        );
        let body = json!({ "msgtype": "m.text", "body": format!("{caller} {number}") });
        let (answer, attempts) = client.insist(person, "PUT", &path, &body).await;
        let event_id = answer["event_id"].as_str().expect("an event id").to_owned();
        acknowledged.add(
            room_id,
            event_id,
            expected::Request {
                caller,
                path,
                body,
                attempts,
            },
        );
        count.fetch_add(1, Ordering::Relaxed);
    }
    acknowledged
}

/// How often each event was seen in a room.
type Seen = BTreeMap<String, usize>;

/// The id of an event that is a message.
fn message_id(event: &Value) -> Option<&str> {
    (event["type"] == "m.room.message").then(|| event["event_id"].as_str().expect("events have ids"))
}
