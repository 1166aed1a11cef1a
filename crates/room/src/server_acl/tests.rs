use std::time::{Duration, Instant};

use ruma::ServerName;
use serde_json::{Value, json};

use super::ServerAcl;
use crate::test_room::{ALICE, TestRoom, VERSIONS, event};

fn acl(content: Value) -> ServerAcl {
    let mut room = TestRoom::public(&VERSIONS[2]);
    let pdu = room.send(event(ALICE, "m.room.server_acl", Some(""), content));
    ServerAcl::new(Some(&pdu))
}

fn allows(acl: &ServerAcl, server: &str) -> bool {
    acl.allows(<&ServerName>::try_from(server).unwrap())
}

#[test]
fn without_a_list_everybody_may() {
    assert!(allows(&ServerAcl::new(None), "evil.example"));
}

#[test]
fn the_rules_are_applied_in_order() {
    let cases = [
        (json!({}), "a.example", false),
        (json!({"allow": ["*"]}), "a.example", true),
        (json!({"allow": ["*"], "deny": ["*.example"]}), "a.example", false),
        (
            json!({"allow": ["a.example"], "deny": ["a.*"]}),
            "a.example",
            false,
        ),
        (json!({"allow": ["*.example"]}), "example", false),
        (json!({"allow": ["?.example"]}), "a.example", true),
        (json!({"allow": ["?.example"]}), "aa.example", false),
        // "the suspect server's port number must not be considered"
        (
            json!({"allow": ["*"], "deny": ["evil.com"]}),
            "evil.com:8448",
            false,
        ),
        (json!({"allow": ["evil.com:8448"]}), "evil.com:8448", false),
        // "The case-insensitive glob expressions"
        (json!({"allow": ["*"], "deny": ["evil.test"]}), "EVIL.test", false),
        (json!({"allow": ["*"], "deny": ["EVIL.Test"]}), "evil.test", false),
        // "If the server name is an IP address (v4 or v6) literal, and allow_ip_literals is present and false, deny."
        (
            json!({"allow": ["*"], "allow_ip_literals": false}),
            "1.2.3.4",
            false,
        ),
        (
            json!({"allow": ["*"], "allow_ip_literals": false}),
            "1.2.3.4:8448",
            false,
        ),
        (
            json!({"allow": ["*"], "allow_ip_literals": false}),
            "[::1]",
            false,
        ),
        (
            json!({"allow": ["*"], "allow_ip_literals": false}),
            "[2001:db8::1]:8448",
            false,
        ),
        (
            json!({"allow": ["*"], "allow_ip_literals": false}),
            "1.2.3.4.example",
            true,
        ),
        (json!({"allow": ["*"]}), "1.2.3.4", true),
        (json!({"allow": ["*"], "deny": ["1.2.3.*"]}), "1.2.3.4:80", false),
        (json!({"allow": ["*"], "deny": ["[::1]"]}), "[::1]:80", false),
    ];
    for (content, server, expected) in cases {
        assert_eq!(
            allows(&acl(content.clone()), server),
            expected,
            "{content} {server}"
        );
    }
}

#[test]
fn what_has_the_wrong_type_counts_as_missing_and_the_rest_counts() {
    let cases = [
        // "Defaults to true if missing or otherwise not a boolean."
        (
            json!({"allow": ["*"], "allow_ip_literals": "false"}),
            "1.2.3.4",
            true,
        ),
        (
            json!({"allow": ["*"], "deny": ["evil.com", 5, null]}),
            "evil.com",
            false,
        ),
        (
            json!({"allow": ["*"], "deny": ["evil.com", 5, null]}),
            "a.example",
            true,
        ),
        (json!({"allow": ["*"], "deny": "evil.com"}), "evil.com", true),
        (json!({"allow": "*"}), "a.example", false),
        (json!({"allow": [["*"], "b.example"]}), "a.example", false),
    ];
    for (content, server, expected) in cases {
        assert_eq!(
            allows(&acl(content.clone()), server),
            expected,
            "{content} {server}"
        );
    }
}

#[test]
fn ten_thousand_patterns_are_tried_in_no_time() {
    // 65,536 bytes are the most that an event holds: so many `*a*b*` don't fit, but longer names do.
    let patterns: Vec<_> = (0..7_000).map(|_| "*a*b*").collect();
    let acl = acl(json!({"allow": ["*"], "deny": patterns}));
    let name = format!("{}.example", "a".repeat(63));
    let long = format!("{0}.{0}.{0}.example", "a".repeat(63));
    let started = Instant::now();
    assert!(allows(&acl, &name));
    assert!(allows(&acl, &long));
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_pattern_that_makes_backtracking_explode_is_tried_in_no_time() {
    let pattern = format!("{}c", "*a".repeat(20_000));
    let acl = acl(json!({"allow": ["*"], "deny": [pattern, "*a*a*a*a*a*a*a*a*a*a*a*a*b"]}));
    let long = format!("{0}.{0}.{0}.{0}", "a".repeat(60));
    let started = Instant::now();
    assert!(allows(&acl, &long));
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}
