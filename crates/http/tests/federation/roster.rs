//! A closed federation: whom a server speaks with, and by which keys, says the signed roster.

use std::{net::TcpListener, time::Duration};

use axum::body::Body;
use http::{Request, header};
use rohrpost_testkit::{Look, Neighbours, Peer, Roster, Status, TestRoster, TestServer, User, enc};
use ruma::{
    OwnedServerName, ServerName,
    api::federation::authentication::{XMatrix, XMatrixSigningInput},
    signatures::Ed25519KeyPair,
};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A member whose behaviour is looked at, on both engines, another member, and one that is none and speaks with everybody.
async fn federations(test: impl AsyncFn(&TestRoster, TestServer, TestServer, TestServer)) {
    let neighbours = Neighbours::new();
    let member = |roster: &TestRoster| neighbours.with(|settings| roster.bind(settings));
    let others = async |roster: &TestRoster| (member(roster).sqlite().await, neighbours.sqlite().await);
    let roster = TestRoster::new();
    let town = member(&roster).sqlite().await;
    let (state, stranger) = others(&roster).await;
    run(&test, &roster, [town, state, stranger]).await;
    let roster = TestRoster::new();
    if let Some(town) = member(&roster).postgres().await {
        let (state, stranger) = others(&roster).await;
        run(&test, &roster, [town, state, stranger]).await;
    }
}

async fn run(
    test: &impl AsyncFn(&TestRoster, TestServer, TestServer, TestServer),
    roster: &TestRoster,
    servers: [TestServer; 3],
) {
    let [town, state, stranger] = servers.clone();
    test(roster, town, state, stranger).await;
    for server in servers {
        server.close().await;
    }
}

fn profile(user: &str, server: &ServerName) -> String {
    format!("/_matrix/client/v3/profile/{}", enc(&format!("@{user}:{server}")))
}

/// What one server's answer is when another asks it for the profile of its user anna.
async fn asked(by: &TestServer, of: &TestServer) -> (u16, String) {
    let path = format!(
        "/_matrix/federation/v1/query/profile?user_id={}",
        enc(&format!("@anna:{}", of.name()))
    );
    let (status, answer) = Peer::of(by).await.get(of, &path).await;
    (status, answer["errcode"].as_str().unwrap_or_default().to_owned())
}

fn refused() -> (u16, String) {
    (403, "M_FORBIDDEN".to_owned())
}

fn granted() -> (u16, String) {
    (200, String::new())
}

#[tokio::test]
async fn members_speak_with_each_other_and_with_nobody_else() {
    federations(async |roster, town, state, stranger| {
        let anna = town.user("anna").await;
        state.user("anna").await;
        stranger.user("anna").await;
        roster.publish(&[&town, &state]).await;
        assert_eq!(town.look_for(roster).await, Look::Accepted);
        assert_eq!(state.look_for(roster).await, Look::Accepted);
        assert_eq!(town.look_for(roster).await, Look::Same);

        assert_eq!(anna.get(&profile("anna", state.name())).await.0, 200);
        assert_eq!(asked(&state, &town).await, granted());
        assert_eq!(anna.get(&profile("anna", stranger.name())).await.0, 404);
        assert_eq!(asked(&stranger, &town).await, refused());

        // Nor does anybody from there come into a room, whoever asks.
        let room = anna.create_room(json!({ "preset": "public_chat" })).await;
        let sven = stranger.user("sven").await;
        let invite = format!("/_matrix/client/v3/rooms/{}/invite", enc(&room));
        let (status, answer) = anna.post(&invite, json!({ "user_id": sven.id })).await;
        assert_eq!(status, 403, "{answer}");
        let (status, answer) = anna
            .post("/_matrix/client/v3/createRoom", json!({ "invite": [sven.id] }))
            .await;
        assert_eq!(status, 404, "{answer}");
        let make = Peer::of(&stranger)
            .await
            .make(&town, "join", &room, &sven.id)
            .await;
        assert_eq!(make.0, 403, "{}", make.1);
        let there = sven.create_room(json!({ "preset": "public_chat" })).await;
        let (status, answer) = join(&anna, &there, &stranger).await;
        assert!(matches!(status, 403 | 404), "{answer}");
    })
    .await;
}

async fn join(user: &User, room: &str, via: &TestServer) -> (u16, Value) {
    let via = enc(via.name().as_str());
    let path = format!("/_matrix/client/v3/join/{}?via={via}", enc(room));
    user.post(&path, json!({})).await
}

