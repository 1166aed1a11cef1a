//! Files that were made to fill the memory, the disk, or the time of a server.

use std::{
    io::{Cursor, Write as _},
    time::{Duration, Instant},
};

use axum::body::Body;
use flate2::{Compression, write::GzEncoder};
use http::Request;
use rohrpost_testkit::{Answer, TestServer, User};

async fn upload(user: &User, headers: &[(&str, &str)], bytes: Vec<u8>) -> Answer {
    let mut request =
        Request::post("/_matrix/media/v3/upload").header("authorization", format!("Bearer {}", user.token));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    user.server
        .ask(request.body(Body::from(bytes)).expect("a request"))
        .await
}

async fn uploaded(user: &User, headers: &[(&str, &str)], bytes: Vec<u8>) -> String {
    let answer = upload(user, headers, bytes).await;
    let json = answer.json();
    let address = json["content_uri"].as_str().unwrap_or_else(|| panic!("{json}"));
    address
        .strip_prefix("mxc://test.example/")
        .expect("a file of this server")
        .to_owned()
}

async fn get(user: &User, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path).header("authorization", format!("Bearer {}", user.token));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    user.server
        .ask(request.body(Body::empty()).expect("a request"))
        .await
}

fn thumbnail(id: &str, rest: &str) -> String {
    format!("/_matrix/client/v1/media/thumbnail/test.example/{id}?width=96&height=96{rest}")
}

/// A small picture that says it has 65,535 by 65,535 pixels.
fn giant(format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(8, 8)
        .write_to(&mut bytes, format)
        .expect("a picture");
    let mut bytes = bytes.into_inner();
    let place = match format {
        // Behind the marker of the frame: its length and its precision.
        image::ImageFormat::Jpeg => {
            let marker = bytes.windows(2).position(|two| two == [0xff, 0xc0]);
            marker.expect("a frame") + 5
        }
        image::ImageFormat::Gif => 6,
        _ => unreachable!("no other is asked for"),
    };
    bytes[place..place + 4].copy_from_slice(&[0xff; 4]);
    bytes
}

/// A GIF of so many frames of one pixel each on a large canvas.
fn many_frames(count: usize) -> Vec<u8> {
    let side = 1500_u16.to_le_bytes();
    let mut bytes = b"GIF89a".to_vec();
    bytes.extend([side[0], side[1], side[0], side[1], 0x80, 0, 0]);
    bytes.extend([0, 0, 0, 255, 255, 255]);
    for _ in 0..count {
        bytes.extend([0x21, 0xf9, 4, 0, 1, 0, 0, 0]);
        bytes.extend([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0]);
        bytes.extend([2, 2, 0x44, 1, 0]);
    }
    bytes.push(0x3b);
    bytes
}

#[tokio::test]
async fn giants_are_refused_before_they_are_unpacked() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for format in [image::ImageFormat::Jpeg, image::ImageFormat::Gif] {
            let bytes = giant(format);
            assert!(bytes.len() < 4096);
            let id = uploaded(&alice, &[], bytes).await;
            let asked = Instant::now();
            for rest in ["", "&animated=true", "&animated=false"] {
                let answer = get(&alice, &thumbnail(&id, rest), &[]).await;
                assert_eq!(
                    (answer.status, answer.json()["errcode"].as_str()),
                    (413, Some("M_TOO_LARGE")),
                    "{format:?}{rest}"
                );
            }
            assert!(asked.elapsed() < Duration::from_secs(2));
        }
    })
    .await;
}

#[tokio::test]
async fn a_hundred_thousand_frames_are_not_unpacked() {
    let builder = TestServer::with(|settings| settings.max_upload_bytes = 4 * 1024 * 1024);
    let server = builder.sqlite().await;
    let alice = server.user("alice").await;
    let id = uploaded(&alice, &[], many_frames(100_000)).await;
    for rest in ["", "&animated=true", "&animated=false"] {
        let asked = Instant::now();
        let answer = get(&alice, &thumbnail(&id, rest), &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_ne!(answer.header("content-type"), "image/gif", "it stands still");
        assert!(
            asked.elapsed() < Duration::from_secs(10),
            "{rest} took {:?}",
            asked.elapsed()
        );
    }
}

#[tokio::test]
async fn what_is_packed_stays_packed() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 50_000_000]).expect("memory takes it");
        let bomb = encoder.finish().expect("memory takes it");
        for headers in [
            &[("content-encoding", "gzip")][..],
            &[("content-encoding", "gzip, gzip, br")],
            &[("content-type", "multipart/form-data; boundary=x")],
            &[
                ("content-type", "application/gzip"),
                ("transfer-encoding", "gzip"),
            ],
        ] {
            let id = uploaded(&alice, headers, bomb.clone()).await;
            let path = format!("/_matrix/client/v1/media/download/test.example/{id}");
            let answer = get(&alice, &path, &[("accept-encoding", "gzip, br")]).await;
            assert_eq!(answer.body, bomb, "{headers:?}");
            assert_eq!(answer.header("content-encoding"), "");
            assert_eq!(get(&alice, &thumbnail(&id, ""), &[]).await.status, 400);
        }
    })
    .await;
}

#[tokio::test]
async fn parts_behind_the_end_and_many_parts_cost_nothing() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let id = uploaded(&alice, &[("content-type", "text/plain")], b"0123456789".to_vec()).await;
        let path = format!("/_matrix/client/v1/media/download/test.example/{id}");
        for behind in ["bytes=10-", "bytes=99999999999999-", "bytes=-0"] {
            let answer = get(&alice, &path, &[("range", behind)]).await;
            assert_eq!((answer.status, answer.body.len()), (416, 0), "{behind}");
            assert_eq!(answer.header("content-range"), "bytes */10");
        }
        let many: Vec<String> = (0..1000).map(|_| "0-".to_owned()).collect();
        let answer = get(&alice, &path, &[("range", &format!("bytes={}", many.join(",")))]).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "0123456789"));
        let etag = answer.header("etag").to_owned();
        for (if_range, status) in [
            (&*etag, 206),
            ("\"other\"", 200),
            (&*format!("W/{etag}"), 200),
            ("Sat, 29 Oct 1994 19:43:31 GMT", 200),
        ] {
            let headers = [("range", "bytes=2-3"), ("if-range", if_range)];
            assert_eq!(get(&alice, &path, &headers).await.status, status, "{if_range}");
        }
    })
    .await;
}
