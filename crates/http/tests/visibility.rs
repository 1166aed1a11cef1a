//! Who sees what of a room: 4 history visibilities x 5 memberships x 18 endpoints, on both engines.
//!
//! Each event of each of the 20 rooms carries a canary of its own. What may and what must be seen is computed from
//! the specification's rules in [`rules`], not from the server's code. [`story`] makes the rooms, [`questions`] asks.
//!
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility)

mod questions;
mod rules;
mod story;

use std::collections::BTreeSet;

use rohrpost_testkit::TestServer;

use self::{
    questions::{Endpoint, ask},
    rules::{Expected, Membership, Visibility, expected},
    story::{Room, canaries, tell},
};

/// Endpoints that this server doesn't have yet. Whoever adds one takes it out of here.
const NOT_YET: &[Endpoint] = &[];

/// What an answer shows that it may not, and what it doesn't show that it must.
fn faults(room: &Room, expected: &Expected, answer: &str) -> Vec<String> {
    let shown: BTreeSet<_> = canaries()
        .filter(|canary| answer.contains(&room.text(*canary)))
        .collect();
    let leaked = shown
        .difference(&expected.may)
        .map(|canary| format!("leaks {canary:?}"));
    let missing = expected
        .must
        .difference(&shown)
        .map(|canary| format!("lacks {canary:?}"));
    leaked.chain(missing).collect()
}

#[tokio::test]
async fn everybody_sees_what_the_rules_allow_and_nothing_else() {
    TestServer::each(async |server| {
        let (mut cells, mut found) = (0, Vec::new());
        for visibility in Visibility::ALL {
            for membership in Membership::ALL {
                let room = tell(&server, visibility, membership).await;
                for endpoint in Endpoint::ALL {
                    cells += 1;
                    if NOT_YET.contains(&endpoint) {
                        continue;
                    }
                    let answer = ask(endpoint, &room, &room.user).await;
                    let expected = expected(visibility, membership, endpoint);
                    let faults = faults(&room, &expected, &answer.text);
                    found.extend(
                        faults
                            .into_iter()
                            .map(|fault| format!("{visibility:?} {membership:?} {endpoint:?}: {fault}")),
                    );
                    assert!(
                        !answer.failed,
                        "{visibility:?} {membership:?} {endpoint:?}: {}",
                        answer.text
                    );
                }
            }
        }
        assert_eq!(cells, 360);
        assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn a_leak_is_found_at_each_endpoint() {
    let server = TestServer::sqlite().await;
    let (visibility, membership) = (Visibility::Joined, Membership::Never);
    let room = tell(&server, visibility, membership).await;
    for endpoint in Endpoint::ALL {
        if NOT_YET.contains(&endpoint) {
            continue;
        }
        // The answer to somebody who was there all the time, as if it were given to a stranger.
        let answer = ask(endpoint, &room, &room.witness).await;
        let expected = expected(visibility, membership, endpoint);
        let faults = faults(&room, &expected, &answer.text);
        assert!(
            faults.iter().any(|fault| fault.starts_with("leaks")),
            "{endpoint:?} shows nothing to a member: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn the_list_of_what_is_not_there_yet_is_exact() {
    let server = TestServer::sqlite().await;
    let room = tell(&server, Visibility::Shared, Membership::Joined).await;
    let mut missing = Vec::new();
    for endpoint in Endpoint::ALL {
        if ask(endpoint, &room, &room.witness).await.unrecognized {
            missing.push(endpoint);
        }
    }
    assert_eq!(missing, NOT_YET, "please bring NOT_YET up to date");
}
