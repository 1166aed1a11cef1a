//! `cargo xtask demo`: three authorities with the real program, from their founding to their end.

use std::path::Path;

use rohrpost_demo::{Demo, OFFICES, Ports};
use serde_json::json;

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
    demo.stop().expect("all end in order");
}
