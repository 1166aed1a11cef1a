//! What comes in order and is allowed.

use serde_json::json;

use super::shared;

#[tokio::test]
async fn a_message_of_another_server_is_read_and_answered() {
    shared(async |mut shared| {
        let since = shared.anna.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        let first = shared.room.text(&shared.boris, "hello from elsewhere");
        shared.send("t1", &[&first]).await;
        let sync = shared.anna.sync(Some(&since)).await;
        let timeline = &sync["rooms"]["join"][&shared.room_id]["timeline"]["events"];
        assert_eq!(timeline[0]["event_id"], json!(first.event_id()), "{sync}");
        assert_eq!(timeline[0]["sender"], json!(shared.boris));
        shared.anna.send_text(&shared.room_id, "hello back").await;
        assert_eq!(shared.texts().await, ["hello from elsewhere", "hello back"]);
        // Whoever writes next follows both.
        let now = shared.stranger.room_of(&shared.server, &shared.room_id).await;
        assert_eq!(now.heads.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_state_event_of_another_server_is_part_of_the_state() {
    shared(async |mut shared| {
        let levels = json!({ "users": { &shared.boris: 50 } });
        let mut levels = {
            let mut now = shared.state("m.room.power_levels", "").await;
            now["users"][&shared.boris] = levels["users"][&shared.boris].clone();
            now
        };
        levels.as_object_mut().expect("an object").remove("event_id");
        shared
            .anna
            .set_state(&shared.room_id, "m.room.power_levels", "", levels)
            .await;
        shared.room = shared.stranger.room_of(&shared.server, &shared.room_id).await;
        let named = shared
            .room
            .state_event(&shared.boris, "m.room.name", "", json!({ "name": "Elsewhere" }));
        let left = shared.room.member(&shared.boris, &shared.boris, "leave");
        shared.send("t1", &[&named, &left]).await;
        assert_eq!(shared.state("m.room.name", "").await["name"], "Elsewhere");
        let (_, joined) = shared.anna.get(&shared.path("joined_members")).await;
        assert_eq!(
            joined["joined"].as_object().expect("members").len(),
            1,
            "{joined}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_repeated_transaction_gets_the_same_answer_and_changes_nothing() {
    shared(async |mut shared| {
        let text = shared.room.text(&shared.boris, "once");
        let mut bad = serde_json::from_str::<serde_json::Value>(text.json()).expect("JSON");
        bad["origin_server_ts"] = json!(5);
        let pdus = vec![serde_json::from_str(text.json()).expect("JSON"), bad];
        let first = shared
            .stranger
            .send_json(&shared.server, "t1", pdus.clone())
            .await;
        assert_eq!(
            first.1["pdus"].as_object().expect("answers").len(),
            2,
            "{}",
            first.1
        );
        let again = shared
            .stranger
            .send_json(&shared.server, "t1", pdus.clone())
            .await;
        assert_eq!(first, again);
        shared.server.restart().await;
        let again = shared.stranger.send_json(&shared.server, "t1", vec![]).await;
        assert_eq!(first, again, "it is kept");
        let other = shared.stranger.send_json(&shared.server, "t2", pdus).await;
        assert_eq!(first.1, other.1);
        assert_eq!(shared.texts().await, ["once"]);
    })
    .await;
}

#[tokio::test]
async fn a_redaction_counts_whether_it_comes_before_or_after_its_target() {
    shared(async |mut shared| {
        let first = shared.room.text(&shared.boris, "one");
        let gone = shared.room.redact(&shared.boris, &first);
        shared.send("t1", &[&first]).await;
        shared.send("t2", &[&gone]).await;
        assert_eq!(shared.texts().await, ["-"]);
        // A redaction by another way than the target.
        let base = shared.room.clone();
        let second = shared.room.text(&shared.boris, "two");
        let mut fork = base;
        let gone = fork.redact(&shared.boris, &second);
        shared.send("t3", &[&gone]).await;
        shared.send("t4", &[&second]).await;
        assert_eq!(shared.texts().await, ["-", "-"]);
    })
    .await;
}

#[tokio::test]
async fn a_changed_content_leaves_the_redacted_form() {
    shared(async |mut shared| {
        let text = shared.room.text(&shared.boris, "as I wrote it");
        let mut changed = serde_json::from_str::<serde_json::Value>(text.json()).expect("JSON");
        changed["content"]["body"] = json!("as somebody changed it");
        let (status, answer) = shared
            .stranger
            .send_json(&shared.server, "t1", vec![changed])
            .await;
        assert_eq!(
            (status, &answer["pdus"][text.event_id().as_str()]),
            (200, &json!({})),
            "{answer}"
        );
        assert_eq!(shared.texts().await, ["-"]);
    })
    .await;
}
