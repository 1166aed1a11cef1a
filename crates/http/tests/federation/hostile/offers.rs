//! What a hostile server offers to sign, hands over and invites to: nothing gets our signature but what we wanted.

use rohrpost_core::{
    limits::{Kind, Rates},
    settings::Rate,
};
use rohrpost_testkit::{ForeignRoom, Neighbours, Stranger, TestServer, User, enc};
use serde_json::{Value, json};

use super::value;

/// A room of a hostile server, and Anna of this one who isn't in it.
struct Offer {
    server: TestServer,
    anna: User,
    evil: Stranger,
    room: ForeignRoom,
    mallory: String,
}

async fn offers(test: impl AsyncFn(&mut Offer)) {
    for (version, is_postgres) in [("12", false), ("11", false), ("12", true)] {
        let neighbours = Neighbours::new();
        let server = match is_postgres {
            false => neighbours.sqlite().await,
            true => match neighbours.postgres().await {
                Some(server) => server,
                None => continue,
            },
        };
        let evil = neighbours.stranger().await;
        let mut offer = Offer {
            anna: server.user("anna").await,
            room: evil.room(version, "mallory"),
            mallory: evil.user("mallory"),
            server: server.clone(),
            evil,
        };
        test(&mut offer).await;
        offer.is_alive().await;
        server.close().await;
    }
}

impl Offer {
    fn path(&self, rest: &str) -> String {
        format!(
            "/_matrix/client/v3/rooms/{}/{rest}",
            enc(self.room.room_id.as_str())
        )
    }

    /// Wants in, out, or to be let in; answers status and JSON.
    async fn wants(&self, membership: &str) -> (u16, Value) {
        let via = enc(self.evil.name().as_str());
        let room = enc(self.room.room_id.as_str());
        let path = match membership {
            "leave" => self.path("leave"),
            "knock" => format!("/_matrix/client/v3/knock/{room}?via={via}"),
            _ => format!("/_matrix/client/v3/join/{room}?via={via}"),
        };
        self.anna.post(&path, json!({})).await
    }

    /// The body of an invitation of Anna, with its event's id.
    fn invitation(&mut self) -> (String, Value) {
        let (mallory, anna) = (self.mallory.clone(), self.anna.id.to_string());
        let key = ("m.room.member".into(), anna.clone());
        if self.room.state.contains_key(&key) {
            self.room.member(&mallory, &anna, "leave");
        }
        let invite = self.room.member(&mallory, &anna, "invite");
        let create = &self.room.state[&("m.room.create".into(), String::new())];
        let body = json!({
            "room_version": self.room.version, "event": value(&invite), "invite_room_state": [value(create)],
        });
        (invite.event_id().to_string(), body)
    }

    async fn invite(&self, event_id: &str, body: Value) -> (u16, Value) {
        let room = enc(self.room.room_id.as_str());
        let path = format!("/_matrix/federation/v2/invite/{room}/{}", enc(event_id));
        self.evil.ask(&self.server, "PUT", &path, Some(body)).await
    }

    /// Everything with a signature of this server that the hostile one has got hold of must be as it was wanted.
    fn check_signed(&self, answers: &[Value], membership: &str) {
        let mut signed = Vec::new();
        for request in self.evil.requests() {
            collect(&request.body, self.server.name().as_str(), &mut signed);
        }
        for answer in answers {
            collect(answer, self.server.name().as_str(), &mut signed);
        }
        for event in signed {
            let content = &event["content"];
            assert_eq!(event["type"], "m.room.member", "{event}");
            assert_eq!(event["state_key"], json!(self.anna.id), "{event}");
            assert_eq!(event["room_id"], json!(self.room.room_id), "{event}");
            assert_eq!(content["membership"], membership, "{event}");
            assert_eq!(
                content["join_authorised_via_users_server"],
                Value::Null,
                "{event}"
            );
            let sender = if membership == "invite" {
                json!(self.mallory)
            } else {
                json!(self.anna.id)
            };
            assert_eq!(event["sender"], sender, "{event}");
        }
    }

