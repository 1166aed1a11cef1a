use ruma::RoomVersionId;
use ruma::push::{Action, NewConditionalPushRule, NewPatternedPushRule, NewPushRule, Ruleset, Tweak};
use serde_json::{Value, json};

use super::{MAX_PATTERN_BYTES, MAX_TEXT_BYTES, Outcome, PushEvent, is_pattern_in_bounds};
use crate::build::NewEvent;
use crate::pdu::Pdu;
use crate::test_room::{ALICE, BOB, DORA, TestRoom, event, member, message, user};

const SILENT: Outcome = Outcome {
    notify: false,
    highlight: false,
};
const NOTIFIES: Outcome = Outcome {
    notify: true,
    highlight: false,
};
const HIGHLIGHTS: Outcome = Outcome {
    notify: true,
    highlight: true,
};

/// What Bob's default rules say about the event in a public room of three, in which Bob is called Bob.
fn for_bob(new: NewEvent) -> Outcome {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    room.send(member(DORA, DORA, "join"));
    let pdu = room.send(new);
    let rules = Ruleset::server_default(&user(BOB));
    PushEvent::new(&pdu, 3, Some(&room.power())).evaluate(&user(BOB), "Bob", &rules)
}

fn mentioning(sender: &str, mentions: Value) -> NewEvent {
    let content = json!({"msgtype": "m.text", "body": "hello", "m.mentions": mentions});
    event(sender, "m.room.message", None, content)
}

fn encrypted(sender: &str) -> NewEvent {
    let content = json!({"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgA", "session_id": "x"});
    event(sender, "m.room.encrypted", None, content)
}

fn word_rule(pattern: &str) -> Ruleset {
    let mut rules = Ruleset::new();
    let actions = vec![
        Action::Notify,
        Action::SetTweak(Tweak::Highlight(ruma::push::HighlightTweakValue::Yes)),
    ];
    let rule = NewPatternedPushRule::new("word".to_owned(), pattern.to_owned(), actions);
    rules.insert(NewPushRule::Content(rule), None, None).unwrap();
    rules
}

/// The event as it could stand in the database, whatever its content is.
fn stored(content: &str) -> Pdu {
    let room = TestRoom::public(&RoomVersionId::V12);
    let pdu = room.build(message(DORA, "")).err();
    assert!(
        pdu.is_some(),
        "Dora is not in the room, so nothing of hers is built"
    );
    let json = format!(
        r#"{{"auth_events":[],"content":{content},"depth":1,"origin_server_ts":1,"prev_events":[],
           "sender":"{DORA}","type":"m.room.message"}}"#
    );
    Pdu::from_stored(room.room_id.as_deref().unwrap(), &room.heads[0], &json).unwrap()
}

#[test]
fn messages_of_others_notify_and_own_ones_dont() {
    assert_eq!(for_bob(message(ALICE, "hello")), NOTIFIES);
    assert_eq!(for_bob(message(BOB, "hello")), SILENT);
}

#[test]
fn encrypted_messages_notify_without_being_read() {
    assert_eq!(for_bob(encrypted(ALICE)), NOTIFIES);
}

#[test]
fn reactions_memberships_and_notices_are_silent() {
    let relates = json!({"m.relates_to": {"rel_type": "m.annotation", "event_id": "$x", "key": "+1"}});
    assert_eq!(for_bob(event(ALICE, "m.reaction", None, relates)), SILENT);
    assert_eq!(for_bob(member(DORA, DORA, "leave")), SILENT);
    let notice = json!({"msgtype": "m.notice", "body": "hello"});
    assert_eq!(for_bob(event(ALICE, "m.room.message", None, notice)), SILENT);
}

#[test]
fn mentions_highlight_for_the_mentioned_only() {
    assert_eq!(for_bob(mentioning(ALICE, json!({"user_ids": [BOB]}))), HIGHLIGHTS);
    assert_eq!(for_bob(mentioning(ALICE, json!({"user_ids": [DORA]}))), NOTIFIES);
}

#[test]
fn mentioning_the_room_needs_the_level() {
    assert_eq!(for_bob(mentioning(ALICE, json!({"room": true}))), HIGHLIGHTS);
    assert_eq!(for_bob(mentioning(DORA, json!({"room": true}))), NOTIFIES);
}

