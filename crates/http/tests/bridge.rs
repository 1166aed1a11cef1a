//! What this server asks of application services while somebody waits, with one that really listens; on both engines.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{Router, body::to_bytes, extract::State};
use http::{Request, StatusCode};
use rohrpost_core::appservices::{Appservices, Registration};
use rohrpost_testkit::{SERVER_NAME, TestServer, User, enc};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

pub(crate) const TOKEN: &str = "the token of the bridge";
const OTHER: &str = "the token of the other";
const PING: &str = "/_matrix/client/v1/appservice/bridge/ping";
const THIRD_PARTY: &str = "/_matrix/client/v3/thirdparty";

/// A service that listens: it makes what it is asked for, if the name has `yes` in it. Of `nothing` it knows nothing.
#[derive(Clone, Default)]
pub(crate) struct Bridge {
    heard: Arc<Mutex<Vec<(String, Value)>>>,
    /// The server that asks.
    server: Arc<Mutex<Option<TestServer>>>,
    /// Answers everything with this status, if it is there.
    refuses: Arc<Mutex<Option<StatusCode>>>,
    /// And with this errcode, or `M_FORBIDDEN`.
    errcode: Arc<Mutex<Option<&'static str>>>,
}

impl Bridge {
    /// Begins to listen, until the tasks are dropped. Answers what an operator would set, too.
    pub(crate) async fn start() -> (Self, Appservices, JoinSet<std::io::Result<()>>) {
        let bridge = Self::default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(listen).with_state(bridge.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await });
        (bridge, services(&url), tasks)
    }

    fn heard(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The paths it was asked for since the last call.
    fn asked(&self) -> Vec<String> {
        self.heard().into_iter().map(|(asked, _)| asked).collect()
    }

    fn refuse(&self, status: Option<StatusCode>) {
        *self.refuses.lock().expect("a test") = status;
    }

    fn serves(&self, server: Option<&TestServer>) {
        *self.server.lock().expect("a test") = server.cloned();
    }

    async fn make_user(&self, name: &str) {
        let server = self.server.lock().expect("a test").clone().expect("a server");
        let body = json!({ "type": "m.login.application_service", "username": name });
        let made = server
            .post("/_matrix/client/v3/register", Some(TOKEN), body)
            .await;
        assert_eq!(made.0, 200, "{}", made.1);
    }

    async fn make_room(&self, alias: &str) {
        let server = self.server.lock().expect("a test").clone().expect("a server");
        let body = json!({ "room_alias_name": alias, "preset": "public_chat" });
        let made = server
            .post("/_matrix/client/v3/createRoom", Some(TOKEN), body)
            .await;
        assert_eq!(made.0, 200, "{}", made.1);
    }

    async fn answer(&self, path: &str, query: &str) -> (StatusCode, Value) {
        if let Some(status) = *self.refuses.lock().expect("a test") {
            let errcode = self.errcode.lock().expect("a test").unwrap_or("M_FORBIDDEN");
            return (status, json!({ "errcode": errcode }));
        }
        let nothing = (StatusCode::NOT_FOUND, json!({ "errcode": "ORG.EXAMPLE_NOTHING" }));
        let found = |found: Value| (StatusCode::OK, found);
        if query.contains("nothing") {
            return nothing;
        }
        let decoded = path.replace("%23", "#");
        let parts: Vec<&str> = decoded
            .trim_start_matches("/under/_matrix/app/v1/")
            .split('/')
            .collect();
        let local = |id: &str| id[1..].split(':').next().unwrap_or_default().to_owned();
        match *parts {
            ["ping"] => found(json!({})),
            ["users", user] if user.contains("yes") => {
                self.make_user(&local(user)).await;
                found(json!({}))
            }
            ["rooms", alias] if alias.contains("yes") => {
                self.make_room(&local(alias)).await;
                found(json!({}))
            }
            ["thirdparty", "protocol", "irc"] => found(json!({
                "user_fields": ["nick"], "location_fields": ["channel"], "icon": "mxc://test.example/irc",
                "field_types": { "nick": { "regexp": "[a-z]+", "placeholder": "nick" } },
                "instances": [{ "desc": "An IRC network", "fields": {}, "network_id": "net" }],
            })),
            ["thirdparty", "location", "irc"] | ["thirdparty", "location"] => found(json!([
                { "alias": "#_bridge_a:test.example", "protocol": "irc", "fields": { "channel": "#a" } },
                { "alias": 7 },
            ])),
            ["thirdparty", "user", "irc"] | ["thirdparty", "user"] => found(json!([
                { "userid": "@_bridge_a:test.example", "protocol": "irc", "fields": { "nick": "a" } },
            ])),
            _ => nothing,
        }
    }
}