    /// An honest room can still be joined, and people here can write.
    async fn is_alive(&self) {
        let room = self.evil.room(self.room.version.as_str(), "honest");
        let make = format!(
            "GET /_matrix/federation/v1/make_join/{}",
            enc(room.room_id.as_str())
        );
        let bare = format!("GET /_matrix/federation/v1/make_join/{}", room.room_id);
        for path in [make, bare] {
            self.evil
                .answers(&path, room.template(self.anna.id.as_str(), "join"));
        }
        self.evil
            .answers("PUT /_matrix/federation/v2/send_join/", room.join_answer());
        let path = format!(
            "/_matrix/client/v3/join/{}?via={}",
            enc(room.room_id.as_str()),
            enc(self.evil.name().as_str())
        );
        let (status, answer) = self.anna.post(&path, json!({})).await;
        assert_eq!(status, 200, "{answer}");
        self.anna.send_text(room.room_id.as_str(), "here").await;
        assert!(self.anna.sync(None).await.to_string().contains("here"));
    }
}

/// Finds all objects that have a signature of a server.
fn collect(value: &Value, name: &str, found: &mut Vec<Value>) {
    if value["signatures"].get(name).is_some() {
        found.push(value.clone());
    }
    let inner: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(items) => items.values().collect(),
        _ => Vec::new(),
    };
    for value in inner {
        collect(value, name, found);
    }
}

#[tokio::test]
async fn a_template_gets_no_signature_for_anything_but_what_was_wanted() {
    offers(async |offer: &mut Offer| {
        type Change = fn(&mut Value, &str);
        let changes: [(&str, Change); 11] = [
            ("type", |made, _| {
                made["event"]["type"] = json!("m.room.power_levels")
            }),
            ("sender", |made, name| {
                made["event"]["sender"] = json!(format!("@admin:{name}"))
            }),
            ("state_key", |made, name| {
                made["event"]["state_key"] = json!(format!("@admin:{name}"))
            }),
            ("room_id", |made, name| {
                made["event"]["room_id"] = json!(format!("!victim:{name}"))
            }),
            ("membership", |made, _| {
                made["event"]["content"]["membership"] = json!("ban")
            }),
            ("authorizer", |made, name| {
                made["event"]["content"]["join_authorised_via_users_server"] =
                    json!(format!("@admin:{name}"));
            }),
            ("auth events", |made, _| {
                made["event"]["auth_events"] = json!(vec![format!("${}", "A".repeat(43)); 11]);
            }),
            ("ids", |made, _| {
                made["event"]["prev_events"] = json!(["$not-base64"])
            }),
            ("nothing before", |made, _| {
                made["event"]["prev_events"] = json!([])
            }),
            ("depth", |made, _| {
                made["event"]["depth"] = json!(9_007_199_254_740_992_i64)
            }),
            ("version", |made, _| made["room_version"] = json!("1")),
        ];
        let name = offer.server.name().to_string();
        for membership in ["join", "knock", "leave"] {
            offer.evil.forget();
            for (what, change) in &changes {
                if membership == "leave" {
                    let (event_id, body) = offer.invitation();
                    let (status, answer) = offer.invite(&event_id, body).await;
                    assert_eq!(status, 200, "{answer}");
                }
                let mut made = offer.room.template(offer.anna.id.as_str(), membership);
                change(&mut made, &name);
                let path = format!("GET /_matrix/federation/v1/make_{membership}/");
                offer.evil.answers(&path, made);
                let (status, answer) = offer.wants(membership).await;
                // Somebody who leaves has left, whatever the other server says.
                let expected = if membership == "leave" { 200 } else { 502 };
                assert_eq!(status, expected, "{membership} {what} {answer}");
                let handed = offer.evil.asked("PUT ");
                assert!(handed.is_empty(), "{membership} {what}: {handed:?}");
            }
            offer.check_signed(&[], membership);
            // What the template holds besides is left behind.
            if membership == "leave" {
                let (event_id, body) = offer.invitation();
                offer.invite(&event_id, body).await;
            }
            let mut made = offer.room.template(offer.anna.id.as_str(), membership);
            made["event"]["content"]["third_party_invite"] = json!({ "signed": {} });
            made["event"]["content"]["is_direct"] = json!(true);
            made["event"]["redacts"] = json!("$something");
            made["event"]["unsigned"] = json!({ "age": 1 });
            offer
                .evil
                .answers(&format!("GET /_matrix/federation/v1/make_{membership}/"), made);
            let version = if membership == "knock" { "v1" } else { "v2" };
            let told = match membership {
                "join" => json!({}),
                "knock" => json!({ "knock_room_state": [] }),
                _ => json!({}),
            };
            let path = format!("/_matrix/federation/{version}/send_{membership}/");
            offer.evil.answers(&format!("PUT {path}"), told);
            offer.wants(membership).await;
            let handed = offer.evil.asked(&format!("PUT {path}"));
            assert_eq!(handed.len(), 1, "{membership}");
            let event = &handed[0].1;
            assert!(event["signatures"].get(&*name).is_some(), "{event}");
            for stray in ["redacts", "unsigned", "origin"] {
                assert!(event.get(stray).is_none(), "{stray} {event}");
            }
            for stray in ["third_party_invite", "is_direct"] {
                assert!(event["content"].get(stray).is_none(), "{stray} {event}");
            }
            offer.check_signed(&[], membership);
        }
    })
    .await;
}

