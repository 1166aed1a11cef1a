//! What becomes of a room: of its state under random forks, and of its history under events that aren't let in.

use std::collections::{BTreeMap, BTreeSet};

use rohrpost_testkit::{EventStatus, ForeignRoom};
use ruma::EventId;
use serde_json::{Value, json};

use super::{Scene, scenes, value};

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }
}

/// The present state: by type and state key, the event's id and its sender.
async fn state_of(scene: &Scene) -> BTreeMap<(String, String), (String, String)> {
    let (status, state) = scene.anna.get(&scene.path("state")).await;
    assert_eq!(status, 200, "{state}");
    let text = |event: &Value, key: &str| event[key].as_str().expect("a text").to_owned();
    let events = state.as_array().expect("events").iter();
    events
        .map(|event| {
            let key = (text(event, "type"), text(event, "state_key"));
            (key, (text(event, "event_id"), text(event, "sender")))
        })
        .collect()
}

/// One random change on a fork; nothing if its sender may not.
fn change(chance: &mut Chance, room: &mut ForeignRoom, people: &[String], number: usize) -> Option<Value> {
    let sender = &people[chance.below(people.len())];
    let key = ("m.room.member".into(), sender.clone());
    let member: Value = serde_json::from_str(room.state.get(&key)?.json()).expect("JSON");
    if member["content"]["membership"] != "join" {
        return None;
    }
    let levels = &room.state[&("m.room.power_levels".into(), String::new())];
    let levels: Value = serde_json::from_str(levels.json()).expect("JSON");
    let level = levels["content"]["users"][sender].as_i64().unwrap_or(0);
    let other = &people[chance.below(people.len())];
    let other_level = levels["content"]["users"][other].as_i64().unwrap_or(0);
    let event = match chance.below(8) {
        0 if level >= 50 && other_level < level => room.member(sender, other, "ban"),
        1 if level > other_level && level >= 50 => {
            let mut content = levels["content"].clone();
            content["users"][other] = json!(50);
            if level < 100 {
                return None;
            }
            room.state_event(sender, "m.room.power_levels", "", content)
        }
        2 if level >= 50 => {
            room.state_event(sender, "m.room.topic", "", json!({ "topic": number.to_string() }))
        }
        3 | 4 if level >= 50 => {
            let kind = format!("org.example.kind{}", number % 3);
            room.state_event(
                sender,
                &kind,
                &(number % 5).to_string(),
                json!({ "number": number }),
            )
        }
        5 => room.state_event(
            sender,
            "m.room.member",
            sender,
            json!({ "membership": "join", "displayname": number.to_string() }),
        ),
        _ => room.text(sender, &number.to_string()),
    };
    Some(value(&event))
}

#[tokio::test]
async fn no_part_of_the_state_vanishes_without_an_event_that_allows_it() {
    scenes(async |scene: &mut Scene| {
        for seed in 1..=3 {
            play(scene, seed).await;
        }
    })
    .await;
}

