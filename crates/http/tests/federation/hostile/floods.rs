//! Much at once: forks, deep chains, long lists, large questions.
//!
//! What is asserted are bounds on what is kept, and that others are served meanwhile. How long it takes is printed.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Instant,
};

use rohrpost_testkit::enc;
use serde_json::{Value, json};

use super::{Scene, scenes_in, value};

/// "A maximum of 50 PDUs per transaction."
const PER_TRANSACTION: usize = 50;
/// Ends of a room that are kept.
const MAX_ENDS: usize = 16;
/// Messages of others for each transaction of a flood, at most.
const MEANWHILE: usize = 10;

fn size_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let sizes = entries.map(|entry| {
        let entry = entry.expect("an entry");
        let data = entry.metadata().expect("it is there");
        if data.is_dir() {
            size_bytes(&entry.path())
        } else {
            data.len()
        }
    });
    sizes.sum()
}

fn public() -> Value {
    json!({ "preset": "public_chat" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_state_events_in_two_hundred_forks_leave_few_ends_and_hold_nobody_up() {
    scenes_in("127.0.0.2", public(), async |scene: &mut Scene| {
        scene.empower(50).await;
        let mallory = scene.mallory.clone();
        let mut events: Vec<Value> = Vec::new();
        // A fifth of it where the engine is the slower one: it is the same code.
        let forks = if scene.is_postgres { 40 } else { 200 };
        for fork in 0..forks {
            let mut room = scene.room.clone();
            for number in 0..10 {
                let kind = format!("org.example.kind{}", number % 4);
                let content = json!({ "fork": fork, "number": number });
                events.push(value(&room.state_event(
                    &mallory,
                    &kind,
                    &(fork % 7).to_string(),
                    content,
                )));
            }
        }
        scene.server.restart().await;
        let before = size_bytes(scene.server.folder());
        let other = scene.anna.create_room(json!({ "preset": "private_chat" })).await;
        let (is_over, taken) = (AtomicBool::new(false), AtomicUsize::new(0));
        let mut slowest = std::time::Duration::ZERO;
        let mut txns: Vec<(String, Vec<Value>)> = Vec::new();
        for pdus in events.chunks(PER_TRANSACTION) {
            txns.push((scene.txn(), pdus.to_vec()));
        }
        let flood = async {
            for (txn, pdus) in txns {
                let began = Instant::now();
                let (status, answer) = scene.evil.send_json(&scene.server, &txn, pdus).await;
                assert_eq!(status, 200, "{answer}");
                slowest = slowest.max(began.elapsed());
                taken.fetch_add(1, Ordering::Relaxed);
            }
            is_over.store(true, Ordering::Relaxed);
        };
        let meanwhile = async {
            let mut waits = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                // They take room, too: so many that they don't count, however fast this computer is.
                if waits.len() >= MEANWHILE * (taken.load(Ordering::Relaxed) + 1) {
                    tokio::task::yield_now().await;
                    continue;
                }
                let began = Instant::now();
                scene.anna.send_text(&other, "meanwhile").await;
                waits.push(began.elapsed());
                tokio::task::yield_now().await;
            }
            waits.sort_unstable();
            waits
        };
        let ((), waits) = tokio::join!(flood, meanwhile);
        let p99 = waits[waits.len() * 99 / 100];
        // For each transaction that came in, somebody else got a word in.
        assert!(
            waits.len() >= events.len() / PER_TRANSACTION,
            "others were held up: {} messages",
            waits.len()
        );
        let now = scene.evil.room_of(&scene.server, &scene.room_id).await;
        assert!(now.heads.len() <= MAX_ENDS, "{} ends", now.heads.len());
        for number in 0..4 {
            let key = (format!("org.example.kind{number}").into(), "0".to_owned());
            assert!(now.state.contains_key(&key), "{key:?}");
        }
        scene.server.restart().await;
        let grown = size_bytes(scene.server.folder()).saturating_sub(before);
        let each = grown / events.len() as u64;
        println!("slowest transaction {slowest:?}, others' p99 {p99:?}, {each} bytes an event");
        assert!(each < 20_000, "{grown} bytes more");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_of_a_thousand_auth_events_is_followed_to_its_end_and_no_further() {
    scenes_in("127.0.0.2", public(), async |scene: &mut Scene| {
        scene.empower(100).await;
        let mallory = scene.mallory.clone();
        let mut levels = scene.state("m.room.power_levels", "").await;
        let mut room = scene.room.clone();
        let mut chain = Vec::new();
        for number in 0..1000 {
            levels["events"]["org.example.number"] = json!(number % 100);
            chain.push(value(&room.state_event(
                &mallory,
                "m.room.power_levels",
                "",
                levels.clone(),
            )));
        }
        let text = room.text(&mallory, "the last");
        let text = room.resign(&text, |event| event["prev_events"] = json!(scene.room.heads));
        scene.evil.answers(
            "GET /_matrix/federation/v1/event_auth/",
            json!({ "auth_chain": chain.iter().rev().collect::<Vec<_>>() }),
        );
        let began = Instant::now();
        scene.accepted(&[&text]).await;
        println!("a thousand auth events: {:?}", began.elapsed());
        assert_eq!(scene.texts().await, ["the last"]);
        assert_eq!(
            scene.evil.asked("GET /_matrix/federation/v1/event_auth/").len(),
            1
        );
        assert!(scene.evil.asked("GET /_matrix/federation/v1/event/").is_empty());
        // Whoever asks gets all of it.
        let path = format!(
            "/_matrix/federation/v1/event_auth/{}/{}",
            enc(&scene.room_id),
            enc(text.event_id().as_str())
        );
        let (status, told) = scene.honest.ask(&scene.server, "GET", &path, None).await;
        assert_eq!(status, 200, "{told}");
        assert!(told["auth_chain"].as_array().expect("a chain").len() > 1000);
        // The room's own levels are what they were.
        assert_eq!(
            scene.state("m.room.power_levels", "").await["events"]["org.example.number"],
            Value::Null
        );
        // A chain that never ends is given up.
        let mut endless = value(&room.clone().text(&mallory, "endless"));
        let unknown = format!("${}", "B".repeat(43));
        let auth = endless["auth_events"].as_array_mut().expect("ids");
        auth.pop();
        auth.push(json!(unknown));
        let (event_id, endless) = scene
            .evil
            .sign_as(scene.evil.name(), &scene.room.version, endless);
        let answer = scene.send(&[endless]).await;
        assert_ne!(answer[event_id.as_str()], json!({}));
        assert!(scene.evil.asked("GET /_matrix/federation/v1/event/").len() <= 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_control_list_of_thousands_of_patterns_holds_nobody_up() {
    scenes_in("127.0.0.2", public(), async |scene: &mut Scene| {
        scene.empower(100).await;
        let mallory = scene.mallory.clone();
        let deny: Vec<String> = (0..3_000).map(|_| "*a*a*a*a*a*a*b".to_owned()).collect();
        let acl = json!({ "allow": ["*"], "deny": deny, "allow_ip_literals": true });
        let acl = scene.room.state_event(&mallory, "m.room.server_acl", "", acl);
        scene.accepted(&[&acl]).await;
        // Names for which each of the patterns nearly fits.
        let text = scene.room.clone().text(&mallory, "text");
        let long = format!("@x:{}", "a".repeat(230));
        let pdus: Vec<Value> = (0..PER_TRANSACTION)
            .map(|number| {
                let mut event = value(&text);
                event["sender"] = json!(long);
                event["content"]["number"] = json!(number);
                scene
                    .evil
                    .sign_as(scene.evil.name(), &scene.room.version, event)
                    .1
            })
            .collect();
        let began = Instant::now();
        scene.send(&pdus).await;
        println!(
            "fifty names against three thousand patterns: {:?}",
            began.elapsed()
        );
        let good = scene.room.text(&mallory, "good");
        scene.accepted(&[&good]).await;
        assert_eq!(scene.texts().await, ["good"]);
    })
    .await;
}

#[tokio::test]
async fn questions_without_measure_get_answers_within_bounds() {
    scenes_in("127.0.0.2", public(), async |scene: &mut Scene| {
        let mut last = String::new();
        for number in 0..120 {
            last = scene.anna.send_text(&scene.room_id, &number.to_string()).await;
        }
        let room = enc(&scene.room_id);
        let unknown: Vec<String> = (100_000..200_000).map(|number| format!("${}{number}", "A".repeat(37))).collect();
        let missing = format!("/_matrix/federation/v1/get_missing_events/{room}");
        let body = |earliest: &[String], latest: &[String]| {
            json!({ "earliest_events": earliest, "latest_events": latest, "limit": 1_000_000_000, "min_depth": 0 })
        };
        let post = async |body: Value| scene.evil.ask(&scene.server, "POST", &missing, Some(body)).await;
        let began = Instant::now();
        let (status, told) = post(body(&unknown, &unknown)).await;
        println!("100,000 unknown events: {:?}", began.elapsed());
        assert_eq!((status, &told["events"]), (200, &json!([])));
        let latest = std::slice::from_ref(&last);
        assert_eq!(post(body(&unknown, latest)).await.1["events"].as_array().map(Vec::len), Some(50));
        let many: Vec<String> = vec![last.clone(); 100_000];
        let (status, told) = post(body(&[], &many)).await;
        assert_eq!((status, told["events"].as_array().map(Vec::len)), (200, Some(50)));
        let get = async |path: String| scene.evil.ask(&scene.server, "GET", &path, None).await;
        let (status, told) = get(format!("/_matrix/federation/v1/backfill/{room}?limit=1000000000&v={}", enc(&last))).await;
        assert_eq!((status, told["pdus"].as_array().map(Vec::len)), (200, Some(100)));
        let starts: String = unknown.iter().take(1000).map(|id| format!("&v={}", enc(id))).collect();
        let (status, told) = get(format!("/_matrix/federation/v1/backfill/{room}?limit=10{starts}")).await;
        assert!(matches!(status, 200 | 400 | 404 | 414), "{status} {told}");
        // Within bounds, everything is told.
        let (status, told) = post(body(&[], latest)).await;
        assert_eq!((status, told["events"].as_array().map(Vec::len)), (200, Some(50)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_at_once_in_one_room_leave_room_for_others() {
    scenes_in("127.0.0.2", public(), async |scene: &mut Scene| {
        let berta = scene.server.user("berta").await;
        let other = berta.create_room(json!({ "preset": "private_chat" })).await;
        let mut crowd = tokio::task::JoinSet::new();
        for number in 0..250 {
            let (anna, room) = (scene.anna.clone(), scene.room_id.clone());
            crowd.spawn(async move { drop(anna.send_text(&room, &number.to_string()).await) });
        }
        for number in 0..250 {
            let (server, room) = (scene.server.clone(), scene.room_id.clone());
            let user = server.user(&format!("user{number}")).await;
            crowd.spawn(async move { user.join(&room).await });
        }
        let mut waits = Vec::new();
        for number in 0..50 {
            let began = Instant::now();
            berta.send_text(&other, &number.to_string()).await;
            waits.push(began.elapsed());
        }
        crowd.join_all().await;
        waits.sort_unstable();
        println!("others' slowest: {:?}", waits.last());
        let (_, joined) = scene.anna.get(&scene.path("joined_members")).await;
        assert_eq!(joined["joined"].as_object().map(serde_json::Map::len), Some(253));
        let now = scene.evil.room_of(&scene.server, &scene.room_id).await;
        assert_eq!(now.heads.len(), 1, "what is written here makes no forks");
    })
    .await;
}
