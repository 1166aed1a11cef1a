//! Push rules and pushers, over the client-server API on both engines.

use rohrpost_testkit::{TestServer, enc};
use serde_json::{Value, json};

const RULES: &str = "/_matrix/client/v3/pushrules/";

fn refusal(answer: (u16, Value)) -> (u16, String) {
    (
        answer.0,
        answer.1["errcode"].as_str().unwrap_or_default().to_owned(),
    )
}

fn rule(kind: &str, id: &str) -> String {
    format!("{RULES}global/{kind}/{}", enc(id))
}

/// Of v1.19, in their order.
const PREDEFINED: &[(&str, &[&str])] = &[
    (
        "override",
        &[
            ".m.rule.master",
            ".m.rule.suppress_notices",
            ".m.rule.invite_for_me",
            ".m.rule.member_event",
            ".m.rule.is_user_mention",
            ".m.rule.is_room_mention",
            ".m.rule.tombstone",
            ".m.rule.reaction",
            ".m.rule.room.server_acl",
            ".m.rule.suppress_edits",
        ],
    ),
    (
        "underride",
        &[
            ".m.rule.call",
            ".m.rule.encrypted_room_one_to_one",
            ".m.rule.room_one_to_one",
            ".m.rule.message",
            ".m.rule.encrypted",
        ],
    ),
];

#[tokio::test]
async fn a_rule_without_conditions_always_matches() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for kind in ["override", "underride"] {
            let path = rule(kind, "always");
            assert_eq!(
                alice.put(&path, json!({ "actions": ["notify"] })).await,
                (200, json!({}))
            );
            let (_, made) = alice.get(&path).await;
            assert_eq!(made["conditions"], json!([]));
        }
    })
    .await;
}

