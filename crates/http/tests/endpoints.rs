//! What holds for each endpoint there is, asked of the whole route table; and that the table is what
//! `docs/endpoints.md` says. What each of the specification's endpoints answers is in `contract.rs`.

mod closed;
mod guests;
pub(crate) mod page;

use axum::body::Body;
use http::{Method, Request, header};
use rohrpost_http::{Access, Route, route_table};
use rohrpost_testkit::{Answer, TestServer, User, enc};

/// Endpoints that answer a body that isn't JSON with 200: they take none, or take any.
const ANY_BODY: &[&str] = &[
    "/_matrix/client/r0/logout",
    "/_matrix/client/v3/logout",
    "/_matrix/client/r0/logout/all",
    "/_matrix/client/v3/logout/all",
    "/_matrix/client/r0/user/{user_id}/openid/request_token",
    "/_matrix/client/v3/user/{user_id}/openid/request_token",
    "/_matrix/media/unstable/fi.mau.msc2246/create",
    "/_matrix/media/v1/create",
    "/_matrix/media/r0/upload",
    "/_matrix/media/v3/upload",
];

/// Endpoints that answer 200 to ids that name nothing, because the specification wants it so, or because what isn't
/// there is what was asked for.
const ANY_ID: &[&str] = &[
    // Whoever reports doesn't learn whether there is such a thing.
    "/_matrix/client/unstable/org.matrix.msc4151/rooms/{room_id}/report",
    "/_matrix/client/v3/rooms/{room_id}/report",
    "/_matrix/client/r0/rooms/{room_id}/report/{event_id}",
    "/_matrix/client/v3/rooms/{room_id}/report/{event_id}",
];

/// A path of the table with ids that are well formed and name nothing.
fn path(route: &Route, user: &User) -> String {
    let fill = |segment: &str| match segment {
        "{room_id}" => enc("!nowhere:test.example"),
        "{room_id_or_alias}" | "{room_alias}" => enc("#nowhere:test.example"),
        "{user_id}" => enc(user.id.as_str()),
        "{event_id}" | "{parent_id}" => enc("$nothing"),
        "{server_name}" => "test.example".to_owned(),
        "{kind}" => "override".to_owned(),
        "{receipt_type}" => "m.read".to_owned(),
        "{rel_type}" => "m.thread".to_owned(),
        segment if segment.starts_with('{') => "nothing".to_owned(),
        segment => segment.to_owned(),
    };
    route.path.split('/').map(fill).collect::<Vec<_>>().join("/")
}