#[tokio::test]
async fn an_invitation_gets_no_signature_unless_it_is_one() {
    offers(async |offer: &mut Offer| {
        type Change = fn(&mut Value, &str, &str);
        let changes: [(&str, Change); 10] = [
            ("type", |event, _, _| event["type"] = json!("m.room.power_levels")),
            ("sender", |event, name, _| {
                event["sender"] = json!(format!("@admin:{name}"))
            }),
            ("elsewhere", |event, _, _| {
                event["sender"] = json!("@admin:elsewhere.example")
            }),
            ("membership", |event, _, _| {
                event["content"]["membership"] = json!("join")
            }),
            ("ban", |event, _, _| event["content"]["membership"] = json!("ban")),
            ("target", |event, _, evil| {
                event["state_key"] = json!(format!("@other:{evil}"))
            }),
            ("nobody", |event, name, _| {
                event["state_key"] = json!(format!("@nobody:{name}"))
            }),
            ("room", |event, name, _| {
                event["room_id"] = json!(format!("!victim:{name}"))
            }),
            ("authorizer", |event, name, _| {
                event["content"]["join_authorised_via_users_server"] = json!(format!("@anna:{name}"));
            }),
            ("no state", |event, _, _| {
                drop(event.as_object_mut().expect("an event").remove("state_key"))
            }),
        ];
        let (name, evil) = (offer.server.name().to_string(), offer.evil.name().to_string());
        let mut answers = Vec::new();
        for (what, change) in changes {
            let (_, mut body) = offer.invitation();
            change(&mut body["event"], &name, &evil);
            let signed = offer
                .evil
                .sign_as(offer.evil.name(), &offer.room.version, body["event"].clone());
            let event_id = signed.0.to_string();
            body["event"] = signed.1;
            let (status, answer) = offer.invite(&event_id, body).await;
            assert!(matches!(status, 400 | 403), "{what}: {status} {answer}");
            answers.push(answer);
        }
        // The path names another event, or another room, than the body.
        let (event_id, body) = offer.invitation();
        let other = format!("${}", "A".repeat(43));
        let (status, answer) = offer.invite(&other, body.clone()).await;
        assert_eq!(status, 400, "{answer}");
        answers.push(answer);
        let path = format!(
            "/_matrix/federation/v2/invite/{}/{}",
            enc("!elsewhere:x.example"),
            enc(&event_id)
        );
        let (status, answer) = offer
            .evil
            .ask(&offer.server, "PUT", &path, Some(body.clone()))
            .await;
        assert_eq!(status, 400, "{answer}");
        answers.push(answer);
        offer.check_signed(&answers, "nothing at all");
        let sync = offer.anna.sync(None).await;
        assert_eq!(
            sync["rooms"]["invite"]
                .as_object()
                .map_or(0, serde_json::Map::len),
            0
        );
        // An invitation comes back as it was, with one more signature.
        let (status, answer) = offer.invite(&event_id, body.clone()).await;
        assert_eq!(status, 200, "{answer}");
        let mut event = answer["event"].clone();
        event["signatures"]
            .as_object_mut()
            .expect("signatures")
            .remove(&name)
            .expect("ours");
        assert_eq!(event, body["event"]);
        offer.check_signed(&[answer], "invite");
    })
    .await;
}

