//! What servers wrote at the same time.

use serde_json::json;

use super::shared;

#[tokio::test]
async fn messages_on_a_fork_are_both_shown_and_the_next_one_follows_both() {
    shared(async |mut shared| {
        let mut fork = shared.room.clone();
        let left = shared.room.text(&shared.boris, "left");
        let right = fork.text(&shared.boris, "right");
        shared.send("t1", &[&left]).await;
        shared.send("t2", &[&right]).await;
        let now = shared.stranger.room_of(&shared.server, &shared.room_id).await;
        assert_eq!(now.heads.len(), 2);
        shared.anna.send_text(&shared.room_id, "both").await;
        let now = shared.stranger.room_of(&shared.server, &shared.room_id).await;
        assert_eq!(now.heads.len(), 1);
        assert_eq!(shared.texts().await, ["left", "right", "both"]);
    })
    .await;
}

#[tokio::test]
async fn conflicting_states_resolve_the_same_in_both_orders() {
    shared(async |mut shared| {
        let mut levels = shared.state("m.room.power_levels", "").await;
        levels["users"][&shared.boris] = json!(50);
        shared
            .anna
            .set_state(&shared.room_id, "m.room.power_levels", "", levels)
            .await;
        let mut names = Vec::new();
        for order in [[0, 1], [1, 0]] {
            shared.server.clock().advance(std::time::Duration::from_secs(1));
            let base = shared.stranger.room_of(&shared.server, &shared.room_id).await;
            let (mut one, mut other) = (base.clone(), base);
            let topic = one.text(&shared.boris, &format!("first {order:?}"));
            // The later one by its time counts, whichever comes first.
            let named = [
                vec![
                    other.state_event(&shared.boris, "m.room.name", "", json!({ "name": "early" })),
                    other.state_event(
                        &shared.boris,
                        "m.room.topic",
                        "",
                        json!({ "topic": format!("{order:?}") }),
                    ),
                ],
                vec![
                    topic,
                    one.state_event(&shared.boris, "m.room.name", "", json!({ "name": "late" })),
                ],
            ];
            for (number, which) in order.into_iter().enumerate() {
                let events: Vec<_> = named[which].iter().map(|event| &**event).collect();
                shared
                    .send(
                        &format!("t{order:?}{number}").replace(['[', ']', ',', ' '], ""),
                        &events,
                    )
                    .await;
            }
            names.push(shared.state("m.room.name", "").await["name"].clone());
            assert_eq!(
                shared.state("m.room.topic", "").await["topic"],
                format!("{order:?}")
            );
            // Our own event merges the fork, and the state stays.
            shared.anna.send_text(&shared.room_id, "merged").await;
            let now = shared.stranger.room_of(&shared.server, &shared.room_id).await;
            assert_eq!(now.heads.len(), 1);
            shared.room = now;
        }
        assert_eq!(names, ["late", "late"]);
    })
    .await;
}

#[tokio::test]
async fn a_ban_on_one_side_of_a_fork_counts_for_the_whole_room() {
    shared(async |mut shared| {
        let mut levels = shared.state("m.room.power_levels", "").await;
        levels["users"][&shared.boris] = json!(50);
        shared
            .anna
            .set_state(&shared.room_id, "m.room.power_levels", "", levels)
            .await;
        let clara = shared.stranger.user("clara");
        shared.room = shared.stranger.room_of(&shared.server, &shared.room_id).await;
        let joined = shared.room.member(&clara, &clara, "join");
        shared.send("t1", &[&joined]).await;
        let mut fork = shared.room.clone();
        let banned = shared.room.member(&shared.boris, &clara, "ban");
        let named = fork.event(
            &clara,
            "m.room.message",
            json!({ "msgtype": "m.text", "body": "still here" }),
        );
        let renamed = fork.state_event(
            &clara,
            "m.room.member",
            &clara,
            json!({ "membership": "join", "displayname": "C" }),
        );
        shared.send("t2", &[&named, &renamed]).await;
        let since = shared.anna.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        shared.send("t3", &[&banned]).await;
        assert_eq!(shared.state("m.room.member", &clara).await["membership"], "ban");
        let sync = shared.anna.sync(Some(&since)).await;
        assert!(
            sync["rooms"]["join"][&shared.room_id]["timeline"]["events"]
                .to_string()
                .contains("ban"),
            "{sync}"
        );
        // What she writes after it isn't shown.
        let late = fork.text(&clara, "too late");
        shared.send("t4", &[&late]).await;
        assert_eq!(shared.texts().await, ["still here"]);
    })
    .await;
}

#[tokio::test]
async fn many_forks_leave_few_ends() {
    shared(async |shared| {
        let base = shared.room.clone();
        for number in 0..25 {
            let mut fork = base.clone();
            let text = fork.text(&shared.boris, &format!("fork {number}"));
            shared.send(&format!("t{number}"), &[&text]).await;
        }
        let now = shared.stranger.room_of(&shared.server, &shared.room_id).await;
        assert_eq!(now.heads.len(), 16);
        shared.anna.send_text(&shared.room_id, "merged").await;
        assert_eq!(shared.texts().await.len(), 26);
    })
    .await;
}