#[test]
fn without_power_levels_nobody_notifies_the_room() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let pdu = room.send(mentioning(ALICE, json!({"room": true})));
    let rules = Ruleset::server_default(&user(BOB));
    assert_eq!(
        PushEvent::new(&pdu, 2, None).evaluate(&user(BOB), "Bob", &rules),
        NOTIFIES
    );
}

#[test]
fn an_invitation_notifies_the_invited() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let pdu = room.send(member(ALICE, DORA, "invite"));
    let mut event = PushEvent::new(&pdu, 2, Some(&room.power()));
    let evaluate =
        |event: &mut PushEvent, id: &str| event.evaluate(&user(id), "x", &Ruleset::server_default(&user(id)));
    assert_eq!(evaluate(&mut event, DORA), NOTIFIES);
    assert_eq!(
        evaluate(&mut event, BOB),
        SILENT,
        "the same event for the next user"
    );
}

#[test]
fn disabled_rules_and_the_master_rule_are_respected() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let pdu = room.send(message(ALICE, "hello"));
    let mut rules = Ruleset::server_default(&user(BOB));
    rules
        .set_enabled(ruma::push::RuleKind::Override, ".m.rule.master", true)
        .unwrap();
    let mut event = PushEvent::new(&pdu, 2, None);
    assert_eq!(event.evaluate(&user(BOB), "Bob", &rules), SILENT);
    assert!(event.actions(&user(BOB), "Bob", &rules).is_empty());
}

/// Whether one condition holds for Bob, of a message of Alice's with a bit of everything in a room of three.
fn holds(condition: &Value) -> bool {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let content = json!({
        "msgtype": "m.text", "body": "Have some cake, please", "a.b": { "c": "x" }, "d": { "e.f": "y" }, "n": 5,
        "flag": true, "nothing": null, "list": ["x", 1, null, false, { "deep": "z" }],
    });
    let pdu = room.send(event(ALICE, "m.room.message", None, content));
    let conditions = vec![serde_json::from_value(condition.clone()).expect("a condition")];
    let rule = NewConditionalPushRule::new("one".to_owned(), conditions, vec![Action::Notify]);
    let mut rules = Ruleset::new();
    // Override rules have their place behind the master rule, which these rules lack.
    rules.insert(NewPushRule::Underride(rule), None, None).unwrap();
    let mut event = PushEvent::new(&pdu, 3, Some(&room.power()));
    !event.actions(&user(BOB), "Bob", &rules).is_empty()
}

/// <https://spec.matrix.org/v1.19/client-server-api/#conditions-1>
#[test]
fn each_kind_of_condition_holds_where_it_should_and_nowhere_else() {
    let matches = |key: &str, pattern: &str| json!({ "kind": "event_match", "key": key, "pattern": pattern });
    let is = |key: &str, value: Value| json!({ "kind": "event_property_is", "key": key, "value": value });
    let has =
        |key: &str, value: Value| json!({ "kind": "event_property_contains", "key": key, "value": value });
    let members = |is: &str| json!({ "kind": "room_member_count", "is": is });
    for condition in [
        matches("content.body", "cake"),
        matches("content.body", "CAKE"),
        matches("content.body", "c?ke"),
        matches("type", "m.room.mess*"),
        matches("content.a\\.b.c", "x"),
        matches("content.d.e\\.f", "y"),
        matches("sender", ALICE),
        is("content.n", json!(5)),
        is("content.flag", json!(true)),
        is("content.nothing", json!(null)),
        is("content.msgtype", json!("m.text")),
        has("content.list", json!("x")),
        has("content.list", json!(1)),
        has("content.list", json!(null)),
        has("content.list", json!(false)),
        members("3"),
        members("==3"),
        members("<4"),
        members(">2"),
        members("<=3"),
        members(">=3"),
        json!({ "kind": "sender_notification_permission", "key": "room" }),
    ] {
        assert!(holds(&condition), "{condition} doesn't hold");
    }
    for condition in [
        matches("content.body", "cak"),
        matches("type", "room"),
        matches("content.a.b.c", "x"),
        matches("content.n", "5"),
        matches("content.missing", "*"),
        is("content.n", json!("5")),
        is("content.msgtype", json!("M.TEXT")),
        is("content.missing", json!(null)),
        is("content.list", json!("x")),
        has("content.list", json!("y")),
        has("content.list", json!("1")),
        has("content.list", json!("z")),
        has("content.msgtype", json!("m.text")),
        members("2"),
        members("<3"),
        members(">3"),
        json!({ "kind": "org.example.unknown", "key": "type", "pattern": "*" }),
    ] {
        assert!(!holds(&condition), "{condition} holds");
    }
}