#[tokio::test]
async fn what_happens_while_the_roster_is_over_is_told_once_there_is_a_new_one() {
    federations(async |roster, town, state, _| {
        let (anna, bert) = (town.user("anna").await, state.user("bert").await);
        roster.publish(&[&town, &state]).await;
        town.look_for(roster).await;
        state.look_for(roster).await;
        let room = anna.create_room(json!({ "preset": "public_chat" })).await;
        let (status, answer) = join(&bert, &room, &town).await;
        assert_eq!(status, 200, "{answer}");
        town.tell_servers().await;

        town.clock().advance(31 * DAY);
        state.clock().advance(31 * DAY);
        let path = format!("/_matrix/client/v3/rooms/{}/send/m.room.message/t1", enc(&room));
        let (status, sent) = anna
            .put(&path, json!({ "msgtype": "m.text", "body": "Deich" }))
            .await;
        assert_eq!(status, 200, "{sent}");
        town.tell_servers().await;
        let event = sent["event_id"].as_str().expect("an id");
        let path = format!("/_matrix/client/v3/rooms/{}/event/{}", enc(&room), enc(event));
        assert_eq!(bert.get(&path).await.0, 404);

        roster.publish_changed(&[&town, &state], renew).await;
        assert_eq!(town.look_for(roster).await, Look::Accepted);
        assert_eq!(state.look_for(roster).await, Look::Accepted);
        // The pause after the attempt that failed.
        town.clock().advance(DAY);
        town.tell_servers().await;
        let (status, heard) = bert.get(&path).await;
        assert_eq!(
            (status, &heard["content"]["body"]),
            (200, &json!("Deich")),
            "{heard}"
        );
    })
    .await;
}

/// Begins and ends four weeks later.
fn renew(roster: &mut Roster) {
    for moment in [&mut roster.not_before, &mut roster.not_after] {
        moment.0 += ruma::UInt::from(2_419_200_000_u32);
    }
}

#[tokio::test]
async fn a_stranger_is_refused_before_anything_is_fetched_from_it() {
    federations(async |roster, town, state, _| {
        roster.publish(&[&town, &state]).await;
        town.look_for(roster).await;
        // Somebody who only listens: a connection to it would be noticed.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let origin = OwnedServerName::try_from(address.to_string()).expect("a name");
        let key = Ed25519KeyPair::from_der(&Ed25519KeyPair::generate(), "a1".to_owned()).expect("a key");
        let path = "/_matrix/federation/v1/query/profile?user_id=%40a%3Ab";
        let request = Request::get(path).body(Vec::new()).expect("a request");
        let input = XMatrixSigningInput::new(origin.clone(), town.name().to_owned(), &key);
        let signature = XMatrix::sign_http_request(&request, input).expect("a signature");
        let request = Request::get(path)
            .header(header::AUTHORIZATION, signature.to_string())
            .body(Body::empty());
        assert_eq!(town.ask(request.expect("a request")).await.status, 403);
        let anna = town.user("anna").await;
        assert_eq!(anna.get(&profile("anna", &origin)).await.0, 404);
        let connection = listener.accept().expect_err("nobody connects");
        assert_eq!(connection.kind(), std::io::ErrorKind::WouldBlock);
    })
    .await;
}

#[tokio::test]
async fn before_the_first_roster_there_is_nobody_but_the_servers_own_people() {
    federations(async |roster, town, state, _| {
        let anna = town.user("anna").await;
        state.user("anna").await;
        assert!(matches!(town.look_for(roster).await, Look::Unread(_)));
        assert_eq!(anna.get(&profile("anna", town.name())).await.0, 200);
        assert_eq!(anna.get(&profile("anna", state.name())).await.0, 404);
        assert_eq!(asked(&state, &town).await, refused());
        let (status, answer) = anna.get("/_rohrpost/client/v1/roster").await;
        assert_eq!((status, &answer["errcode"]), (404, &"M_NOT_FOUND".into()));
        for rubbish in [b"".as_slice(), b"{}", b"{\"roster\":{},\"signatures\":{}}"] {
            roster.put(rubbish);
            assert!(matches!(town.look_for(roster).await, Look::Refused(_)));
        }
        assert_eq!(asked(&state, &town).await, refused());
    })
    .await;
}

