//! Invitations of users of other servers.

use rohrpost_testkit::enc;
use serde_json::{Value, json};

use super::{Elsewhere, elsewhere, value};

/// Invites Anna; answers status and JSON.
async fn invite(there: &mut Elsewhere, change: impl FnOnce(&mut Value)) -> (u16, Value) {
    let (boris, anna) = (there.boris.clone(), there.anna.id.to_string());
    let name = there
        .room
        .state_event(&boris, "m.room.name", "", json!({ "name": "For you" }));
    let invite = there.room.member(&boris, &anna, "invite");
    let create = there.room.state[&("m.room.create".into(), String::new())].clone();
    let mut body = json!({
        "room_version": there.room.version, "event": value(&invite),
        "invite_room_state": [value(&create), value(&name)],
    });
    change(&mut body);
    let path = format!(
        "/_matrix/federation/v2/invite/{}/{}",
        enc(&there.room_id()),
        enc(invite.event_id().as_str())
    );
    there.stranger.ask(&there.server, "PUT", &path, Some(body)).await
}

#[tokio::test]
async fn an_invitation_is_signed_shown_and_followed() {
    elsewhere(async |mut there| {
        let since = there.anna.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        let (status, answer) = invite(&mut there, |_| ()).await;
        assert_eq!(status, 200, "{answer}");
        let signatures = &answer["event"]["signatures"];
        assert!(signatures[there.server.name().as_str()].is_object(), "{answer}");
        let sync = there.anna.sync(Some(&since)).await;
        let shown = sync["rooms"]["invite"][there.room_id()]["invite_state"]["events"].to_string();
        assert!(
            shown.contains("For you") && shown.contains("\"invite\""),
            "{sync}"
        );
        let sliding = json!({ "lists": { "all": {
            "ranges": [[0, 9]], "timeline_limit": 1, "required_state": [],
        } } });
        let path = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";
        let (status, answer) = there.anna.post(path, sliding).await;
        assert_eq!(status, 200, "{answer}");
        assert!(
            answer["rooms"][there.room_id()].to_string().contains("For you"),
            "{answer}"
        );
        // The same again.
        // Joining needs no server named: who invited is in the room.
        there.welcomes();
        there.anna.join(&there.room_id()).await;
        let sync = there.anna.sync(Some(&since)).await;
        assert!(sync["rooms"]["join"][there.room_id()].is_object(), "{sync}");
        assert!(sync["rooms"]["invite"][there.room_id()].is_null(), "{sync}");
    })
    .await;
}

#[tokio::test]
async fn a_refused_invitation_goes_back_or_is_left_alone() {
    elsewhere(async |mut there| {
        assert_eq!(invite(&mut there, |_| ()).await.0, 200);
        let since = there.anna.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        let template = there.room.template(there.anna.id.as_str(), "leave");
        there
            .stranger
            .answers("GET /_matrix/federation/v1/make_leave/", template);
        there
            .stranger
            .answers("PUT /_matrix/federation/v2/send_leave/", json!({}));
        there.anna.leave(&there.room_id()).await;
        let handed = there.stranger.asked("PUT /_matrix/federation/v2/send_leave/");
        assert_eq!(handed[0].1["content"]["membership"], "leave");
        let sync = there.anna.sync(Some(&since)).await;
        assert!(sync["rooms"]["leave"][there.room_id()].is_object(), "{sync}");
        // Invited again, and nobody answers.
        let anna = there.anna.id.to_string();
        let boris = there.boris.clone();
        there.room.member(&boris, &anna, "leave");
        assert_eq!(invite(&mut there, |_| ()).await.0, 200);
        let refusal = json!({ "errcode": "M_UNKNOWN", "error": "out of order" });
        there
            .stranger
            .refuses("GET /_matrix/federation/v1/make_leave/", 500, refusal);
        let since = there.anna.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        there.anna.leave(&there.room_id()).await;
        let sync = there.anna.sync(Some(&since)).await;
        assert!(sync["rooms"]["leave"][there.room_id()].is_object(), "{sync}");
        let sync = there.anna.sync(None).await;
        assert!(sync["rooms"]["invite"].get(there.room_id()).is_none(), "{sync}");
    })
    .await;
}

