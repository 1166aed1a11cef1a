//! `cargo xtask demo`: three authorities with the real program, from their founding to their end.

use std::path::Path;

use rohrpost_demo::{Demo, OFFICES, Ports};
use serde_json::{Value, json};

#[test]
fn three_authorities_are_founded_speak_with_each_other_and_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_rohrpost"));
    let place = folder.path().join("demo");
    let demo = Demo::start(program, &place, Ports::Free, &mut |_| ()).expect("it starts");
    let said = demo.describe();
    for person in &demo.people {
        assert!(
            said.contains(&person.user_id) && said.contains(&person.password),
            "{said}"
        );
    }
    // Somebody of each authority is shown by the others with the name that they gave themselves.
    for person in &demo.people {
        let token = demo.sign_in(person).expect("signed in");
        for other in &demo.people {
            let path = format!("/_matrix/client/v3/profile/{}", other.user_id);
            let (status, profile) = demo
                .ask(person.office, "GET", &path, &token, None)
                .expect("an answer");
            assert_eq!(
                (status, &profile["displayname"]),
                (200, &json!(other.name)),
                "{profile}"
            );
        }
        let shown = demo.ask(person.office, "GET", "/_rohrpost/client/v1/roster", &token, None);
        let (_, shown) = shown.expect("an answer");
        let servers = shown["document"]["roster"]["servers"]
            .as_array()
            .expect("servers");
        assert_eq!(servers.len(), OFFICES.len(), "{shown}");
    }
    everybody_hears(&demo);
    let program = std::process::Command::new(program);
    looks_good(program, &place);
    demo.stop().expect("all end in order");
}

/// What somebody says in the room that all share, all the others hear.
fn everybody_hears(demo: &Demo) {
    let tokens: Vec<String> = demo
        .people
        .iter()
        .map(|person| demo.sign_in(person).expect("signed in"))
        .collect();
    let ask = |at: usize, method: &str, path: &str, body: Option<&Value>| {
        let answer = demo.ask(demo.people[at].office, method, path, &tokens[at], body);
        let (status, answer) = answer.expect("an answer");
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    };
    let joined = ask(0, "GET", "/_matrix/client/v3/joined_rooms", None);
    let room = joined["joined_rooms"][0].as_str().expect("the room").to_owned();
    let members = ask(
        0,
        "GET",
        &format!("/_matrix/client/v3/rooms/{room}/joined_members"),
        None,
    );
    assert_eq!(
        members["joined"].as_object().expect("members").len(),
        demo.people.len()
    );
    let path = format!("/_matrix/client/v3/rooms/{room}/send/m.room.encrypted/t1");
    let body = json!({
        "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "Deich", "device_id": "D", "sender_key": "K",
        "session_id": "S",
    });
    let sent = ask(0, "PUT", &path, Some(&body))["event_id"].clone();
    for at in 1..demo.people.len() {
        let mut since = String::new();
        let has_heard = (0..100).any(|_| {
            let news = ask(
                at,
                "GET",
                &format!("/_matrix/client/v3/sync?timeout=10000{since}"),
                None,
            );
            since = format!("&since={}", news["next_batch"].as_str().expect("a position"));
            let events = news["rooms"]["join"][&room]["timeline"]["events"].as_array();
            events.is_some_and(|events| events.iter().any(|event| event["event_id"] == sent))
        });
        assert!(has_heard, "{} hears it", demo.people[at].user_id);
    }
}

/// The doctor finds nothing to say about the roster.
fn looks_good(mut program: std::process::Command, place: &Path) {
    let config = place.join("land").join("rohrpost.toml");
    let output = program
        .args(["doctor", "--config"])
        .arg(config)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("ok       roster of demo.localhost, number 1, 3 members, until "),
        "{said}"
    );
}