async fn play(scene: &mut Scene, seed: u64) {
    let mut chance = Chance(seed);
    scene.empower(100).await;
    let mut people = vec![scene.mallory.clone()];
    for number in 0..5 {
        let user = scene.evil.user(&format!("user{seed}x{number}"));
        let joined = scene.room.member(&user, &user, "join");
        scene.accepted(&[&joined]).await;
        people.push(user);
    }
    scene.look().await;
    let mut levels = scene.state("m.room.power_levels", "").await;
    for user in &people[1..4] {
        levels["users"][user] = json!(50);
    }
    let mallory = scene.mallory.clone();
    let raised = scene
        .room
        .state_event(&mallory, "m.room.power_levels", "", levels);
    scene.accepted(&[&raised]).await;
    scene.look().await;
    // Three forks, told in pieces and in any order.
    let mut told: Vec<Vec<Value>> = Vec::new();
    for _ in 0..3 {
        let mut fork = scene.room.clone();
        let events = (0..25).filter_map(|number| change(&mut chance, &mut fork, &people, number));
        told.push(events.collect());
    }
    let mut before = state_of(scene).await;
    while told.iter().any(|events| !events.is_empty()) {
        let which = chance.below(told.len());
        let many = (1 + chance.below(4)).min(told[which].len());
        let events: Vec<Value> = told[which].drain(..many).collect();
        if events.is_empty() {
            continue;
        }
        if chance.below(4) == 0 {
            scene.anna.send_text(&scene.room_id, "in between").await;
        }
        scene.send(&events).await;
        let now = state_of(scene).await;
        let levels = scene.state("m.room.power_levels", "").await;
        for (key, (event_id, sender)) in &before {
            if now.contains_key(key) {
                continue;
            }
            // Only what somebody set who was banned, or lost their power, on another way.
            let member = scene.state("m.room.member", sender).await;
            let has_power = levels["users"][sender].as_i64().unwrap_or(0) >= 50;
            assert!(
                member["membership"] != "join" || !has_power,
                "seed {seed}: {key:?} of {sender} ({event_id}) vanished"
            );
        }
        for (event_id, _) in now.values() {
            let event_id = EventId::parse(event_id).expect("an id");
            let kept = scene
                .server
                .kept(&scene.room.room_id, &event_id)
                .await
                .expect("it is there");
            assert_eq!(kept.status, EventStatus::Accepted, "seed {seed}: {event_id}");
        }
        for needed in ["m.room.create", "m.room.power_levels", "m.room.join_rules"] {
            assert!(
                now.contains_key(&(needed.to_owned(), String::new())),
                "seed {seed}: {needed}"
            );
        }
        let anna = ("m.room.member".to_owned(), scene.anna.id.to_string());
        assert!(now.contains_key(&anna), "seed {seed}");
        before = now;
    }
    // The next event follows all of them, and the state stays.
    scene.anna.send_text(&scene.room_id, "together").await;
    assert_eq!(state_of(scene).await, before, "seed {seed}");
    scene.look().await;
    assert_eq!(scene.room.heads.len(), 1, "seed {seed}");
}

#[tokio::test]
async fn a_stretch_of_rejected_events_doesnt_end_the_history() {
    scenes(async |scene: &mut Scene| {
        let mallory = scene.mallory.clone();
        let mut expected = Vec::new();
        let mut pdus = Vec::new();
        for number in 0..30 {
            let text = scene.room.text(&mallory, &format!("before {number}"));
            expected.push(format!("before {number}"));
            pdus.push(value(&text));
        }
        // A chain of three hundred that nobody may send, and what follows it.
        for number in 0..300 {
            let text = scene.room.clone().text(&mallory, &number.to_string());
            let bad = scene.room.resign(&text, |event| {
                event["type"] = json!("m.room.name");
                event["state_key"] = json!("");
                event["content"] = json!({ "name": "canary" });
            });
            scene.room.heads = vec![bad.event_id().to_owned()];
            pdus.push(value(&bad));
        }
        for number in 0..30 {
            let text = scene.room.text(&mallory, &format!("after {number}"));
            expected.push(format!("after {number}"));
            pdus.push(value(&text));
        }
        for pdus in pdus.chunks(50) {
            scene.send(pdus).await;
        }
        for dir in ["b", "f"] {
            let mut seen: Vec<String> = Vec::new();
            let mut ids = BTreeSet::new();
            let mut from = String::new();
            loop {
                let path = format!("messages?dir={dir}&limit=7{from}");
                let (status, page) = scene.anna.get(&scene.path(&path)).await;
                assert_eq!(status, 200, "{page}");
                assert!(!page.to_string().contains("canary"));
                for event in page["chunk"].as_array().expect("events") {
                    assert!(ids.insert(event["event_id"].as_str().expect("an id").to_owned()));
                    if event["type"] == "m.room.message" {
                        seen.push(event["content"]["body"].as_str().expect("a text").to_owned());
                    }
                }
                let Some(end) = page["end"].as_str() else { break };
                from = format!("&from={end}");
            }
            if dir == "b" {
                seen.reverse();
            }
            assert_eq!(seen, expected, "{dir}");
        }
        // Other servers walk past them as well.
        scene.look().await;
        let mut next = scene.room.heads.clone();
        let mut told = BTreeSet::new();
        while let Some(event_id) = next.pop() {
            let path = format!(
                "/_matrix/federation/v1/backfill/{}?limit=100&v={}",
                rohrpost_testkit::enc(&scene.room_id),
                rohrpost_testkit::enc(event_id.as_str())
            );
            let (status, page) = scene.honest.ask(&scene.server, "GET", &path, None).await;
            assert_eq!(status, 200, "{page}");
            let events = page["pdus"].as_array().expect("events").clone();
            let mut has_new = false;
            for event in &events {
                if let Some(body) = event["content"]["body"].as_str() {
                    has_new |= told.insert(body.to_owned());
                }
            }
            if has_new && let Some(last) = events.last() {
                let prev = last["prev_events"].as_array().expect("ids").iter();
                next.extend(prev.map(|id| EventId::parse(id.as_str().expect("an id")).expect("an id")));
            }
        }
        let wanted: BTreeSet<String> = expected.into_iter().collect();
        assert_eq!(told, wanted);
    })
    .await;
}