#[tokio::test]
async fn everybody_has_the_predefined_rules() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let (status, rules) = alice.get(RULES).await;
        assert_eq!(status, 200);
        for (kind, expected) in PREDEFINED {
            let rules = rules["global"][kind].as_array().expect("rules").iter();
            let ids: Vec<&str> = rules.filter_map(|rule| rule["rule_id"].as_str()).collect();
            assert_eq!(ids, *expected, "{kind}");
        }
        let (_, global) = alice.get(&format!("{RULES}global/")).await;
        assert_eq!(global, rules["global"]);
        let sync = alice.sync(None).await;
        let events = sync["account_data"]["events"].as_array().expect("a list");
        let told = events
            .iter()
            .find(|event| event["type"] == "m.push_rules")
            .expect("they are told");
        assert_eq!(told["content"], rules);
        assert_eq!(
            refusal(server.get(RULES, None).await),
            (401, "M_MISSING_TOKEN".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn a_rule_is_added_changed_and_removed() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let since = alice.sync(None).await["next_batch"].as_str().expect("a token").to_owned();
        let path = rule("content", "kuchen");
        let body = json!({ "pattern": "kuchen", "actions": ["notify", { "set_tweak": "sound", "value": "default" }] });
        for _ in 0..2 {
            assert_eq!(alice.put(&path, body.clone()).await, (200, json!({})));
        }
        let (status, kept) = alice.get(&path).await;
        assert_eq!(status, 200);
        assert_eq!((&kept["pattern"], &kept["enabled"]), (&json!("kuchen"), &json!(true)));
        assert_eq!(kept["actions"], body["actions"]);

        assert_eq!(alice.put(&format!("{path}/enabled"), json!({ "enabled": false })).await.0, 200);
        assert_eq!(alice.get(&format!("{path}/enabled")).await, (200, json!({ "enabled": false })));
        assert_eq!(alice.put(&format!("{path}/actions"), json!({ "actions": ["notify"] })).await.0, 200);
        assert_eq!(alice.get(&format!("{path}/actions")).await, (200, json!({ "actions": ["notify"] })));

        let sync = alice.sync(Some(&since)).await;
        let events = sync["account_data"]["events"].as_array().expect("a list");
        let told = events.iter().find(|event| event["type"] == "m.push_rules").expect("they are told");
        assert_eq!(told["content"]["global"]["content"][0]["enabled"], json!(false));

        assert_eq!(alice.delete(&path).await.0, 200);
        assert_eq!(refusal(alice.delete(&path).await), (404, "M_NOT_FOUND".to_owned()));
        assert_eq!(refusal(alice.get(&path).await), (404, "M_NOT_FOUND".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_predefined_rule_is_switched_but_neither_removed_nor_replaced() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let path = rule("override", ".m.rule.master");
        assert_eq!(
            alice
                .put(&format!("{path}/enabled"), json!({ "enabled": true }))
                .await
                .0,
            200
        );
        assert_eq!(
            alice.get(&format!("{path}/enabled")).await,
            (200, json!({ "enabled": true }))
        );
        assert_eq!(
            refusal(alice.delete(&path).await),
            (400, "M_INVALID_PARAM".to_owned())
        );
        let body = json!({ "conditions": [], "actions": [] });
        assert_eq!(
            refusal(alice.put(&path, body).await),
            (400, "M_INVALID_PARAM".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn rules_have_an_order() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let body = json!({ "conditions": [], "actions": ["notify"] });
        assert_eq!(alice.put(&rule("underride", "one"), body.clone()).await.0, 200);
        let before = format!("{}?before=one", rule("underride", "two"));
        assert_eq!(alice.put(&before, body.clone()).await.0, 200);
        let after = format!("{}?after=one", rule("underride", "three"));
        assert_eq!(alice.put(&after, body.clone()).await.0, 200);
        let (_, rules) = alice.get(RULES).await;
        let ids: Vec<&str> = rules["global"]["underride"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|r| r["rule_id"].as_str())
            .collect();
        assert_eq!(ids[..3], ["two", "one", "three"]);
        let nowhere = format!("{}?before=four", rule("underride", "five"));
        assert_eq!(
            refusal(alice.put(&nowhere, body.clone()).await),
            (404, "M_NOT_FOUND".to_owned())
        );
        let predefined = format!("{}?before=.m.rule.message", rule("underride", "five"));
        assert_eq!(
            refusal(alice.put(&predefined, body).await),
            (400, "M_INVALID_PARAM".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn malformed_rules_are_refused() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let actions = json!(["notify"]);
        for (path, body) in [
            (rule("content", "a"), json!({ "actions": actions })),
            (rule("content", "a"), json!({ "pattern": 7, "actions": actions })),
            (rule("content", "a"), json!({ "pattern": "x" })),
            (rule("content", "a"), json!([])),
            (
                rule("override", "a"),
                json!({ "conditions": [{ "kind": "event_match", "key": 7 }], "actions": actions }),
            ),
            (rule("room", "not a room"), json!({ "actions": actions })),
            (rule("sender", "nobody"), json!({ "actions": actions })),
            (rule("colour", "a"), json!({ "actions": actions })),
            (
                rule("content", "a\\b"),
                json!({ "pattern": "x", "actions": actions }),
            ),
            (
                rule("content", "a/b"),
                json!({ "pattern": "x", "actions": actions }),
            ),
            (
                rule("content", &"x".repeat(256)),
                json!({ "pattern": "x", "actions": actions }),
            ),
        ] {
            let told = alice.put(&path, body.clone()).await;
            assert_eq!(told.0, 400, "{path} {body} {told:?}");
        }
        let long = json!({ "pattern": "*a".repeat(600), "actions": actions });
        assert_eq!(
            refusal(alice.put(&rule("content", "a"), long).await),
            (413, "M_TOO_LARGE".to_owned())
        );
        assert_eq!(
            refusal(alice.get(&rule("colour", "a")).await),
            (404, "M_NOT_FOUND".to_owned())
        );
        let enabled = format!("{}/enabled", rule("override", "unknown"));
        assert_eq!(
            refusal(alice.put(&enabled, json!({ "enabled": true })).await),
            (404, "M_NOT_FOUND".to_owned())
        );
        let enabled = format!("{}/enabled", rule("override", ".m.rule.master"));
        assert_eq!(
            refusal(alice.put(&enabled, json!({ "enabled": "yes" })).await),
            (400, "M_BAD_JSON".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn rules_are_the_callers_own() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let body = json!({ "pattern": "x", "actions": [] });
        assert_eq!(alice.put(&rule("content", "mine"), body).await.0, 200);
        assert_eq!(bob.get(&rule("content", "mine")).await.0, 404);
    })
    .await;
}

fn pusher(pushkey: &str) -> Value {
    json!({
        "app_id": "org.example.app", "pushkey": pushkey, "kind": "http", "app_display_name": "App",
        "device_display_name": "Phone", "lang": "de", "data": { "url": "https://push.example/_matrix/push/v1/notify" },
    })
}

#[tokio::test]
async fn pushers_are_kept_replaced_and_removed() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let (get, set) = ("/_matrix/client/v3/pushers", "/_matrix/client/v3/pushers/set");
        assert_eq!(alice.get(get).await, (200, json!({ "pushers": [] })));
        for _ in 0..2 {
            assert_eq!(alice.post(set, pusher("key")).await, (200, json!({})));
        }
        let (_, kept) = alice.get(get).await;
        assert_eq!(kept["pushers"].as_array().map(Vec::len), Some(1), "{kept}");
        assert_eq!(kept["pushers"][0]["pushkey"], "key");
        assert_eq!(bob.get(get).await, (200, json!({ "pushers": [] })));

        // The phone changes hands.
        assert_eq!(bob.post(set, pusher("key")).await.0, 200);
        assert_eq!(alice.get(get).await, (200, json!({ "pushers": [] })));
        let remove = json!({ "app_id": "org.example.app", "pushkey": "key", "kind": null });
        for _ in 0..2 {
            assert_eq!(bob.post(set, remove.clone()).await.0, 200);
        }
        assert_eq!(bob.get(get).await, (200, json!({ "pushers": [] })));
        assert_eq!(alice.post(set, json!({ "kind": "http" })).await.0, 400);
        assert_eq!(
            refusal(alice.post(set, pusher(&"x".repeat(513))).await),
            (400, "M_INVALID_PARAM".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn a_pusher_goes_with_its_device() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let phone = alice.another_device().await;
        let set = "/_matrix/client/v3/pushers/set";
        assert_eq!(phone.post(set, pusher("phone")).await.0, 200);
        assert_eq!(alice.post(set, pusher("desk")).await.0, 200);
        assert_eq!(phone.post("/_matrix/client/v3/logout", json!({})).await.0, 200);
        let (_, kept) = alice.get("/_matrix/client/v3/pushers").await;
        assert_eq!(kept["pushers"].as_array().map(Vec::len), Some(1), "{kept}");
        assert_eq!(kept["pushers"][0]["pushkey"], "desk");
    })
    .await;
}