#[tokio::test]
async fn a_member_that_is_removed_is_refused_from_the_next_look_on() {
    federations(async |roster, town, state, _| {
        let anna = town.user("anna").await;
        state.user("anna").await;
        roster.publish(&[&town, &state]).await;
        town.look_for(roster).await;
        state.look_for(roster).await;
        assert_eq!(asked(&state, &town).await, granted());

        roster.publish(&[&town]).await;
        assert_eq!(town.look_for(roster).await, Look::Accepted);
        assert_eq!(asked(&state, &town).await, refused());
        assert_eq!(anna.get(&profile("anna", state.name())).await.0, 404);

        // A member that pauses is none for that time.
        for (is_suspended, expected) in [(true, refused()), (false, granted())] {
            roster
                .publish_changed(&[&town, &state], |roster| {
                    let other = roster
                        .servers
                        .iter_mut()
                        .find(|server| server.name == *state.name());
                    if is_suspended {
                        other.expect("a member").status = Status::Suspended;
                    }
                })
                .await;
            assert_eq!(town.look_for(roster).await, Look::Accepted);
            assert_eq!(asked(&state, &town).await, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn the_key_of_the_roster_wins_against_the_one_that_a_server_publishes() {
    federations(async |roster, town, state, stranger| {
        town.user("anna").await;
        roster.publish(&[&town, &state]).await;
        town.look_for(roster).await;
        state.look_for(roster).await;
        assert_eq!(asked(&state, &town).await, granted());
        // The roster gives the server the key of somebody else: what it publishes itself doesn't count any more.
        roster
            .publish_changed(&[&town, &stranger], |roster| {
                let other = roster
                    .servers
                    .iter_mut()
                    .find(|server| server.name == *stranger.name());
                other.expect("a member").name = state.name().to_owned();
                roster.servers.sort_by(|a, b| a.name.cmp(&b.name));
            })
            .await;
        assert_eq!(town.look_for(roster).await, Look::Accepted);
        let answer = asked(&state, &town).await;
        assert_eq!(answer, (401, "M_UNAUTHORIZED".to_owned()));
        // Nor does a restart bring back what was known.
        town.restart().await;
        assert_eq!(asked(&state, &town).await.0, 401);
    })
    .await;
}

#[tokio::test]
async fn past_its_end_and_the_grace_a_roster_opens_nothing() {
    federations(async |roster, town, state, _| {
        let anna = town.user("anna").await;
        state.user("anna").await;
        roster.publish(&[&town, &state]).await;
        town.look_for(roster).await;
        state.look_for(roster).await;
        let shown = async || anna.get("/_rohrpost/client/v1/roster").await.1["state"].clone();
        assert_eq!(shown().await, "valid");
        // It ends 26 days after the clock's beginning, and three days are grace.
        town.clock().advance(27 * DAY);
        assert_eq!(asked(&state, &town).await, granted());
        assert_eq!(shown().await, "grace");
        town.clock().advance(3 * DAY);
        assert_eq!(asked(&state, &town).await, refused());
        assert_eq!(anna.get(&profile("anna", state.name())).await.0, 404);
        assert_eq!(anna.get(&profile("anna", town.name())).await.0, 200);
        assert_eq!(shown().await, "expired");
        // Neither the same document nor a restart opens it again.
        assert!(matches!(town.look_for(roster).await, Look::Refused(_)));
        town.restart().await;
        assert_eq!(asked(&state, &town).await, refused());
        // The next one does.
        roster.publish_changed(&[&town, &state], renew).await;
        assert_eq!(town.look_for(roster).await, Look::Accepted);
        assert_eq!(asked(&state, &town).await, granted());
    })
    .await;
}

#[tokio::test]
async fn nothing_older_is_accepted_and_nothing_else_of_the_same_number_also_after_a_restart() {
    federations(async |roster, town, state, _| {
        state.user("anna").await;
        town.user("anna").await;
        roster.publish(&[&town, &state]).await;
        let first = roster.bytes();
        town.look_for(roster).await;
        // Two that follow the first: the signers have signed both.
        let fork = roster
            .next(&[&town, &state], |roster| {
                roster.policy.encryption_required = false
            })
            .await;
        roster.publish(&[&town]).await;
        assert_eq!(town.look_for(roster).await, Look::Accepted);
        for _ in 0..2 {
            for old in [first.clone(), fork.to_bytes()] {
                roster.put(&old);
                let look = town.look_for(roster).await;
                let Look::Refused(reason) = look else {
                    panic!("{look:?}")
                };
                assert!(reason.to_string().contains("number"), "{reason}");
                assert_eq!(asked(&state, &town).await, refused());
            }
            town.restart().await;
            assert_eq!(asked(&state, &town).await, refused());
        }
        // It goes on behind the one that is known.
        roster.publish(&[&town, &state]).await;
        assert_eq!(town.look_for(roster).await, Look::Accepted);
        assert_eq!(asked(&state, &town).await, granted());
    })
    .await;
}

#[tokio::test]
async fn a_restart_goes_on_by_the_roster_that_was_accepted() {
    federations(async |roster, town, state, stranger| {
        town.user("anna").await;
        roster.publish(&[&town, &state]).await;
        town.look_for(roster).await;
        std::fs::remove_file(roster.path()).expect("it is there");
        town.restart().await;
        assert_eq!(asked(&state, &town).await, granted());
        assert_eq!(asked(&stranger, &town).await, refused());
        assert!(matches!(town.look_for(roster).await, Look::Unread(_)));
        assert_eq!(asked(&state, &town).await, granted());
    })
    .await;
}

#[tokio::test]
async fn the_servers_own_people_are_shown_the_document_as_it_was_signed() {
    federations(async |roster, town, state, _| {
        let anna = town.user("anna").await;
        roster.publish(&[&town, &state]).await;
        town.look_for(roster).await;
        let (status, shown) = anna.get("/_rohrpost/client/v1/roster").await;
        assert_eq!(status, 200, "{shown}");
        let document: serde_json::Value = serde_json::from_slice(&roster.bytes()).expect("JSON");
        assert_eq!(shown["document"], document);
        assert_eq!(shown["state"], "valid");
        let end = document["roster"]["not_after"].as_i64().expect("a time");
        assert_eq!(shown["closes_at"], end + 72 * 60 * 60 * 1000);
        let (status, answer) = town.get("/_rohrpost/client/v1/roster", None).await;
        assert_eq!((status, &answer["errcode"]), (401, &"M_MISSING_TOKEN".into()));
    })
    .await;
}
