//! What people can't call whose account is locked or closed, asked of the whole route table.

use rohrpost_core::accounts::deactivate::{self, Traces};
use rohrpost_http::{Access, route_table};
use rohrpost_testkit::{TestServer, enc};
use serde_json::json;

use super::{ask, errcode, name, path};

#[tokio::test]
async fn a_locked_account_is_refused_everywhere_but_at_the_door_out() {
    TestServer::each(async |server| {
        let root = server.administrator("root").await;
        let bob = server.user("bob").await;
        let lock = format!("/_matrix/client/v1/admin/lock/{}", enc(bob.id.as_str()));
        assert_eq!(root.put(&lock, json!({ "locked": true })).await.0, 200);
        for route in route_table() {
            if route.access == Access::Public || route.path.contains("/logout") {
                continue;
            }
            let answer = ask(&server, &route, &path(&route, &bob), Some(&bob.token), "{}").await;
            assert_eq!(
                (answer.status, errcode(&answer).as_str()),
                (401, "M_USER_LOCKED"),
                "{}",
                name(&route)
            );
            assert_eq!(answer.json()["soft_logout"], json!(true), "{}", name(&route));
        }
        assert_eq!(bob.post("/_matrix/client/v3/logout/all", json!({})).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn the_token_of_a_closed_account_opens_nothing() {
    TestServer::each(async |server| {
        let bob = server.user("bob").await;
        deactivate::deactivate_other(&server.core(), bob.id.clone(), Traces::Keep)
            .await
            .expect("the store works");
        for route in route_table() {
            if route.access == Access::Public {
                continue;
            }
            let answer = ask(&server, &route, &path(&route, &bob), Some(&bob.token), "{}").await;
            assert_eq!(
                (answer.status, errcode(&answer).as_str()),
                (401, "M_UNKNOWN_TOKEN"),
                "{}",
                name(&route)
            );
        }
    })
    .await;
}