#[tokio::test]
async fn invitations_that_arent_are_refused() {
    elsewhere(async |mut there| {
        let mut statuses = Vec::new();
        let changes: [fn(&mut Value); 5] = [
            |body| body["room_version"] = json!("1"),
            |body| body["event"]["content"]["membership"] = json!("join"),
            |body| body["event"]["signatures"] = json!({}),
            |body| body["event"]["state_key"] = json!("@nobody:b.example"),
            |body| body["event"]["content"]["displayname"] = json!("changed"),
        ];
        for change in changes {
            let (status, answer) = invite(&mut there, change).await;
            statuses.push((status, answer["errcode"].as_str().unwrap_or_default().to_owned()));
            let (boris, anna) = (there.boris.clone(), there.anna.id.to_string());
            there.room.member(&boris, &anna, "leave");
        }
        assert_eq!(statuses[0], (400, "M_INCOMPATIBLE_ROOM_VERSION".to_owned()));
        assert!(
            statuses.iter().all(|(status, _)| matches!(status, 400 | 403)),
            "{statuses:?}"
        );
        let sync = there.anna.sync(None).await;
        assert_eq!(
            sync["rooms"]["invite"]
                .as_object()
                .map_or(0, serde_json::Map::len),
            0
        );
        // In version 12 the room must be shown to be the one.
        if there.room.version.as_str() == "12" {
            let (status, answer) = invite(&mut there, |body| body["invite_room_state"] = json!([])).await;
            assert_eq!((status, &answer["errcode"]), (400, &json!("M_MISSING_PARAM")));
        }
    })
    .await;
}

#[tokio::test]
async fn who_takes_no_invitations_gets_none() {
    elsewhere(async |mut there| {
        let path = format!(
            "/_matrix/client/v3/user/{}/account_data/m.invite_permission_config",
            enc(there.anna.id.as_str())
        );
        assert_eq!(
            there
                .anna
                .put(&path, json!({ "default_action": "block" }))
                .await
                .0,
            200
        );
        let (status, answer) = invite(&mut there, |_| ()).await;
        assert_eq!(
            (status, &answer["errcode"]),
            (403, &json!("M_INVITE_BLOCKED")),
            "{answer}"
        );
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_taken_back_by_the_server_that_sent_it_alone() {
    elsewhere(async |mut there| {
        assert_eq!(invite(&mut there, |_| ()).await.0, 200);
        let since = there.anna.sync(None).await["next_batch"]
            .as_str()
            .expect("a token")
            .to_owned();
        let (boris, anna) = (there.boris.clone(), there.anna.id.to_string());
        let text = there.room.text(&boris, "of no concern");
        let back = there.room.member(&boris, &anna, "leave");
        let other = there
            .stranger
            .user("clara")
            .replace(there.stranger.name().as_str(), "c.example");
        let forged = there.room.resign(&back, |event| event["sender"] = json!(other));
        let answer = there.stranger.send(&there.server, "t1", &[&text, &forged]).await;
        assert!(
            answer
                .as_object()
                .expect("answers")
                .values()
                .all(|result| *result != json!({})),
            "{answer}"
        );
        let sync = there.anna.sync(Some(&since)).await;
        assert!(sync["rooms"]["leave"][there.room_id()].is_null(), "{sync}");
        let answer = there.stranger.send(&there.server, "t2", &[&back]).await;
        assert_eq!(answer[back.event_id().as_str()], json!({}), "{answer}");
        let sync = there.anna.sync(Some(&since)).await;
        assert!(sync["rooms"]["leave"][there.room_id()].is_object(), "{sync}");
    })
    .await;
}
