//! Files that come after their address, over the client-server API on both engines.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use rohrpost_testkit::{Answer, TestServer, User};
use serde_json::json;

const CREATE: &str = "/_matrix/media/v1/create";

/// Makes an address; answers the media id.
async fn create(user: &User) -> String {
    let (status, answer) = user.post(CREATE, json!({})).await;
    assert_eq!(status, 200, "{answer}");
    let address = answer["content_uri"].as_str().expect("an address");
    address
        .strip_prefix("mxc://test.example/")
        .expect("an address of this server")
        .to_owned()
}

fn place(id: &str) -> String {
    format!("/_matrix/media/v3/upload/test.example/{id}")
}

async fn upload(user: &User, path: &str, body: Body) -> (u16, String) {
    let request = Request::put(path)
        .header("authorization", format!("Bearer {}", user.token))
        .header("content-type", "text/plain");
    let answer = user.server.ask(request.body(body).expect("a request")).await;
    (answer.status, errcode(&answer))
}

async fn download(user: &User, id: &str, timeout_ms: u64) -> Answer {
    let path =
        format!("/_matrix/client/v1/media/download/test.example/{id}/Plan.txt?timeout_ms={timeout_ms}");
    let request = Request::get(path).header("authorization", format!("Bearer {}", user.token));
    user.server
        .ask(request.body(Body::empty()).expect("a request"))
        .await
}

fn errcode(answer: &Answer) -> String {
    answer.json()["errcode"].as_str().unwrap_or_default().to_owned()
}

fn refused(status: u16, errcode: &str) -> (u16, String) {
    (status, errcode.to_owned())
}

#[tokio::test]
async fn a_file_comes_after_its_address() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let (status, answer) = alice.post(CREATE, json!({})).await;
        assert_eq!(status, 200);
        assert_eq!(
            answer["unused_expires_at"],
            1_767_600_000_000_i64 + 24 * 60 * 60 * 1000
        );
        let id = create(&alice).await;
        let early = download(&bob, &id, 0).await;
        assert_eq!(
            (early.status, errcode(&early).as_str()),
            (504, "M_NOT_YET_UPLOADED")
        );
        let thumbnail =
            format!("/_matrix/client/v1/media/thumbnail/test.example/{id}?width=32&height=32&timeout_ms=0");
        assert_eq!(bob.get(&thumbnail).await.0, 504);
        assert_eq!(
            upload(&alice, &place(&id), "Haushalt".into()).await,
            (200, String::new())
        );
        let answer = download(&bob, &id, 0).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "Haushalt"));
        assert_eq!(answer.header("content-disposition"), "inline; filename=Plan.txt");
        // The same request again doesn't change what others have seen.
        assert_eq!(
            upload(&alice, &place(&id), "Anderes".into()).await,
            refused(409, "M_CANNOT_OVERWRITE_MEDIA")
        );
        assert_eq!(download(&bob, &id, 0).await.text(), "Haushalt");
    })
    .await;
}

#[tokio::test]
async fn whoever_asks_early_gets_the_file_when_it_comes() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let id = create(&alice).await;
        let path = place(&id);
        let (answer, uploaded) = tokio::join!(download(&bob, &id, 60_000), async {
            // Lets the one who waits begin.
            tokio::task::yield_now().await;
            upload(&alice, &path, "Haushalt".into()).await
        });
        assert_eq!(uploaded.0, 200);
        assert_eq!((answer.status, answer.text().as_str()), (200, "Haushalt"));
    })
    .await;
}

#[tokio::test]
async fn an_address_is_for_the_one_who_made_it_and_not_for_ever() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let id = create(&alice).await;
        assert_eq!(
            upload(&bob, &place(&id), "Falsches".into()).await,
            refused(403, "M_FORBIDDEN")
        );
        for unknown in [
            place("nothing"),
            format!("/_matrix/media/v3/upload/other.example/{id}"),
            place("..%2f..%2fetc"),
        ] {
            assert_eq!(
                upload(&alice, &unknown, "Falsches".into()).await,
                refused(404, "M_NOT_FOUND"),
                "{unknown}"
            );
        }
        let unknown = Request::put(place(&id)).body(Body::empty()).expect("a request");
        assert_eq!(errcode(&server.ask(unknown).await), "M_MISSING_TOKEN");
        // One that broke off may be begun again.
        let pieces = [Ok("half"), Err(std::io::Error::other("gone"))];
        let broken = Body::from_stream(futures_util::stream::iter(pieces));
        assert_eq!(upload(&alice, &place(&id), broken).await.0, 400);
        assert_eq!(download(&bob, &id, 0).await.status, 504);
        server.clock().advance(Duration::from_secs(24 * 60 * 60));
        assert_eq!(
            upload(&alice, &place(&id), "Haushalt".into()).await,
            refused(404, "M_NOT_FOUND")
        );
        assert_eq!(download(&bob, &id, 0).await.status, 404);
        rohrpost_core::upkeep::upkeep(&server.core())
            .await
            .expect("the upkeep");
        assert_eq!(
            upload(&alice, &place(&id), "Haushalt".into()).await,
            refused(404, "M_NOT_FOUND")
        );
    })
    .await;
}

#[tokio::test]
async fn nobody_has_too_many_addresses_without_a_file() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let id = create(&alice).await;
        for _ in 1..100 {
            create(&alice).await;
        }
        let (status, answer) = alice.post(CREATE, json!({})).await;
        assert_eq!((status, &answer["errcode"]), (429, &json!("M_LIMIT_EXCEEDED")));
        create(&bob).await;
        assert_eq!(upload(&alice, &place(&id), "Haushalt".into()).await.0, 200);
        create(&alice).await;
    })
    .await;
}
