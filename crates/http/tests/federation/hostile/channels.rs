//! Events that aren't signed as they must be, by each way on which events come.

use std::sync::Arc;

use rohrpost_room::Pdu;
use rohrpost_testkit::{EventStatus, Stranger};
use ruma::{OwnedEventId, events::StateEventType};
use serde_json::{Value, json};

use super::{Scene, scenes, value};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// An event with something wrong about its signature or its hash. Each holds the word `canary` in its content.
struct Defect {
    what: &'static str,
    event_id: OwnedEventId,
    event: Value,
    /// Whether it is kept without its content, rather than not at all.
    is_redacted: bool,
}

/// Each defect once, in events that `make` makes.
fn defects(scene: &Scene, make: impl Fn(usize) -> Value) -> Vec<Defect> {
    let version = &scene.room.version;
    let (evil, honest) = (&scene.evil, &scene.honest);
    let mut numbers = 0..;
    let mut made = || {
        let mut event = make(numbers.next().expect("a number"));
        event["content"]["canary"] = json!("canary");
        event
    };
    let defect = |what, (event_id, event): (OwnedEventId, Value)| Defect {
        what,
        event_id,
        event,
        is_redacted: false,
    };
    let mut defects = Vec::new();
    let mut unsigned = evil.sign_as(evil.name(), version, made());
    unsigned.1["signatures"] = json!({});
    defects.push(defect("no signature", unsigned));
    defects.push(defect(
        "another key",
        honest.sign_as(evil.name(), version, made()),
    ));
    let mut late = made();
    let ts = late["origin_server_ts"].as_i64().expect("a time");
    late["origin_server_ts"] = json!(ts + 8 * DAY_MS);
    defects.push(defect(
        "a key that isn't good then",
        evil.sign_as(evil.name(), version, late),
    ));
    defects.push(defect(
        "another server",
        honest.sign_as(honest.name(), version, made()),
    ));
    let mut changed = evil.sign_as(evil.name(), version, made()).1;
    let depth = changed["depth"].as_i64().expect("a depth");
    changed["depth"] = json!(depth + 1);
    let changed_id = Stranger::event_id(version, &changed);
    defects.push(defect("another event", (changed_id, changed)));
    let mut altered = evil.sign_as(evil.name(), version, made());
    altered.1["content"]["canary"] = json!("altered canary");
    let altered = defect("another content", altered);
    defects.push(Defect {
        is_redacted: true,
        ..altered
    });
    defects
}

/// Asserts that a defect left nothing, or nothing but its redacted form.
async fn check(scene: &Scene, defect: &Defect) {
    let kept = scene.server.kept(&scene.room.room_id, &defect.event_id).await;
    let what = defect.what;
    match (kept, defect.is_redacted) {
        (None, false) => {}
        (Some(kept), true) => {
            assert!(!kept.event.to_string().contains("canary"), "{what}");
            assert_eq!(kept.status, EventStatus::Accepted, "{what}");
        }
        (kept, _) => panic!("{what}: {kept:?}"),
    }
    let sync = scene.anna.sync(None).await.to_string();
    assert!(!sync.contains("canary"), "{what}");
}

fn ids<'a>(events: impl IntoIterator<Item = &'a Arc<Pdu>>) -> Vec<String> {
    let events = events.into_iter();
    events.map(|event| event.event_id().to_string()).collect()
}

/// Lets the hostile server say what the state is, wherever it is asked for.
fn tell_state(scene: &Scene, more: &[OwnedEventId]) {
    let mut state = ids(scene.room.state.values());
    state.extend(more.iter().map(ToString::to_string));
    scene.evil.answers(
        "GET /_matrix/federation/v1/state_ids/",
        json!({ "pdu_ids": state, "auth_chain_ids": [] }),
    );
}

fn tell_missing(scene: &Scene, events: &[&Value]) {
    let path = "POST /_matrix/federation/v1/get_missing_events/";
    scene.evil.answers(path, json!({ "events": events }));
}

/// A text that follows an event, whatever that is.
fn after(scene: &Scene, event_id: &OwnedEventId, body: &str) -> Arc<Pdu> {
    let text = scene.room.clone().text(&scene.mallory, body);
    scene
        .room
        .resign(&text, |event| event["prev_events"] = json!([event_id]))
}

