//! What isn't let in.

use rohrpost_testkit::Neighbours;
use serde_json::{Value, json};

use super::{Shared, shared};

fn value(pdu: &rohrpost_room::Pdu) -> Value {
    serde_json::from_str(pdu.json()).expect("JSON")
}

#[tokio::test]
async fn a_rejected_event_and_what_cites_it_are_shown_nowhere() {
    shared(async |shared| {
        // As if Boris had the power to do so.
        let mut cheat = shared.room.clone();
        let key = (ruma::events::StateEventType::RoomPowerLevels, String::new());
        let levels = cheat.state.remove(&key).expect("power levels");
        let promoted = json!({ "users": { &shared.boris: 100 }, "users_default": 100 });
        let forged = forge(&levels, promoted, &cheat.room_id);
        cheat.state.insert(key.clone(), forged);
        let renamed = cheat.state_event(&shared.boris, "m.room.name", "", json!({ "name": "Mine" }));
        // It cites power levels that nobody knows: nothing is decided.
        let answer = shared.stranger.send(&shared.server, "t1", &[&renamed]).await;
        assert_ne!(answer[renamed.event_id().as_str()], json!({}), "{answer}");

        // With the true ones it is rejected, and so is what follows the lie.
        let mut lied = shared.room.clone();
        lied.state
            .insert(key.clone(), levels_like(&levels, &shared.boris));
        let renamed = lied.state_event(&shared.boris, "m.room.name", "", json!({ "name": "Mine" }));
        let renamed = shared.room.resign(&renamed, |event| {
            event["auth_events"] = json!(auth_of(&shared.room, &shared.boris));
        });
        let text = {
            let mut after = shared.room.clone();
            after.heads = vec![renamed.event_id().to_owned()];
            after.text(&shared.boris, "after it")
        };
        shared.send("t2", &[&renamed, &text]).await;
        assert_ne!(shared.state("m.room.name", "").await["name"], "Mine");
        assert!(!shared.sees(renamed.event_id()).await);
        // What merely follows it is an event like any other.
        assert_eq!(shared.texts().await, ["after it"]);
        // What cites it as what allows it is rejected, too.
        let citing = shared.room.resign(&text, |event| {
            let mut auth = auth_of(&shared.room, &shared.boris);
            auth.push(renamed.event_id().to_string());
            event["auth_events"] = json!(auth);
            event["content"]["body"] = json!("cites it");
        });
        shared.send("t3", &[&citing]).await;
        assert_eq!(shared.texts().await, ["after it"]);
        assert!(!shared.sees(citing.event_id()).await);
        let sync = shared.anna.sync(None).await.to_string();
        for hidden in [renamed.event_id(), citing.event_id()] {
            assert!(!sync.contains(hidden.as_str()));
        }
        // Sent again, they are still rejected.
        shared.send("t4", &[&renamed, &citing]).await;
        assert_ne!(shared.state("m.room.name", "").await["name"], "Mine");
    })
    .await;
}

/// The events by which a member may write.
fn auth_of(room: &rohrpost_testkit::ForeignRoom, user: &str) -> Vec<String> {
    [
        ("m.room.create", ""),
        ("m.room.power_levels", ""),
        ("m.room.member", user),
    ]
    .into_iter()
    .filter(|(kind, _)| *kind != "m.room.create" || room.version.as_str() != "12")
    .map(|(kind, key)| room.state[&(kind.into(), key.to_owned())].event_id().to_string())
    .collect()
}

fn levels_like(levels: &rohrpost_room::Pdu, user: &str) -> std::sync::Arc<rohrpost_room::Pdu> {
    let content = json!({ "users": { user: 100 }, "users_default": 100 });
    let mut event = value(levels);
    event["content"] = content;
    let json = event.to_string();
    let pdu = rohrpost_room::Pdu::from_stored(levels.room_id(), levels.event_id(), &json);
    std::sync::Arc::new(pdu.expect("an event"))
}

/// Power levels that were never sent.
fn forge(
    levels: &rohrpost_room::Pdu,
    content: Value,
    room_id: &ruma::RoomId,
) -> std::sync::Arc<rohrpost_room::Pdu> {
    let mut event = value(levels);
    event["content"] = content;
    let id = ruma::event_id!("$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB");
    let pdu = rohrpost_room::Pdu::from_stored(room_id, id, &event.to_string());
    std::sync::Arc::new(pdu.expect("an event"))
}

