//! A service that is really asked, over HTTP.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::put,
};
use rohrpost_core::appservices::{Appservices, Registration};
use rohrpost_testkit::{SERVER_NAME, TestServer};
use rohrpost_worker::appservices::Attempt;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Clone, Default)]
struct Service {
    heard: Arc<Mutex<Vec<(String, Value)>>>,
    answer: Arc<Mutex<StatusCode>>,
}

async fn listen(
    State(service): State<Service>,
    Path(txn): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    assert_eq!(headers["authorization"], "Bearer the token of the server");
    let body = serde_json::from_slice(&body).expect("JSON");
    service.heard.lock().expect("a test").push((txn, body));
    (*service.answer.lock().expect("a test"), "{}")
}

fn registration(url: &str) -> Registration {
    serde_json::from_value(json!({
        "id": "bridge", "url": url, "as_token": "the token of the bridge", "hs_token": "the token of the server",
        "sender_localpart": "_bridge", "receive_ephemeral": true,
        "namespaces": { "users": [{ "exclusive": true, "regex": "@_bridge_.*" }] },
    }))
    .expect("a registration")
}

#[tokio::test]
async fn a_service_is_told_in_order_and_the_same_again_until_it_takes_it() {
    let service = Service::default();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new()
        .route("/_matrix/app/v1/transactions/{txn}", put(listen))
        .with_state(service.clone());
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await });

    let services = Appservices::new(vec![registration(&url)], SERVER_NAME.try_into().expect("a name"));
    let services = services.expect("they can be used");
    TestServer::with(|settings| {
        settings.appservices = services.clone();
        settings.presence = true;
    })
    .each(async |server| {
        let step = async || server.tell_service("bridge").await;
        let heard = || std::mem::take(&mut *service.heard.lock().expect("a test"));
        *service.answer.lock().expect("a test") = StatusCode::OK;
        let alice = server.user("alice").await;
        let token = Some("the token of the bridge");
        let bridged = json!({ "type": "m.login.application_service", "username": "_bridge_bob" });
        let made = server.post("/_matrix/client/v3/register", token, bridged).await;
        assert_eq!(made.0, 200, "{}", made.1);
        assert_eq!(step().await, Attempt::Idle, "it is told from now on");

        let private = alice.create_room(json!({})).await;
        alice.send_text(&private, "not for bridges").await;
        assert_eq!(step().await, Attempt::Idle);
        let room = alice
            .create_room(json!({ "invite": ["@_bridge_bob:test.example"] }))
            .await;
        let path = format!(
            "/_matrix/client/v3/join/{}?user_id=%40_bridge_bob:test.example",
            rohrpost_testkit::enc(&room)
        );
        assert_eq!(server.post(&path, token, json!({})).await.0, 200);
        let event = alice.send_text(&room, "hello bridge").await;

        *service.answer.lock().expect("a test") = StatusCode::BAD_GATEWAY;
        assert_eq!(step().await, Attempt::Failed);
        alice.send_text(&room, "later").await;
        server.restart().await;
        assert_eq!(step().await, Attempt::Failed);
        *service.answer.lock().expect("a test") = StatusCode::OK;
        assert_eq!(step().await, Attempt::Taken);
        let first = heard();
        assert_eq!(first.len(), 3);
        assert!(first.iter().all(|(txn, _)| txn == "1"));
        let ids = |body: &Value| -> Vec<Value> {
            let events = body["events"].as_array().expect("events").iter();
            events.map(|event| event["event_id"].clone()).collect()
        };
        assert_eq!(
            ids(&first[0].1),
            ids(&first[2].1),
            "the same number is the same stretch"
        );
        let told = first[2].1.to_string();
        assert!(told.contains("hello bridge") && !told.contains("later"), "{told}");
        assert!(!told.contains("not for bridges"), "{told}");
        let last = first[2].1["events"]
            .as_array()
            .and_then(|events| events.last().cloned());
        let last = last.expect("events");
        assert_eq!(
            (&last["event_id"], &last["room_id"]),
            (&json!(event), &json!(room))
        );

        assert_eq!(step().await, Attempt::Taken);
        assert_eq!(step().await, Attempt::Idle);
        let second = heard();
        assert_eq!((second.len(), second[0].0.as_str()), (1, "2"));
        assert_eq!(second[0].1["events"][0]["content"]["body"], "later");

        let path = format!(
            "/_matrix/client/v3/rooms/{}/typing/{}",
            rohrpost_testkit::enc(&room),
            alice.id
        );
        assert_eq!(
            alice
                .put(&path, json!({ "typing": true, "timeout": 9000 }))
                .await
                .0,
            200
        );
        assert_eq!(step().await, Attempt::Taken);
        let third = heard();
        assert_eq!(third[0].1["ephemeral"][0]["type"], "m.typing");
        assert_eq!(
            third[0].1["ephemeral"][0]["content"]["user_ids"],
            json!([alice.id])
        );

        // What somebody reads in private is told to nobody but their own service.
        let receipt = |event: &str| {
            let (room, event) = (rohrpost_testkit::enc(&room), rohrpost_testkit::enc(event));
            format!("/_matrix/client/v3/rooms/{room}/receipt/m.read.private/{event}")
        };
        assert_eq!(alice.post(&receipt(&event), json!({})).await.0, 200);
        assert_eq!(step().await, Attempt::Idle);
        let own = format!("{}?user_id=%40_bridge_bob:test.example", receipt(&event));
        assert_eq!(server.post(&own, token, json!({})).await.0, 200);
        assert_eq!(step().await, Attempt::Taken);
        let told = &heard()[0].1["ephemeral"][0];
        assert_eq!(
            (&told["type"], &told["room_id"]),
            (&json!("m.receipt"), &json!(room))
        );
        let users = &told["content"][&event]["m.read.private"];
        assert!(users["@_bridge_bob:test.example"].is_object(), "{told}");
        assert!(users[alice.id.as_str()].is_null(), "{told}");

        // Presence, of those who are in a room with its users.
        let carol = server.user("carol").await;
        let set = |user: &rohrpost_testkit::User| format!("/_matrix/client/v3/presence/{}/status", user.id);
        let online = json!({ "presence": "online", "status_msg": "here" });
        assert_eq!(carol.put(&set(&carol), online.clone()).await.0, 200);
        assert_eq!(step().await, Attempt::Idle);
        assert_eq!(alice.put(&set(&alice), online).await.0, 200);
        assert_eq!(step().await, Attempt::Taken);
        let told = heard();
        let told = told[0].1["ephemeral"].as_array().expect("ephemeral");
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(
            (&told[0]["type"], &told[0]["sender"]),
            (&json!("m.presence"), &json!(alice.id))
        );
        assert_eq!(told[0]["content"]["presence"], "online");
        assert_eq!(told[0]["content"]["status_msg"], "here");
        assert_eq!(step().await, Attempt::Idle);
    })
    .await;
    tasks.shutdown().await;
}