#[tokio::test]
async fn what_one_server_doesnt_give_is_asked_of_another() {
    scenes(async |scene: &mut Scene| {
        let mut room = scene.honest.room_of(&scene.server, &scene.room_id).await;
        let lost = room.text(&scene.clara, "lost");
        let found = room.text(&scene.clara, "found");
        // The hostile server follows an event that it knows of, and keeps it to itself.
        let text = scene.room.clone().text(&scene.mallory, "follows it");
        let follows = scene
            .room
            .resign(&text, |event| event["prev_events"] = json!([lost.event_id()]));
        let path = "POST /_matrix/federation/v1/get_missing_events/";
        scene.honest.answers(path, json!({ "events": [value(&lost)] }));
        scene.honest.gives(lost.event_id(), &value(&lost));
        scene.send(&[value(&follows)]).await;
        assert_eq!(scene.evil.asked(path).len(), 1);
        let answer = scene.honest.send(&scene.server, "found", &[&found]).await;
        assert_eq!(answer, json!({ found.event_id(): {} }));
        let texts = scene.texts().await;
        assert!(
            ["lost", "found"]
                .iter()
                .all(|text| texts.contains(&(*text).to_owned())),
            "{texts:?}"
        );
        // Now the other one has its place, too.
        scene.accepted(&[&follows]).await;
    })
    .await;
}

#[tokio::test]
async fn no_text_in_a_room_commands_this_server() {
    scenes(async |scene: &mut Scene| {
        let administrator = scene.server.administrator("admin").await;
        administrator.join(&scene.room_id).await;
        scene.look().await;
        let mallory = scene.mallory.clone();
        let before = state_of(scene).await;
        let server = scene.server.name().to_owned();
        for prefix in ["!admin", "\\!admin", "!", "/", "@admin:", "@notices: ", "/admin "] {
            for command in [
                "users deactivate",
                "users make-user-admin",
                "users reset-password",
                "rooms moderation ban-room",
                "server shutdown",
                "debug get-signing-keys",
                "appservices register",
                "federation disable-room",
            ] {
                let body = format!("{prefix} {command} @anna:{server}");
                let text = scene.room.text(&mallory, &body);
                scene.accepted(&[&text]).await;
            }
        }
        assert_eq!(state_of(scene).await, before);
        // Nobody was answered, and everybody is who they were.
        let (_, page) = scene.anna.get(&scene.path("messages?dir=b&limit=100")).await;
        let events = page["chunk"].as_array().expect("events");
        let texts = events.iter().filter(|event| event["type"] == "m.room.message");
        assert!(texts.clone().count() > 50);
        assert!(texts.into_iter().all(|event| event["sender"] == json!(mallory)));
        for user in [&scene.anna, &administrator] {
            assert_eq!(user.get("/_matrix/client/v3/account/whoami").await.0, 200);
        }
    })
    .await;
}