#[test]
fn words_of_the_user_highlight() {
    let mut room = TestRoom::public(&RoomVersionId::V12);
    let pdu = room.send(message(ALICE, "the Registry moves"));
    let mut event = PushEvent::new(&pdu, 2, None);
    assert_eq!(
        event.evaluate(&user(BOB), "Bob", &word_rule("registry")),
        HIGHLIGHTS
    );
    assert_eq!(event.evaluate(&user(BOB), "Bob", &word_rule("regis")), SILENT);
}

#[test]
fn hostile_names_and_contents_dont_panic() {
    let by_name = r#"{"override": [{"rule_id": "name", "default": true, "enabled": true, "actions": ["notify"],
        "conditions": [{"kind": "contains_display_name"}]}]}"#;
    let rules: Ruleset = serde_json::from_str(by_name).unwrap();
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    for content in [
        r#"{"body":"hello"}"#.to_owned(),
        format!(r#"{{"body":{deep}}}"#),
        r#"{"body":"\ud800"}"#.to_owned(),
        r#"{"body":1e999}"#.to_owned(),
        "null".to_owned(),
    ] {
        let mut event = PushEvent::new(&stored(&content), 2, None);
        for name in [
            "",
            "*",
            "\u{1F600}",
            &"?".repeat(MAX_PATTERN_BYTES),
            &"?".repeat(60_000),
        ] {
            assert!(!event.evaluate(&user(BOB), name, &rules).highlight);
        }
    }
}

#[test]
fn only_the_beginning_of_a_long_text_is_looked_at() {
    // The cut would be inside of a character of three bytes.
    let body = |before: usize| format!(r#"{{"body":"x word {} late"}}"#, "\u{20AC}".repeat(before));
    let evaluate = |content: &str, word: &str| {
        PushEvent::new(&stored(content), 2, None).evaluate(&user(BOB), "Bob", &word_rule(word))
    };
    assert_eq!(evaluate(&body(1), "late"), HIGHLIGHTS);
    assert_eq!(evaluate(&body(MAX_TEXT_BYTES), "late"), SILENT);
    assert_eq!(evaluate(&body(MAX_TEXT_BYTES), "word"), HIGHLIGHTS);
    for depth in 0..3 {
        let (open, close) = (r#"{"a":["#.repeat(depth), "]}".repeat(depth));
        let mut value: Value =
            serde_json::from_str(&format!("{open}\"{}\"{close}", "\u{20AC}".repeat(60_000))).unwrap();
        super::cut(&mut value);
        assert!(value.to_string().len() <= MAX_TEXT_BYTES + 20);
    }
}

#[test]
fn a_long_row_of_words_does_not_exhaust_the_stack() {
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(|| {
        for (piece, pattern) in [
            ("aa ", "a"),
            ("a_", "a"),
            ("aa ", "aa "),
            ("b ", "b ?"),
            ("a*", "a"),
        ] {
            let content = format!(r#"{{"body":"{}"}}"#, piece.repeat(64_000 / piece.len()));
            let mut event = PushEvent::new(&stored(&content), 2, None);
            event.evaluate(&user(BOB), pattern, &word_rule(pattern));
        }
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn content_that_writing_would_make_unreadable_matches_nothing() {
    let filler = "x".repeat(MAX_TEXT_BYTES);
    let content = format!(r#"{{"z":"{filler}","body":"word","$serde_json::private::RawValue":"{{"}}"#);
    let outcome = PushEvent::new(&stored(&content), 2, None).evaluate(&user(BOB), "Bob", &word_rule("word"));
    assert_eq!(outcome, SILENT);
}

#[test]
fn patterns_have_bounds() {
    assert!(is_pattern_in_bounds(&"x".repeat(256)));
    assert!(!is_pattern_in_bounds(&"x".repeat(257)));
    assert!(is_pattern_in_bounds("*a?b*c?d*"));
    assert!(!is_pattern_in_bounds("*a?b*c?d*?"));
}