#[tokio::test]
async fn an_invitation_to_a_room_shows_the_rooms_own_beginning() {
    offers(async |offer: &mut Offer| {
        if offer.room.version.as_str() != "12" {
            return;
        }
        // The create event of another room, one that was changed, none, and one that names a room.
        let other = offer.evil.room("12", "somebody");
        let create = ("m.room.create".into(), String::new());
        let others = value(&other.state[&create]);
        let own = value(&offer.room.state[&create]);
        let mut changed = own.clone();
        changed["content"]["additional_creators"] = json!([offer.mallory]);
        let mut named = own.clone();
        named["room_id"] = json!(offer.room.room_id);
        let (_, named) = offer.evil.sign_as(offer.evil.name(), &offer.room.version, named);
        let stripped =
            json!({ "type": "m.room.create", "state_key": "", "sender": offer.mallory, "content": {} });
        for forged in [others, named, stripped] {
            let (event_id, mut body) = offer.invitation();
            body["invite_room_state"] = json!([forged]);
            let (status, answer) = offer.invite(&event_id, body).await;
            assert_eq!(
                (status, &answer["errcode"]),
                (400, &json!("M_MISSING_PARAM")),
                "{answer}"
            );
        }
        let (event_id, mut body) = offer.invitation();
        body["invite_room_state"] = json!([changed]);
        let (status, _) = offer.invite(&event_id, body).await;
        assert!(matches!(status, 400 | 403));
        let (event_id, body) = offer.invitation();
        let (status, answer) = offer.invite(&event_id, body).await;
        assert_eq!(status, 200, "{answer}");
    })
    .await;
}

#[tokio::test]
async fn nobody_is_invited_out_of_a_room_that_they_are_in() {
    offers(async |offer: &mut Offer| {
        let body = json!({ "preset": "private_chat", "room_version": offer.room.version });
        let own = offer.anna.create_room(body).await;
        let before = offer.anna.sync(None).await;
        let create = {
            let path = format!("/_matrix/client/v3/rooms/{}/state", enc(&own));
            let (_, state) = offer.anna.get(&path).await;
            assert!(state.is_array());
            let room = offer.evil.room_of(&offer.server, &own).await;
            value(&room.state[&("m.room.create".into(), String::new())])
        };
        let (_, mut body) = offer.invitation();
        body["event"]["room_id"] = json!(own);
        body["invite_room_state"] = json!([create]);
        let (event_id, event) =
            offer
                .evil
                .sign_as(offer.evil.name(), &offer.room.version, body["event"].clone());
        body["event"] = event;
        let path = format!(
            "/_matrix/federation/v2/invite/{}/{}",
            enc(&own),
            enc(event_id.as_str())
        );
        let (status, _) = offer.evil.ask(&offer.server, "PUT", &path, Some(body)).await;
        assert!(status < 500, "{status}");
        let since = before["next_batch"].as_str().expect("a token");
        let sync = offer.anna.sync(Some(since)).await;
        assert_eq!(
            sync["rooms"]["invite"]
                .as_object()
                .map_or(0, serde_json::Map::len),
            0,
            "{sync}"
        );
        offer.anna.send_text(&own, "still mine").await;
        let (_, joined) = offer.anna.get("/_matrix/client/v3/joined_rooms").await;
        assert!(
            joined["joined_rooms"]
                .as_array()
                .expect("rooms")
                .contains(&json!(own))
        );
    })
    .await;
}