async fn ask(
    server: &TestServer,
    route: &Route,
    path: &str,
    token: Option<&str>,
    body: &'static str,
) -> Answer {
    let mut request = Request::builder().method(route.method.clone()).uri(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    request = request.header(header::CONTENT_TYPE, "application/json");
    server
        .ask(request.body(Body::from(body)).expect("a request"))
        .await
}

fn name(route: &Route) -> String {
    format!("{} {}", route.method, route.path)
}

fn errcode(answer: &Answer) -> String {
    answer.json()["errcode"].as_str().unwrap_or_default().to_owned()
}

/// Whether a refusal says why: with an errcode, or as OAuth 2.0 does it.
fn says_why(route: &Route, answer: &Answer) -> bool {
    let is_oauth = route.path.starts_with("/oauth2/") && answer.json()["error"].is_string();
    is_oauth || errcode(answer).starts_with("M_")
}

/// Whether the last endpoint signed the user out.
async fn is_gone(user: &User) -> bool {
    user.get("/_matrix/client/v3/account/whoami").await.0 != 200
}

#[tokio::test]
async fn no_endpoint_for_people_who_are_signed_in_answers_others() {
    TestServer::each(async |server| {
        let nobody = server.user("nobody").await;
        for route in route_table() {
            if route.access == Access::Public {
                continue;
            }
            let path = path(&route, &nobody);
            for (token, expected) in [
                (None, "M_MISSING_TOKEN"),
                (Some("wrong"), "M_UNKNOWN_TOKEN"),
                (Some(""), "M_UNKNOWN_TOKEN"),
            ] {
                let answer = ask(&server, &route, &path, token, "{").await;
                assert_eq!(
                    (answer.status, errcode(&answer).as_str()),
                    (401, expected),
                    "{}",
                    name(&route)
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_only_administrators_may_is_refused_to_others() {
    let server = TestServer::sqlite().await;
    let alice = server.user("alice").await;
    for route in route_table() {
        if route.access == Access::Administrator {
            let answer = ask(&server, &route, &path(&route, &alice), Some(&alice.token), "{}").await;
            assert_eq!(
                (answer.status, errcode(&answer).as_str()),
                (403, "M_FORBIDDEN"),
                "{}",
                name(&route)
            );
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_wherever_one_is_read() {
    TestServer::each(async |server| {
        let mut odd = Vec::new();
        let mut user = server.administrator("user").await;
        for (number, route) in route_table().into_iter().enumerate() {
            if !matches!(route.method, Method::PUT | Method::POST) {
                continue;
            }
            if is_gone(&user).await {
                user = server.administrator(&format!("user-{number}")).await;
            }
            let path = path(&route, &user);
            for body in ["{", "nothing", "[1", "{\"a\":}"] {
                let answer = ask(&server, &route, &path, Some(&user.token), body).await;
                let name = name(&route);
                match answer.status {
                    200 if ANY_BODY.contains(&route.path) => {}
                    401 if ANY_BODY.contains(&route.path) => {}
                    400..=499 if says_why(&route, &answer) => {}
                    status => odd.push(format!("{name} {body}: {status} {}", answer.text())),
                }
            }
        }
        assert!(odd.is_empty(), "{}", odd.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn ids_that_name_nothing_are_refused_and_the_same_request_again_too() {
    TestServer::each(async |server| {
        let mut odd = Vec::new();
        let mut user = server.administrator("user").await;
        for (number, route) in route_table().into_iter().enumerate() {
            if is_gone(&user).await {
                user = server.administrator(&format!("user-{number}")).await;
            }
            let path = path(&route, &user);
            let names_something = [
                "{room_id}",
                "{room_id_or_alias}",
                "{event_id}",
                "{media_id}",
                "{room_alias}",
            ]
            .iter()
            .any(|id| route.path.contains(id));
            for body in ["{}", "{}", "[]", "7", "\"text\"", "null"] {
                let answer = ask(&server, &route, &path, Some(&user.token), body).await;
                let wants_proof = answer.status == 401 && answer.json()["flows"].is_array();
                let is_refused = (400..500).contains(&answer.status) && says_why(&route, &answer);
                let is_fine = is_refused
                    || wants_proof
                    || answer.status < 400 && (!names_something || ANY_ID.contains(&route.path));
                if !is_fine {
                    odd.push(format!(
                        "{} {body}: {} {}",
                        name(&route),
                        answer.status,
                        answer.text()
                    ));
                }
            }
        }
        assert!(odd.is_empty(), "{}", odd.join("\n"));
    })
    .await;
}

#[test]
fn the_page_of_endpoints_is_up_to_date() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/endpoints.md"))
        .expect("docs/endpoints.md");
    assert!(
        page == page::page(),
        "docs/endpoints.md is stale: please run `cargo xtask gen`"
    );
}

#[test]
fn what_is_left_out_is_not_there_and_has_a_reason_in_one_line() {
    let implemented = page::implemented();
    for endpoint in page::list() {
        if let Some(reason) = &endpoint.left_out {
            let is_there = implemented.contains(&(endpoint.method.clone(), page::shape(&endpoint.path)));
            assert!(!is_there, "{} {} is there", endpoint.method, endpoint.path);
            assert!(
                (10..120).contains(&reason.len()) && !reason.contains('\n'),
                "{reason}"
            );
        }
    }
}

/// How many of a hundred endpoints may be left out.
const LEFT_OUT_PERCENT: usize = 2;

#[test]
fn at_least_98_percent_of_the_endpoints_are_there_and_none_is_still_to_come() {
    let (list, implemented) = (page::list(), page::implemented());
    let missing: Vec<_> = list
        .iter()
        .filter(|endpoint| !implemented.contains(&(endpoint.method.clone(), page::shape(&endpoint.path))))
        .collect();
    let name = |endpoint: &&page::Endpoint| format!("{} {}", endpoint.method, endpoint.path);
    let to_come = missing
        .iter()
        .copied()
        .filter(|endpoint| endpoint.left_out.is_none());
    let to_come: Vec<String> = to_come.map(|endpoint| name(&endpoint)).collect();
    assert!(to_come.is_empty(), "still to come\n{}", to_come.join("\n"));
    let missing: Vec<String> = missing.iter().map(name).collect();
    assert!(
        missing.len() * 100 <= list.len() * LEFT_OUT_PERCENT,
        "too many are left out\n{}",
        missing.join("\n")
    );
}