async fn listen(State(bridge): State<Bridge>, request: axum::extract::Request) -> (StatusCode, String) {
    let (parts, body) = request.into_parts();
    assert_eq!(parts.headers["authorization"], "Bearer the token of the server");
    let body = to_bytes(body, 1_000_000).await.expect("a body");
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let asked = format!("{} {}", parts.method, parts.uri);
    bridge.heard.lock().expect("a test").push((asked, body));
    let (status, answer) = bridge
        .answer(parts.uri.path(), parts.uri.query().unwrap_or_default())
        .await;
    (status, answer.to_string())
}

fn services(url: &str) -> Appservices {
    let registrations = [
        json!({ "id": "bridge", "url": format!("{url}/under/"), "as_token": TOKEN,
            "hs_token": "the token of the server", "sender_localpart": "_bridge", "protocols": ["irc"],
            "namespaces": { "users": [{ "exclusive": true, "regex": "@_bridge_.*" }],
                "aliases": [{ "exclusive": true, "regex": "#_bridge_.*" }] } }),
        // Nobody listens there.
        json!({ "id": "other", "url": "http://127.0.0.1:1", "as_token": OTHER, "hs_token": "the token of the server",
            "sender_localpart": "_other", "protocols": ["irc", "xmpp"],
            "namespaces": { "users": [{ "exclusive": true, "regex": "@_other_.*" }],
                "aliases": [{ "exclusive": true, "regex": "#_other_.*" }] } }),
        json!({ "id": "silent", "url": null, "as_token": "the token of the silent one",
            "hs_token": "the token of the server", "sender_localpart": "_silent", "namespaces": {} }),
    ];
    let registrations =
        registrations.map(|one| serde_json::from_value::<Registration>(one).expect("a registration"));
    Appservices::new(registrations.into(), SERVER_NAME.try_into().expect("a name")).expect("they can be used")
}

/// Runs a test on both engines, with the services.
async fn with_bridge(test: impl AsyncFn(TestServer, Bridge)) {
    let (bridge, services, mut tasks) = Bridge::start().await;
    TestServer::with(|settings| settings.appservices = services)
        .each(async |server| {
            bridge.serves(Some(&server));
            bridge.refuse(None);
            bridge.heard();
            test(server, bridge.clone()).await;
            bridge.serves(None);
        })
        .await;
    tasks.shutdown().await;
}