#[tokio::test]
async fn a_room_isnt_spoiled_by_who_says_that_it_has_another_version() {
    offers(async |offer: &mut Offer| {
        if offer.room.version.as_str() == "12" {
            return;
        }
        // Somebody who has nothing to do with it invites to a room under another version.
        let neighbours_room = offer.room.room_id.clone();
        let (_, mut body) = offer.invitation();
        let version = ruma::RoomVersionId::V10;
        let (event_id, event) = offer
            .evil
            .sign_as(offer.evil.name(), &version, body["event"].clone());
        body["event"] = event;
        body["room_version"] = json!("10");
        let (status, answer) = offer.invite(event_id.as_str(), body).await;
        assert_eq!(status, 200, "{answer}");
        // Those who are in it know better.
        let made = offer.room.template(offer.anna.id.as_str(), "join");
        offer.evil.answers("GET /_matrix/federation/v1/make_join/", made);
        offer
            .evil
            .answers("PUT /_matrix/federation/v2/send_join/", offer.room.join_answer());
        let (status, answer) = offer.wants("join").await;
        assert_eq!(
            (status, &answer["room_id"]),
            (200, &json!(neighbours_room)),
            "{answer}"
        );
    })
    .await;
}

#[tokio::test]
async fn invitations_however_many_and_strange_dont_break_a_sync() {
    offers(async |offer: &mut Offer| {
        let strange = [
            json!([7]),
            json!(["text", null, {}]),
            json!([{ "type": "m.room.name", "state_key": "", "sender": "nobody", "content": {} }]),
            json!([{ "type": "m.room.name", "state_key": 5, "sender": offer.mallory, "content": [] }]),
            json!([{ "type": "m.room.name", "state_key": "", "sender": offer.mallory, "content": { "name": "\u{0}" } }]),
            json!([{ "type": "m.room.name", "state_key": "", "sender": offer.mallory, "content": { "name": {} } }]),
            json!([{ "type": "m.room.name", "state_key": "", "sender": offer.mallory, "content": { "name": "x".repeat(300_000) } }]),
            json!({}),
        ];
        for strange in strange {
            let (event_id, mut body) = offer.invitation();
            let create = body["invite_room_state"][0].clone();
            body["invite_room_state"] = strange.clone();
            if let Some(state) = body["invite_room_state"].as_array_mut() {
                state.push(create);
            }
            let (status, answer) = offer.invite(&event_id, body).await;
            assert!(status < 500, "{status} {answer}");
            for path in ["/_matrix/client/v3/sync?timeout=0", "/_matrix/client/v3/joined_rooms"] {
                assert_eq!(offer.anna.get(path).await.0, 200);
            }
            let size = offer.anna.sync(None).await.to_string().len();
            assert!(size < 600_000, "{size}");
        }
    })
    .await;
}

#[tokio::test]
async fn one_server_sends_only_so_many_invitations() {
    let neighbours = Neighbours::new();
    let server = neighbours
        .with(|settings| {
            let rate = Rate {
                per_second: 0.1,
                burst: 5,
            };
            settings.limits = Some(Rates::new([(Kind::Invite, rate)]));
        })
        .sqlite()
        .await;
    let anna = server.user("anna").await;
    let mut statuses = Vec::new();
    let (evil, honest) = (neighbours.stranger().await, neighbours.stranger().await);
    for (stranger, many) in [(&evil, 20), (&honest, 1)] {
        for number in 0..many {
            let name = format!("mallory{number}");
            let mut offer = Offer {
                server: server.clone(),
                anna: anna.clone(),
                room: stranger.room("12", &name),
                mallory: stranger.user(&name),
                evil: neighbours.stranger().await,
            };
            let (event_id, body) = offer.invitation();
            let room = enc(offer.room.room_id.as_str());
            let path = format!("/_matrix/federation/v2/invite/{room}/{}", enc(&event_id));
            statuses.push(stranger.ask(&server, "PUT", &path, Some(body)).await.0);
        }
    }
    assert_eq!(statuses[..5], [200; 5]);
    assert_eq!(statuses[5..20], [429; 15]);
    assert_eq!(statuses[20], 200, "another server isn't held up");
    let sync = anna.sync(None).await;
    assert_eq!(
        sync["rooms"]["invite"]
            .as_object()
            .map_or(0, serde_json::Map::len),
        6
    );
    server.close().await;
}
