//! Spaces, as other servers are told of them.

use std::collections::BTreeSet;

use rohrpost_testkit::{Peer, User, enc};
use serde_json::{Value, json};

use crate::pairs;

async fn space(of: &User, children: &[(&str, bool)]) -> String {
    let space = of
        .create_room(
            json!({ "preset": "public_chat", "creation_content": { "type": "m.space" }, "name": "Haus" }),
        )
        .await;
    for (child, suggested) in children {
        let content = json!({ "via": [of.server.name()], "suggested": suggested });
        of.set_state(&space, "m.space.child", child, content).await;
    }
    space
}

fn path(room: &str) -> String {
    format!("/_matrix/federation/v1/hierarchy/{}", enc(room))
}

fn rooms(list: &Value) -> BTreeSet<String> {
    let rooms = list.as_array().expect("a list").iter();
    rooms
        .map(|room| {
            room["room_id"]
                .as_str()
                .or(room.as_str())
                .expect("a room")
                .to_owned()
        })
        .collect()
}

#[tokio::test]
async fn a_space_is_told_as_far_as_people_of_the_other_server_may_know() {
    pairs(async |one, other| {
        let (anna, berta) = (one.user("anna").await, other.user("berta").await);
        let peer = Peer::of(&other).await;
        let open = anna
            .create_room(json!({ "preset": "public_chat", "name": "Kantine" }))
            .await;
        let closed = anna
            .create_room(json!({ "preset": "private_chat", "name": "Personalrat" }))
            .await;
        let unknown = "!unknown:test.example";
        let space = space(&anna, &[(&open, true), (&closed, false), (unknown, false)]).await;
        let (status, told) = peer.get(&one, &path(&space)).await;
        assert_eq!(status, 200, "{told}");
        assert_eq!(
            (&told["room"]["name"], &told["room"]["room_type"]),
            (&json!("Haus"), &json!("m.space"))
        );
        let states = told["room"]["children_state"].as_array().expect("states");
        assert_eq!(states.len(), 3);
        assert!(
            states
                .iter()
                .all(|state| state["type"] == "m.space.child" && state["sender"] == json!(anna.id))
        );
        assert_eq!(rooms(&told["children"]), [open.clone()].into());
        assert_eq!(told["children"][0]["name"], json!("Kantine"));
        assert_eq!(rooms(&told["inaccessible_children"]), [closed.clone()].into());
        let (_, suggested) = peer
            .get(&one, &format!("{}?suggested_only=true", path(&space)))
            .await;
        assert_eq!(
            suggested["room"]["children_state"].as_array().map(Vec::len),
            Some(1)
        );

        // A room that isn't a space has nothing in it.
        let (_, room) = peer.get(&one, &path(&open)).await;
        assert_eq!(
            (&room["room"]["children_state"], &room["children"]),
            (&json!([]), &json!([]))
        );
        let refused = peer.get(&one, &path(&closed)).await;
        assert_eq!(refused.0, 404);
        assert_eq!(peer.get(&one, &path(unknown)).await, refused);

        // Members of one room may know of another that is for them.
        let allow = json!([{ "type": "m.room_membership", "room_id": open }]);
        let rule = json!({ "join_rule": "restricted", "allow": allow });
        anna.set_state(&closed, "m.room.join_rules", "", rule).await;
        assert_eq!(peer.get(&one, &path(&closed)).await, refused);
        peer.join(&one, &open, &berta.id).await;
        assert_eq!(peer.get(&one, &path(&closed)).await.0, 200);
    })
    .await;
}