fn refusal(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errcode"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_service_is_told_whether_it_can_be_reached() {
    with_bridge(async |server, bridge| {
        let alice = server.user("alice").await;
        let body = json!({ "transaction_id": "meow" });
        for _ in 0..2 {
            let (status, answer) = server.post(PING, Some(TOKEN), body.clone()).await;
            assert_eq!(status, 200, "{answer}");
            assert!(answer["duration_ms"].is_u64(), "{answer}");
            assert_eq!(
                bridge.heard(),
                [("POST /under/_matrix/app/v1/ping".to_owned(), body.clone())]
            );
        }
        assert_eq!(server.post(PING, Some(TOKEN), json!({})).await.0, 200);
        assert_eq!(bridge.heard()[0].1, json!({}), "no transaction id");
        bridge.refuse(Some(StatusCode::FORBIDDEN));
        let answer = server.post(PING, Some(TOKEN), body.clone()).await;
        assert_eq!(refusal(&answer), (502, "M_BAD_STATUS"));
        assert_eq!(answer.1["status"], 403);
        assert_eq!(answer.1["body"], r#"{"errcode":"M_FORBIDDEN"}"#);
        assert_eq!(bridge.asked().len(), 1);

        let ping = |id: &str| format!("/_matrix/client/v1/appservice/{id}/ping");
        for (path, token, expected) in [
            (ping("other"), Some(OTHER), (502, "M_CONNECTION_FAILED")),
            (
                ping("silent"),
                Some("the token of the silent one"),
                (400, "M_URL_NOT_SET"),
            ),
            (ping("other"), Some(TOKEN), (403, "M_FORBIDDEN")),
            (ping("unknown"), Some(TOKEN), (403, "M_FORBIDDEN")),
            (ping("bridge"), Some(&*alice.token), (403, "M_FORBIDDEN")),
            (ping("bridge"), None, (401, "M_MISSING_TOKEN")),
        ] {
            let answer = server.post(&path, token, body.clone()).await;
            assert_eq!(refusal(&answer), expected, "{path} {token:?}");
        }
        let malformed = server
            .post(PING, Some(TOKEN), json!({ "transaction_id": 7 }))
            .await;
        assert_eq!(refusal(&malformed), (400, "M_BAD_JSON"));
        assert!(bridge.asked().is_empty());
    })
    .await;
}

#[tokio::test]
async fn users_of_a_service_are_made_when_they_are_asked_for() {
    with_bridge(async |server, bridge| {
        let alice = server.user("alice").await;
        let profile = |name: &str| {
            format!(
                "/_matrix/client/v3/profile/{}",
                enc(&format!("@{name}:test.example"))
            )
        };
        let asked = |name: &str| [format!("GET /under/_matrix/app/v1/users/@{name}:test.example")];

        // Strangers make this server ask nobody.
        assert_eq!(server.get(&profile("_bridge_yes1"), None).await.0, 404);
        assert!(bridge.asked().is_empty());
        assert_eq!(alice.get(&profile("_bridge_yes1")).await.0, 200);
        assert_eq!(bridge.asked(), asked("_bridge_yes1"));
        assert_eq!(alice.get(&profile("_bridge_yes1")).await.0, 200);
        let field = format!("{}/displayname", profile("_bridge_yes1"));
        assert_eq!(alice.get(&field).await.0, 200);
        assert!(bridge.asked().is_empty(), "they are there");

        assert_eq!(
            refusal(&alice.get(&profile("_bridge_no")).await),
            (404, "M_NOT_FOUND")
        );
        assert_eq!(bridge.asked(), asked("_bridge_no"));
        for foreign in ["nobody", "x_bridge_yes"] {
            assert_eq!(alice.get(&profile(foreign)).await.0, 404);
        }
        assert_eq!(server.get(&profile("_bridge_yes0"), Some(TOKEN)).await.0, 404);
        assert!(
            bridge.asked().is_empty(),
            "not of other names, and not the one who asks"
        );

        let room = alice
            .create_room(json!({ "invite": ["@_bridge_yes2:test.example"] }))
            .await;
        assert_eq!(bridge.asked(), asked("_bridge_yes2"));
        let invite = format!("/_matrix/client/v3/rooms/{}/invite", enc(&room));
        let body = |name: &str| json!({ "user_id": format!("@{name}:test.example") });
        assert_eq!(alice.post(&invite, body("_bridge_yes3")).await, (200, json!({})));
        assert_eq!(bridge.asked(), asked("_bridge_yes3"));
        alice
            .set_state(
                &room,
                "m.room.member",
                "@_bridge_yes4:test.example",
                json!({ "membership": "invite" }),
            )
            .await;
        assert_eq!(bridge.asked(), asked("_bridge_yes4"));
        assert_eq!(
            refusal(&alice.post(&invite, body("_bridge_no")).await),
            (404, "M_NOT_FOUND")
        );
        bridge.refuse(Some(StatusCode::INTERNAL_SERVER_ERROR));
        assert_eq!(
            refusal(&alice.post(&invite, body("_bridge_yes5")).await),
            (404, "M_NOT_FOUND")
        );
        bridge.heard();

        // Nobody knows whether there is such a user as long as their service doesn't answer.
        let answer = alice.post(&invite, body("_other_x")).await;
        assert_eq!(refusal(&answer), (408, "M_UNKNOWN"));
        assert_eq!(
            refusal(&alice.get(&profile("_other_x")).await),
            (408, "M_UNKNOWN")
        );
    })
    .await;
}

#[tokio::test]
async fn rooms_of_a_service_are_made_when_their_address_is_asked_for() {
    with_bridge(async |server, bridge| {
        let alice = server.user("alice").await;
        let alias = |name: &str| enc(&format!("#{name}:test.example"));
        let directory = |name: &str| format!("/_matrix/client/v3/directory/room/{}", alias(name));
        let asked = |name: &str| [format!("GET /under/_matrix/app/v1/rooms/%23{name}:test.example")];

        assert_eq!(server.get(&directory("_bridge_yes1"), None).await.0, 404);
        assert!(bridge.asked().is_empty(), "strangers make this server ask nobody");
        let (status, found) = alice.get(&directory("_bridge_yes1")).await;
        assert_eq!(status, 200, "{found}");
        assert_eq!(bridge.asked(), asked("_bridge_yes1"));
        assert_eq!(alice.get(&directory("_bridge_yes1")).await, (200, found));
        assert!(bridge.asked().is_empty(), "it is there");

        let join = |name: &str| format!("/_matrix/client/v3/join/{}", alias(name));
        let (status, joined) = alice.post(&join("_bridge_yes2"), json!({})).await;
        assert_eq!(status, 200, "{joined}");
        assert_eq!(bridge.asked(), asked("_bridge_yes2"));
        assert_eq!(alice.post(&join("_bridge_yes2"), json!({})).await, (200, joined));
        assert_eq!(
            refusal(&alice.post(&join("_bridge_no"), json!({})).await),
            (404, "M_NOT_FOUND")
        );
        assert_eq!(bridge.asked(), asked("_bridge_no"));
        assert_eq!(alice.post(&join("elsewhere"), json!({})).await.0, 404);
        assert!(bridge.asked().is_empty());
        assert_eq!(
            refusal(&alice.post(&join("_other_x"), json!({})).await),
            (408, "M_UNKNOWN")
        );

        // Its addresses are the service's to take away.
        let gone = alice.delete(&directory("_bridge_yes1")).await;
        assert_eq!(refusal(&gone), (400, "M_EXCLUSIVE"));
        assert_eq!(
            server.delete(&directory("_bridge_yes1"), Some(TOKEN)).await.0,
            200
        );
    })
    .await;
}

#[tokio::test]
async fn a_service_that_knows_no_versions_is_asked_as_before_them() {
    with_bridge(async |server, bridge| {
        let alice = server.user("alice").await;
        bridge.refuse(Some(StatusCode::NOT_IMPLEMENTED));
        let unknown = alice
            .get("/_matrix/client/v3/profile/%40_bridge_x%3Atest.example")
            .await;
        assert_eq!(unknown.0, 404);
        assert_eq!(bridge.asked().len(), 1, "it says why");
        for (path, before) in [
            (
                "/_matrix/client/v3/thirdparty/protocol/irc",
                "GET /under/_matrix/app/unstable/thirdparty/protocol/irc",
            ),
            (
                "/_matrix/client/v3/profile/%40_bridge_x%3Atest.example",
                "GET /under/users/@_bridge_x:test.example",
            ),
        ] {
            bridge.refuse(Some(StatusCode::METHOD_NOT_ALLOWED));
            *bridge.errcode.lock().expect("a test") = Some("M_UNRECOGNIZED");
            assert_eq!(alice.get(path).await.0, 404);
            assert_eq!(bridge.asked()[1], before);
        }
        *bridge.errcode.lock().expect("a test") = None;
    })
    .await;
}

#[tokio::test]
async fn networks_are_what_their_services_say() {
    with_bridge(async |server, bridge| {
        let alice = server.user("alice").await;
        let (status, protocols) = alice.get(&format!("{THIRD_PARTY}/protocols")).await;
        assert_eq!(status, 200);
        let irc = &protocols["irc"];
        assert_eq!(irc["instances"][0]["network_id"], "net");
        assert_eq!(irc["instances"][0]["instance_id"], "bridge|net");
        assert!(protocols["xmpp"].is_null(), "its service doesn't answer");
        let (status, one) = alice.get(&format!("{THIRD_PARTY}/protocol/irc")).await;
        assert_eq!((status, &one), (200, irc));
        bridge.heard();

        let (status, found) = alice
            .get(&format!("{THIRD_PARTY}/location/irc?channel=%23a&access_token=secret&user_id=%40x"))
            .await;
        assert_eq!(
            (status, found),
            (
                200,
                json!([{ "alias": "#_bridge_a:test.example", "protocol": "irc", "fields": { "channel": "#a" } }])
            )
        );
        assert_eq!(
            bridge.asked(),
            ["GET /under/_matrix/app/v1/thirdparty/location/irc?channel=%23a"]
        );
        for path in [
            "user/irc?nick=a",
            "user?userid=%40_bridge_a%3Atest.example",
            "location?alias=%23_bridge_a%3Atest.example",
        ] {
            let (status, found) = alice.get(&format!("{THIRD_PARTY}/{path}")).await;
            assert_eq!((status, &found[0]["protocol"]), (200, &json!("irc")), "{path}");
            assert_eq!(alice.get(&format!("{THIRD_PARTY}/{path}")).await, (200, found), "again");
        }
        bridge.refuse(Some(StatusCode::NOT_FOUND));
        for path in [
            "protocol/xmpp",
            "protocol/gopher",
            "location/gopher",
            "location/irc",
            "user/irc",
            "user/gopher",
            "user?userid=%40nobody%3Atest.example",
            "location?alias=%23nothing%3Atest.example",
        ] {
            let path = format!("{THIRD_PARTY}/{path}");
            assert_eq!(refusal(&alice.get(&path).await), (404, "M_NOT_FOUND"), "{path}");
            assert_eq!(refusal(&server.get(&path, None).await), (401, "M_MISSING_TOKEN"), "{path}");
        }
        let many: Vec<String> = (0..51).map(|n| format!("f{n}=x")).collect();
        let path = format!("{THIRD_PARTY}/user/irc?{}", many.join("&"));
        assert_eq!(refusal(&alice.get(&path).await), (400, "M_INVALID_PARAM"));
        assert_eq!(refusal(&alice.get(&format!("{THIRD_PARTY}/user")).await).0, 400);
    })
    .await;
}

async fn listed(user: &User, network: Value) -> Vec<Value> {
    let (status, list) = user.post("/_matrix/client/v3/publicRooms", network).await;
    assert_eq!(status, 200, "{list}");
    let rooms = list["chunk"].as_array().expect("rooms");
    assert_eq!(list["total_room_count_estimate"], rooms.len(), "{list}");
    rooms.iter().map(|room| room["room_id"].clone()).collect()
}

#[tokio::test]
async fn a_service_keeps_lists_of_rooms_for_its_networks() {
    with_bridge(async |server, _| {
        let alice = server.user("alice").await;
        let open = alice.create_room(json!({ "visibility": "public" })).await;
        let (_, made) = server
            .post(
                "/_matrix/client/v3/createRoom",
                Some(TOKEN),
                json!({ "name": "irc" }),
            )
            .await;
        let portal = made["room_id"].as_str().expect("a room").to_owned();
        let private = alice.create_room(json!({})).await;
        let path = |network: &str, room: &str| {
            format!(
                "/_matrix/client/v3/directory/list/appservice/{network}/{}",
                enc(room)
            )
        };
        let (public, hidden) = (
            json!({ "visibility": "public" }),
            json!({ "visibility": "private" }),
        );
        for _ in 0..2 {
            let answer = server
                .put(&path("net", &portal), Some(TOKEN), public.clone())
                .await;
            assert_eq!(answer, (200, json!({})));
        }
        let net = json!({ "third_party_instance_id": "bridge|net" });
        assert_eq!(listed(&alice, net.clone()).await, [json!(portal)]);
        assert_eq!(listed(&alice, json!({})).await, [json!(open)]);
        assert_eq!(
            listed(&alice, json!({ "include_all_networks": true }))
                .await
                .len(),
            2
        );
        for unknown in ["bridge|other", "other|net", "net", "bridge", ""] {
            let none = listed(&alice, json!({ "third_party_instance_id": unknown })).await;
            assert!(none.is_empty(), "{unknown}");
        }

        for (room, token, body, expected) in [
            (
                &*portal,
                Some(&*alice.token),
                public.clone(),
                (403, "M_FORBIDDEN"),
            ),
            (&portal, None, public.clone(), (401, "M_MISSING_TOKEN")),
            (&portal, Some(OTHER), public.clone(), (403, "M_FORBIDDEN")),
            (&private, Some(TOKEN), public.clone(), (403, "M_FORBIDDEN")),
            (
                "!unknown:test.example",
                Some(TOKEN),
                public.clone(),
                (403, "M_FORBIDDEN"),
            ),
            (
                &portal,
                Some(TOKEN),
                json!({ "visibility": "odd" }),
                (400, "M_INVALID_PARAM"),
            ),
            (&portal, Some(TOKEN), json!({}), (400, "M_BAD_JSON")),
        ] {
            let answer = server.put(&path("net", room), token, body.clone()).await;
            assert_eq!(refusal(&answer), expected, "{room} {token:?} {body}");
        }
        let long = "n".repeat(256);
        let answer = server.put(&path(&long, &portal), Some(TOKEN), public).await;
        assert_eq!(refusal(&answer), (400, "M_INVALID_PARAM"));
        for _ in 0..2 {
            let answer = server
                .put(&path("net", &portal), Some(TOKEN), hidden.clone())
                .await;
            assert_eq!(answer, (200, json!({})));
        }
        assert!(listed(&alice, net).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_query_with_a_token_of_strangers_asks_nobody() {
    with_bridge(async |server, bridge| {
        let request = Request::get("/_matrix/client/v3/profile/%40_bridge_yes%3Atest.example")
            .header("authorization", "Bearer nonsense")
            .body(axum::body::Body::empty())
            .expect("a request");
        assert_eq!(server.ask(request).await.status, 404);
        assert!(bridge.asked().is_empty());
    })
    .await;
}