#[tokio::test]
async fn what_the_present_state_doesnt_allow_is_kept_apart() {
    shared(async |mut shared| {
        let mut fork = shared.room.clone();
        let path = shared.path("ban");
        let (status, answer) = shared.anna.post(&path, json!({ "user_id": shared.boris })).await;
        assert_eq!(status, 200, "{answer}");
        // He was in the room where he wrote it, and isn't any more.
        let late = fork.text(&shared.boris, "I was never banned");
        let later = fork.text(&shared.boris, "and this neither");
        shared.send("t1", &[&late, &later]).await;
        assert_eq!(shared.texts().await, [""; 0]);
        assert!(!shared.sees(late.event_id()).await);
        let now = shared.stranger.room_of(&shared.server, &shared.room_id).await;
        assert_eq!(now.heads.len(), 1, "no end of the room");
        assert!(!now.heads.contains(&later.event_id().to_owned()));
        assert!(!shared.anna.sync(None).await.to_string().contains("never banned"));
        shared.room = now;
    })
    .await;
}

#[tokio::test]
async fn a_readable_message_in_an_encrypted_room_is_kept_and_not_shown() {
    let neighbours = Neighbours::new();
    let server = neighbours
        .with(|settings| settings.encryption = rohrpost_room::Encryption::Default)
        .sqlite()
        .await;
    let create = json!({ "preset": "public_chat", "initial_state": [{
        "type": "m.room.encryption", "state_key": "", "content": { "algorithm": "m.megolm.v1.aes-sha2" },
    }] });
    let mut shared = Shared::on(server.clone(), neighbours.stranger().await, create).await;
    let clear = shared.room.text(&shared.boris, "for everybody to read");
    let secret = json!({ "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgA", "session_id": "s" });
    let secret = shared.room.event(&shared.boris, "m.room.encrypted", secret);
    shared.send("t1", &[&clear, &secret]).await;
    assert!(!shared.sees(clear.event_id()).await);
    assert!(shared.sees(secret.event_id()).await);
    server.close().await;
}

#[tokio::test]
async fn each_event_of_a_transaction_is_on_its_own() {
    shared(async |mut shared| {
        let acl = json!({ "allow": ["*"], "deny": ["evil.example"] });
        shared
            .anna
            .set_state(&shared.room_id, "m.room.server_acl", "", acl)
            .await;
        shared.room = shared.stranger.room_of(&shared.server, &shared.room_id).await;
        let good = shared.room.text(&shared.boris, "good");
        let unsigned = shared
            .room
            .resign(&good, |event| event["content"]["body"] = json!("unsigned"));
        let mut nobody = value(&unsigned);
        nobody["signatures"] = json!({});
        let mut elsewhere = value(&good);
        elsewhere["room_id"] = json!("!nowhere:b.example");
        let mut evil = value(&good);
        evil["sender"] = json!("@mallory:evil.example");
        let mut deep = value(&good);
        deep["depth"] = json!("5");
        let pdus = vec![
            json!(7),
            json!({}),
            nobody,
            elsewhere,
            evil,
            deep,
            json!("text"),
            value(&good),
        ];
        let (status, answer) = shared.stranger.send_json(&shared.server, "t1", pdus).await;
        assert_eq!(status, 200, "{answer}");
        let pdus = answer["pdus"].as_object().expect("answers");
        assert_eq!(pdus[good.event_id().as_str()], json!({}));
        assert_eq!(
            pdus.values().filter(|result| **result != json!({})).count(),
            3,
            "{answer}"
        );
        assert_eq!(shared.texts().await, ["good"]);
        // Too many at once are too many.
        let many = vec![value(&good); 51];
        assert_eq!(shared.stranger.send_json(&shared.server, "t2", many).await.0, 400);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_the_room_doesnt_want_is_refused() {
    shared(async |mut shared| {
        let mut levels = shared.state("m.room.power_levels", "").await;
        levels["users"][&shared.boris] = json!(100);
        shared
            .anna
            .set_state(&shared.room_id, "m.room.power_levels", "", levels)
            .await;
        shared.room = shared.stranger.room_of(&shared.server, &shared.room_id).await;
        // It keeps everybody out, this server as well.
        let acl = json!({ "allow": ["*"], "deny": ["127.0.0.1"], "allow_ip_literals": true });
        let acl = shared
            .room
            .state_event(&shared.boris, "m.room.server_acl", "", acl);
        shared.send("acl", &[&acl]).await;
        let text = shared.room.text(&shared.boris, "knock knock");
        let answer = shared.stranger.send(&shared.server, "t1", &[&text]).await;
        assert_ne!(answer[text.event_id().as_str()], json!({}), "{answer}");
        assert_eq!(shared.texts().await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_room_has_one_create_event() {
    shared(async |shared| {
        if shared.room.version.as_str() == "12" {
            // There, another create event founds another room.
            return;
        }
        let second = shared.stranger.room("11", "boris");
        let create = second.state[&("m.room.create".into(), String::new())].clone();
        let create = shared
            .room
            .resign(&create, |event| event["room_id"] = json!(shared.room_id));
        shared.send("t1", &[&create]).await;
        assert!(!shared.sees(create.event_id()).await);
        let now = shared.stranger.room_of(&shared.server, &shared.room_id).await;
        assert_eq!(now.heads, shared.room.heads);
    })
    .await;
}