#[tokio::test]
async fn what_isnt_signed_as_it_must_be_leaves_no_trace_in_a_transaction() {
    scenes(async |scene: &mut Scene| {
        let text = |number: usize| value(&scene.room.clone().text(&scene.mallory, &number.to_string()));
        for defect in defects(scene, text) {
            scene.send(std::slice::from_ref(&defect.event)).await;
            check(scene, &defect).await;
        }
        // Up to a week ahead, its key is good.
        let text = scene.room.clone().text(&scene.mallory, "good");
        let good = scene.room.resign(&text, |event| {
            let ts = event["origin_server_ts"].as_i64().expect("a time");
            event["origin_server_ts"] = json!(ts + 6 * DAY_MS);
        });
        scene.accepted(&[&good]).await;
        assert!(scene.texts().await.contains(&"good".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn what_isnt_signed_as_it_must_be_leaves_no_trace_among_missing_events() {
    scenes(async |scene: &mut Scene| {
        let text = |number: usize| value(&scene.room.clone().text(&scene.mallory, &number.to_string()));
        for defect in defects(scene, text) {
            tell_missing(scene, &[&defect.event]);
            let found = after(scene, &defect.event_id, defect.what);
            let answer = scene.send(&[value(&found)]).await;
            check(scene, &defect).await;
            let is_taken = answer[found.event_id().as_str()] == json!({});
            assert_eq!(is_taken, defect.is_redacted, "{}: {answer}", defect.what);
        }
        let lost = scene.room.clone().text(&scene.mallory, "lost");
        tell_missing(scene, &[&value(&lost)]);
        let found = after(scene, &lost.event_id().to_owned(), "found");
        scene.accepted(&[&found]).await;
        assert!(
            scene
                .texts()
                .await
                .ends_with(&["lost".to_owned(), "found".to_owned()])
        );
    })
    .await;
}

#[tokio::test]
async fn what_isnt_signed_as_it_must_be_leaves_no_trace_where_an_event_is_asked_for() {
    scenes(async |scene: &mut Scene| {
        tell_missing(scene, &[]);
        tell_state(scene, &[]);
        let text = |number: usize| value(&scene.room.clone().text(&scene.mallory, &number.to_string()));
        let others = scene.room.clone().text(&scene.mallory, "another one");
        for defect in defects(scene, text) {
            scene.evil.gives(&defect.event_id, &defect.event);
            let found = after(scene, &defect.event_id, defect.what);
            scene.send(&[value(&found)]).await;
            check(scene, &defect).await;
        }
        // Another event than the one that was asked for isn't taken for it either.
        let lost = scene.room.clone().text(&scene.mallory, "never sent");
        scene.evil.gives(lost.event_id(), &value(&others));
        let found = after(scene, &lost.event_id().to_owned(), "what follows it");
        let answer = scene.send(&[value(&found)]).await;
        assert_ne!(answer[found.event_id().as_str()], json!({}), "{answer}");
        assert!(
            scene
                .server
                .kept(&scene.room.room_id, others.event_id())
                .await
                .is_none()
        );

        let lost = scene.room.clone().text(&scene.mallory, "lost");
        scene.evil.gives(lost.event_id(), &value(&lost));
        let found = after(scene, &lost.event_id().to_owned(), "found");
        scene.accepted(&[&found]).await;
        assert!(scene.sees(found.event_id()).await);
    })
    .await;
}

#[tokio::test]
async fn what_isnt_signed_as_it_must_be_leaves_no_trace_in_an_auth_chain() {
    scenes(async |scene: &mut Scene| {
        tell_missing(scene, &[]);
        let join = |number: usize| {
            let user = scene.evil.user(&format!("user{number}"));
            value(&scene.room.clone().member(&user, &user, "join"))
        };
        // Somebody writes whose join nobody has seen.
        let cites = |scene: &Scene, user: &str, join: &OwnedEventId| {
            let mut room = scene.room.clone();
            room.member(user, user, "join");
            let text = room.text(user, "I am here");
            let own = room.state[&(StateEventType::RoomMember, user.to_owned())]
                .event_id()
                .to_owned();
            scene.room.resign(&text, |event| {
                event["prev_events"] = json!(scene.room.heads);
                for id in event["auth_events"].as_array_mut().expect("ids") {
                    if *id == json!(own) {
                        *id = json!(join);
                    }
                }
            })
        };
        let path = "GET /_matrix/federation/v1/event_auth/";
        for (number, defect) in defects(scene, join).into_iter().enumerate() {
            scene.evil.answers(path, json!({ "auth_chain": [defect.event] }));
            let text = cites(
                scene,
                &scene.evil.user(&format!("user{number}")),
                &defect.event_id,
            );
            scene.send(&[value(&text)]).await;
            check(scene, &defect).await;
            let user = scene.evil.user(&format!("user{number}"));
            assert_eq!(
                scene.state("m.room.member", &user).await,
                Value::Null,
                "{}",
                defect.what
            );
        }
        let dora = scene.evil.user("dora");
        let good = scene.room.clone().member(&dora, &dora, "join");
        scene.evil.answers(path, json!({ "auth_chain": [value(&good)] }));
        let text = cites(scene, &dora, &good.event_id().to_owned());
        scene.send(&[value(&text)]).await;
        let kept = scene.server.kept(&scene.room.room_id, good.event_id()).await;
        assert_eq!(kept.map(|kept| kept.status), Some(EventStatus::Accepted));
    })
    .await;
}

#[tokio::test]
async fn of_a_state_nothing_is_taken_that_isnt_signed_or_wasnt_named() {
    scenes(async |scene: &mut Scene| {
        scene.empower(50).await;
        tell_missing(scene, &[]);
        let join = |name: &str| {
            let user = scene.evil.user(name);
            scene.room.clone().member(&user, &user, "join")
        };
        let defects = defects(scene, |number| value(&join(&format!("defect{number}"))));
        // So many that the state is asked for as a whole.
        let fillers: Vec<_> = (0..60).map(|number| join(&format!("user{number}"))).collect();
        let mallory = scene.mallory.clone();
        let mut fork = scene.room.clone();
        let topic = fork.state_event(&mallory, "m.room.topic", "", json!({ "topic": "injected" }));
        let levels = scene.state("m.room.power_levels", "").await;
        let mut raised = levels.clone();
        raised["events"]["m.room.encryption"] = json!(50);
        let raised = scene.room.resign(&topic, |event| {
            event["type"] = json!("m.room.power_levels");
            event["content"] = raised.clone();
        });
        let named = fork
            .clone()
            .state_event(&mallory, "m.room.name", "", json!({ "name": "Named" }));

        let lost = scene.room.clone().text(&mallory, "lost");
        let found = after(scene, &lost.event_id().to_owned(), "found");
        let mut named_ids: Vec<OwnedEventId> = defects.iter().map(|defect| defect.event_id.clone()).collect();
        named_ids.extend(fillers.iter().map(|event| event.event_id().to_owned()));
        named_ids.push(named.event_id().to_owned());
        tell_state(scene, &named_ids);
        let mut told: Vec<Value> = defects.iter().map(|defect| defect.event.clone()).collect();
        told.extend(fillers.iter().map(|event| value(event)));
        told.extend([value(&named), value(&topic), value(&raised)]);
        scene.evil.answers(
            "GET /_matrix/federation/v1/state/",
            json!({ "pdus": told, "auth_chain": [value(&topic), value(&raised)] }),
        );
        scene.evil.gives(lost.event_id(), &value(&lost));
        scene.accepted(&[&found]).await;
        assert_eq!(scene.evil.asked("GET /_matrix/federation/v1/state/").len(), 1);
        for defect in &defects {
            check(scene, defect).await;
        }
        for (what, injected) in [("topic", &topic), ("power levels", &raised)] {
            let kept = scene.server.kept(&scene.room.room_id, injected.event_id()).await;
            assert!(kept.is_none(), "{what}: {kept:?}");
        }
        assert_eq!(scene.state("m.room.topic", "").await, Value::Null);
        assert_eq!(scene.state("m.room.power_levels", "").await, levels);
        // What was named and is signed is part of it.
        assert_eq!(scene.state("m.room.name", "").await["name"], "Named");
        let filler = scene.evil.user("user59");
        assert_eq!(scene.state("m.room.member", &filler).await["membership"], "join");
    })
    .await;
}
