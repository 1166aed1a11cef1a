//! Files of other servers.

use axum::body::Body;
use http::{Request, header};
use rohrpost_testkit::{Answer, Neighbours, Peer, TestServer, User};
use serde_json::json;

use crate::pairs;

const HOSTILE: &[u8] = b"%PDF \r\n--x\r\n\r\n--x-- end\x00\xff\r\n";

async fn upload(user: &User, content_type: &str, name: &str, bytes: &'static [u8]) -> String {
    let request = Request::post(format!("/_matrix/media/v3/upload?filename={name}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", user.token))
        .header(header::CONTENT_TYPE, content_type)
        .body(Body::from(bytes))
        .expect("a request");
    let answer = user.server.ask(request).await;
    let uri = answer.json()["content_uri"]
        .as_str()
        .expect("an address")
        .to_owned();
    uri.strip_prefix("mxc://").expect("an address").to_owned()
}

async fn get(user: &User, path: &str) -> Answer {
    let request = Request::get(format!("/_matrix/client/v1/media/{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", user.token))
        .body(Body::empty())
        .expect("a request");
    user.server.ask(request).await
}

fn picture() -> &'static [u8] {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(400, 300, image::Rgb([9, 9, 9]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("a picture");
    bytes.into_inner().leak()
}

#[tokio::test]
async fn a_file_of_another_server_is_fetched_once_and_kept() {
    pairs(async |one, other| {
        let (anna, berta) = (one.user("anna").await, other.user("berta").await);
        let file = upload(&berta, "application/pdf", "Haushalt.pdf", HOSTILE).await;
        let path = format!("download/{file}");
        for _ in 0..2 {
            let answer = get(&anna, &path).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.body, HOSTILE);
            assert_eq!(answer.header("content-type"), "application/pdf");
            assert_eq!(
                answer.header("content-disposition"),
                "attachment; filename=Haushalt.pdf"
            );
            assert!(answer.header("content-security-policy").contains("sandbox"));
            // From here on it is here.
            other.close().await;
        }
        let unknown = path.replace(&file[file.len() - 4..], "none");
        assert_ne!(get(&anna, &unknown).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_picture_of_another_server_is_made_smaller_here_and_there() {
    pairs(async |one, other| {
        let (anna, berta) = (one.user("anna").await, other.user("berta").await);
        let file = upload(&berta, "image/png", "a.png", picture()).await;
        let answer = get(&anna, &format!("thumbnail/{file}?width=96&height=96")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let small = image::load_from_memory(&answer.body).expect("a picture");
        assert_eq!((small.width(), small.height()), (96, 72));
        // As the other server asks for it.
        let id = file.rsplit('/').next().expect("an id");
        let path = format!("/_matrix/federation/v1/media/thumbnail/{id}?width=96&height=96");
        let told = Peer::of(&one).await.ask_raw(&other, "GET", &path).await;
        assert_eq!(told.status, 200);
        assert!(
            told.header("content-type")
                .starts_with("multipart/mixed; boundary=")
        );
        assert!(told.body.len() > answer.body.len() && told.body.len() < answer.body.len() + 1000);
        assert_eq!(told.header("content-length"), told.body.len().to_string());
    })
    .await;
}

#[tokio::test]
async fn what_a_server_does_not_have_is_not_found_there() {
    pairs(async |one, other| {
        let anna = one.user("anna").await;
        let berta = other.user("berta").await;
        for id in ["nothing", "..%2Fx"] {
            let answer = get(&anna, &format!("download/{}/{id}", other.name())).await;
            assert_eq!(answer.status, 404, "{id}: {}", answer.text());
        }
        assert_eq!(get(&anna, "download/127.0.0.1:1/x").await.status, 502);
        // A server hands out its own files alone.
        let mine = upload(&anna, "text/plain", "a.txt", b"mine").await;
        assert_eq!(get(&berta, &format!("download/{mine}")).await.status, 200);
        let id = mine.rsplit('/').next().expect("an id");
        let path = format!("/_matrix/federation/v1/media/download/{id}");
        let (status, answer) = Peer::of(&one).await.get(&other, &path).await;
        assert_eq!(
            (status, &answer["errcode"]),
            (404, &json!("M_NOT_FOUND")),
            "{answer}"
        );
    })
    .await;
}

#[tokio::test]
async fn who_has_too_much_fetched_must_wait() {
    let neighbours = Neighbours::new();
    let one = neighbours
        .with(|settings| settings.quotas.daily_upload_bytes = 1000)
        .sqlite()
        .await;
    let other = neighbours.sqlite().await;
    let (anna, carl) = (one.user("anna").await, one.user("carl").await);
    let berta = other.user("berta").await;
    let first = upload(&berta, "text/plain", "a", &[b'a'; 900]).await;
    let second = upload(&berta, "text/plain", "b", &[b'b'; 900]).await;
    assert_eq!(get(&anna, &format!("download/{first}")).await.status, 200);
    assert_eq!(get(&anna, &format!("download/{second}")).await.status, 429);
    // What somebody else had fetched costs nobody anything.
    assert_eq!(get(&carl, &format!("download/{second}")).await.status, 200);
    assert_eq!(get(&anna, &format!("download/{second}")).await.status, 200);
    close(one, other).await;
}

#[tokio::test]
async fn a_file_that_is_larger_than_files_may_be_here_is_not_fetched() {
    let neighbours = Neighbours::new();
    let one = neighbours
        .with(|settings| settings.max_upload_bytes = 1000)
        .sqlite()
        .await;
    let other = neighbours.sqlite().await;
    let (anna, berta) = (one.user("anna").await, other.user("berta").await);
    for (size, status) in [(1000, 200), (1001, 413), (100_000, 413)] {
        let bytes: &'static [u8] = vec![b'x'; size].leak();
        let file = upload(&berta, "text/plain", "a", bytes).await;
        assert_eq!(
            get(&anna, &format!("download/{file}")).await.status,
            status,
            "{size}"
        );
    }
    close(one, other).await;
}

#[tokio::test]
async fn an_answer_that_is_no_file_is_none() {
    let neighbours = Neighbours::new();
    let one = neighbours.sqlite().await;
    let stranger = neighbours.stranger().await;
    let anna = one.user("anna").await;
    stranger.answers(
        "GET /_matrix/federation/v1/media/download/",
        json!({ "not": "a file" }),
    );
    let answer = get(&anna, &format!("download/{}/x", stranger.name())).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    one.close().await;
}

async fn close(one: TestServer, other: TestServer) {
    one.close().await;
    other.close().await;
}
