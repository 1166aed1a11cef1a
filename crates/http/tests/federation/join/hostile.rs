//! Servers that offer or tell what can't be.

use serde_json::{Value, json};

use super::{check_own, elsewhere, value};

#[tokio::test]
async fn nothing_is_signed_but_what_was_wanted() {
    elsewhere(async |there| {
        let good = there.room.template(there.anna.id.as_str(), "join");
        let changes: [fn(&mut Value); 6] = [
            |event| event["type"] = json!("m.room.power_levels"),
            |event| event["sender"] = json!("@admin:b.example"),
            |event| event["state_key"] = json!("@admin:b.example"),
            |event| event["room_id"] = json!("!victim:b.example"),
            |event| event["content"]["membership"] = json!("ban"),
            |event| event["content"]["join_authorised_via_users_server"] = json!("@admin:b.example"),
        ];
        for change in changes {
            let mut template = good.clone();
            change(&mut template["event"]);
            check_own(&template, &there);
            there
                .stranger
                .answers("GET /_matrix/federation/v1/make_join/", template);
            let (status, answer) = there.join().await;
            assert_eq!(status, 502, "{answer}");
            assert!(
                there.stranger.asked("PUT /").is_empty(),
                "nothing was handed over"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_state_that_cant_be_is_not_taken() {
    elsewhere(async |mut there| {
        there.welcomes();
        let good = there.room.join_answer();
        let boris = there.boris.clone();
        let text = there.room.clone().text(&boris, "no state");
        let twice =
            there
                .room
                .clone()
                .state_event(&boris, "m.room.join_rules", "", json!({ "join_rule": "public" }));
        let without_create: Vec<Value> = good["state"]
            .as_array()
            .expect("events")
            .iter()
            .filter(|event| event["type"] != "m.room.create")
            .cloned()
            .collect();
        let with = |event: Value| {
            let mut state = good["state"].as_array().expect("events").clone();
            state.push(event);
            json!(state)
        };
        for state in [
            json!([]),
            json!(without_create),
            with(value(&text)),
            with(value(&twice)),
        ] {
            let mut answer = good.clone();
            answer["state"] = state;
            there
                .stranger
                .answers("PUT /_matrix/federation/v2/send_join/", answer);
            let (status, answer) = there.join().await;
            assert_eq!(status, 502, "{answer}");
        }
        let mut omitted = good.clone();
        omitted["members_omitted"] = json!(true);
        there
            .stranger
            .answers("PUT /_matrix/federation/v2/send_join/", omitted);
        assert_eq!(there.join().await.0, 502);
        let sync = there.anna.sync(None).await;
        assert_eq!(
            sync["rooms"]["join"].as_object().map_or(0, serde_json::Map::len),
            0
        );
        // What isn't signed, or isn't allowed by what it cites, is left out; the rest is a room.
        let clara = there.stranger.user("clara");
        let mut unsigned = value(&there.room.clone().member(&clara, &clara, "join"));
        unsigned["signatures"] = json!({});
        let mut cheat = there.room.clone();
        let dora = there.stranger.user("dora");
        let own = cheat.member(&dora, &dora, "join");
        let promoted = cheat.resign(&own, |event| {
            event["type"] = json!("m.room.topic");
            event["state_key"] = json!("");
            event["content"] = json!({ "topic": "mine" });
        });
        let mut answer = good.clone();
        let state = answer["state"].as_array_mut().expect("events");
        state.extend([unsigned, value(&promoted)]);
        there
            .stranger
            .answers("PUT /_matrix/federation/v2/send_join/", answer);
        let (status, answer) = there.join().await;
        assert_eq!(status, 200, "{answer}");
        let path = |rest: &str| {
            format!(
                "/_matrix/client/v3/rooms/{}/{rest}",
                rohrpost_testkit::enc(there.room.room_id.as_str())
            )
        };
        let (_, members) = there.anna.get(&path("joined_members")).await;
        assert_eq!(
            members["joined"].as_object().expect("members").len(),
            2,
            "{members}"
        );
        assert_eq!(there.anna.get(&path("state/m.room.topic/")).await.0, 404);
        there.boris.clear();
    })
    .await;
}
