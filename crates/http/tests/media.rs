//! Uploaded files, over the client-server API on both engines.

use std::path::Path;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Request;
use rohrpost_testkit::{Answer, TestServer, User, enc};
use serde_json::json;

const UPLOAD: &str = "/_matrix/media/v3/upload";

async fn upload(user: &User, query: &str, content_type: &str, bytes: Vec<u8>) -> Answer {
    let mut request =
        Request::post(format!("{UPLOAD}{query}")).header("authorization", format!("Bearer {}", user.token));
    if !content_type.is_empty() {
        request = request.header("content-type", content_type);
    }
    user.server
        .ask(request.body(Body::from(bytes)).expect("a request"))
        .await
}

/// Uploads; answers the media id.
async fn uploaded(user: &User, query: &str, content_type: &str, bytes: Vec<u8>) -> String {
    let answer = upload(user, query, content_type, bytes).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json = answer.json();
    let address = json["content_uri"].as_str().expect("an address");
    address
        .strip_prefix("mxc://test.example/")
        .expect("an address of this server")
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

fn download(id: &str) -> String {
    format!("/_matrix/client/v1/media/download/test.example/{id}")
}

fn thumbnail(id: &str, size: &str) -> String {
    format!("/_matrix/client/v1/media/thumbnail/test.example/{id}?{size}")
}

fn errcode(answer: &Answer) -> (u16, String) {
    (
        answer.status,
        answer.json()["errcode"].as_str().unwrap_or_default().to_owned(),
    )
}

/// All files below a folder.
fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries
        .map(|entry| {
            if entry.path().is_dir() {
                files(&entry.path())
            } else {
                1
            }
        })
        .sum()
}

fn picture(width: u32, height: u32) -> Vec<u8> {
    let picture = image::DynamicImage::new_rgb8(width, height);
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("a picture");
    bytes.into_inner()
}

fn size(answer: &Answer) -> (u32, u32) {
    let picture = image::load_from_memory(&answer.body).expect("a picture");
    (picture.width(), picture.height())
}

#[tokio::test]
async fn what_was_uploaded_is_downloaded() {
    TestServer::each(async |server| {
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let bytes: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
        let id = uploaded(
            &alice,
            "?filename=Haushalt%202026.pdf",
            "application/pdf",
            bytes.clone(),
        )
        .await;
        assert_eq!(id.len(), 24);
        server.restart().await;
        let answer = get(&bob, &download(&id), &[]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, bytes);
        assert_eq!(answer.header("content-type"), "application/pdf");
        assert_eq!(answer.header("content-length"), "300000");
        assert_eq!(
            answer.header("content-disposition"),
            "attachment; filename=\"Haushalt 2026.pdf\""
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin");
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("sandbox; default-src 'none';")
        );
        assert!(answer.header("cache-control").starts_with("private"));

        let named = get(&bob, &format!("{}/Plan.pdf", download(&id)), &[]).await;
        assert_eq!(
            named.header("content-disposition"),
            "attachment; filename=Plan.pdf"
        );
        // The same content again is another file of the same bytes.
        let again = uploaded(&bob, "", "", bytes).await;
        assert_ne!(again, id);
        let answer = get(&alice, &download(&again), &[]).await;
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(answer.header("content-disposition"), "attachment");
    })
    .await;
}

#[tokio::test]
async fn nothing_is_had_without_a_token() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let id = uploaded(&alice, "", "image/png", picture(8, 8)).await;
        for path in [download(&id), thumbnail(&id, "width=32&height=32")] {
            assert_eq!(server.get(&path, None).await.0, 401, "{path}");
            assert_eq!(server.get(&path, Some("")).await.0, 401, "{path}");
            assert_eq!(server.get(&path, Some("guessed")).await.0, 401, "{path}");
        }
        for path in [
            format!("/_matrix/media/v3/download/test.example/{id}"),
            format!("/_matrix/media/v3/download/test.example/{id}/name.png"),
            format!("/_matrix/media/r0/download/test.example/{id}"),
            format!("/_matrix/media/v3/thumbnail/test.example/{id}?width=32&height=32"),
        ] {
            let (status, body) = server.get(&path, None).await;
            assert_eq!((status, &body["errcode"]), (404, &json!("M_NOT_FOUND")), "{path}");
        }
        let request = Request::post(UPLOAD).body(Body::from("x")).expect("a request");
        assert_eq!(
            errcode(&server.ask(request).await),
            (401, "M_MISSING_TOKEN".to_owned())
        );
        for path in ["/_matrix/client/v1/media/config", "/_matrix/media/v3/config"] {
            assert_eq!(
                alice.get(path).await,
                (200, json!({ "m.upload.size": 1_048_576 }))
            );
            assert_eq!(server.get(path, None).await.0, 401);
        }
    })
    .await;
}

#[tokio::test]
async fn no_address_leads_out_of_the_media_folder() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for id in [
            "..",
            "../..",
            "../rohrpost.db",
            "..%2Frohrpost.db",
            "/etc/passwd",
            "a\\b",
            "%00",
            "unknown",
            "%2e%2e",
        ] {
            let answer = get(&alice, &download(&enc(id)), &[]).await;
            assert_eq!(errcode(&answer).0, 404, "{id}: {}", answer.text());
        }
        let long = get(&alice, &download(&"x".repeat(4000)), &[]).await;
        assert_eq!(errcode(&long), (404, "M_NOT_FOUND".to_owned()));
        let id = uploaded(&alice, "", "text/plain", b"x".to_vec()).await;
        for name in ["other.example", "..", "test.example%2F..", "test.example%00"] {
            let answer = get(
                &alice,
                &format!("/_matrix/client/v1/media/download/{name}/{id}"),
                &[],
            )
            .await;
            assert!(matches!(answer.status, 400 | 404), "{name}: {}", answer.text());
        }
    })
    .await;
}

#[tokio::test]
async fn a_browser_runs_nothing_that_was_uploaded() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let page = b"<script>alert(1)</script>".to_vec();
        for content_type in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/xml",
            "image/png,text/html",
            "TEXT/HTML; a=image/png",
            "",
        ] {
            let id = uploaded(&alice, "?filename=a.png", content_type, page.clone()).await;
            let answer = get(&alice, &download(&id), &[]).await;
            assert!(
                answer.header("content-disposition").starts_with("attachment"),
                "{content_type}"
            );
            assert!(
                answer.header("content-security-policy").contains("sandbox"),
                "{content_type}"
            );
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
        }
        for content_type in ["image/png", "text/plain; charset=utf-8"] {
            let id = uploaded(&alice, "", content_type, page.clone()).await;
            let answer = get(&alice, &download(&id), &[]).await;
            assert_eq!(answer.header("content-disposition"), "inline", "{content_type}");
        }
        let answer = upload(&alice, "", &"x".repeat(300), page).await;
        assert_eq!(errcode(&answer), (400, "M_INVALID_PARAM".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_hostile_file_name_stays_a_file_name() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for (name, told) in [
            (
                "a\r\nSet-Cookie: b=c",
                "attachment; filename=\"aSet-Cookie: b=c\"",
            ),
            ("../../etc/passwd", "attachment; filename=passwd"),
            (
                "a\"; filename=b.exe",
                "attachment; filename=\"a\\\"; filename=b.exe\"",
            ),
            ("Grüße.txt", "attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt"),
            ("\u{202e}fdp.exe", "attachment; filename=fdp.exe"),
            ("\u{0}", "attachment"),
        ] {
            let query = format!("?filename={}", enc(name));
            let id = uploaded(&alice, &query, "", b"x".to_vec()).await;
            let answer = get(&alice, &download(&id), &[]).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-disposition"), told);
            assert_eq!(answer.header("set-cookie"), "");
        }
        let id = uploaded(&alice, "", "", b"x".to_vec()).await;
        let path = format!("{}/{}", download(&id), enc("a\r\nb\"c/../d"));
        let answer = get(&alice, &path, &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.headers.get_all("content-disposition").iter().count(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_is_too_large_is_refused_and_leaves_nothing() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let media = server.folder().join("media");
        let too_large = (413, "M_TOO_LARGE".to_owned());
        let request = |length: Option<u64>, body: Body| {
            let mut request =
                Request::post(UPLOAD).header("authorization", format!("Bearer {}", alice.token));
            if let Some(length) = length {
                request = request.header("content-length", length);
            }
            request.body(body).expect("a request")
        };
        // Announced: refused before anything is read.
        let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        assert_eq!(
            errcode(&server.ask(request(Some(5_000_000_000), never)).await),
            too_large
        );
        // Not announced: refused as soon as it is too much, of a stream without end.
        let piece = Bytes::from(vec![7; 64 * 1024]);
        let endless = Body::from_stream(stream::repeat_with(move || {
            Ok::<_, std::io::Error>(piece.clone())
        }));
        assert_eq!(errcode(&server.ask(request(None, endless)).await), too_large);
        assert_eq!(files(&media), 0);
        assert_eq!(upload(&alice, "", "", vec![7; 1024 * 1024]).await.status, 200);
        assert_eq!(files(&media), 1);
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let pieces = [
            Ok(Bytes::from_static(b"half")),
            Err(std::io::Error::other("gone")),
        ];
        let request = Request::post(UPLOAD).header("authorization", format!("Bearer {}", alice.token));
        let request = request
            .body(Body::from_stream(stream::iter(pieces)))
            .expect("a request");
        assert_eq!(server.ask(request).await.status, 400);
        assert_eq!(files(&server.folder().join("media")), 0);
    })
    .await;
}

#[tokio::test]
async fn a_part_of_a_file_is_sent_and_what_is_known_is_not_sent_again() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let id = uploaded(&alice, "", "video/mp4", b"0123456789".to_vec()).await;
        let part = get(&alice, &download(&id), &[("range", "bytes=2-4")]).await;
        assert_eq!((part.status, part.text().as_str()), (206, "234"));
        assert_eq!(part.header("content-range"), "bytes 2-4/10");
        assert_eq!(part.header("content-length"), "3");
        let rest = get(&alice, &download(&id), &[("range", "bytes=-3")]).await;
        assert_eq!((rest.status, rest.text().as_str()), (206, "789"));
        for odd in ["bytes=0-1,3-4", "lines=1-2", "bytes=4-2"] {
            let whole = get(&alice, &download(&id), &[("range", odd)]).await;
            assert_eq!(
                (whole.status, whole.text().as_str()),
                (200, "0123456789"),
                "{odd}"
            );
        }
        let etag = part.header("etag").to_owned();
        let known = get(&alice, &download(&id), &[("if-none-match", &etag)]).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
        assert_eq!(known.header("etag"), etag);

        let empty = uploaded(&alice, "", "", Vec::new()).await;
        let answer = get(&alice, &download(&empty), &[("range", "bytes=0-")]).await;
        assert_eq!((answer.status, answer.header("content-length")), (200, "0"));
    })
    .await;
}

#[tokio::test]
async fn a_picture_is_made_smaller_but_never_larger() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let id = uploaded(&alice, "", "image/png", picture(1200, 600)).await;
        for _ in 0..2 {
            let answer = get(&alice, &thumbnail(&id, "width=300&height=200&method=scale"), &[]).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(
                (answer.header("content-type"), size(&answer)),
                ("image/jpeg", (320, 160))
            );
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
        }
        let answer = get(&alice, &thumbnail(&id, "width=40&height=40&method=crop"), &[]).await;
        assert_eq!(size(&answer), (96, 96));
        let answer = get(&alice, &thumbnail(&id, "width=2000&height=2000"), &[]).await;
        assert_eq!(
            (answer.header("content-type"), size(&answer)),
            ("image/png", (1200, 600))
        );
        let small = uploaded(&alice, "", "image/png", picture(20, 10)).await;
        let answer = get(&alice, &thumbnail(&small, "width=96&height=96&method=crop"), &[]).await;
        assert_eq!(size(&answer), (20, 10));
        for (odd, expected) in [
            ("width=0&height=10", "M_INVALID_PARAM"),
            ("width=10&height=10&method=melt", "M_INVALID_PARAM"),
            ("width=-1&height=3", "M_INVALID_PARAM"),
            ("width=10", "M_MISSING_PARAM"),
            ("", "M_MISSING_PARAM"),
        ] {
            let answer = get(&alice, &thumbnail(&id, odd), &[]).await;
            assert_eq!(errcode(&answer), (400, expected.to_owned()), "{odd}");
        }
        let answer = get(&alice, &thumbnail("unknown", "width=10&height=10"), &[]).await;
        assert_eq!(errcode(&answer), (404, "M_NOT_FOUND".to_owned()));
    })
    .await;
}

/// A PNG that says it is 50,000 by 50,000 pixels and has next to nothing in it.
fn bomb() -> Vec<u8> {
    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut crc = u32::MAX;
        for byte in kind.iter().chain(data) {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 {
                    (crc >> 1) ^ 0xEDB8_8320
                } else {
                    crc >> 1
                };
            }
        }
        let length = u32::try_from(data.len()).expect("it is short");
        [&length.to_be_bytes(), &kind[..], data, &(!crc).to_be_bytes()].concat()
    }
    let side = 50_000_u32.to_be_bytes();
    let header = [&side[..], &side, &[8, 6, 0, 0, 0]].concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        chunk(b"IDAT", &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]),
        chunk(b"IEND", &[]),
    ]
    .concat()
}

#[tokio::test]
async fn what_is_no_honest_picture_has_no_thumbnail() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        let size = "width=96&height=96";
        let id = uploaded(&alice, "", "image/png", bomb()).await;
        let answer = get(&alice, &thumbnail(&id, size), &[]).await;
        assert_eq!(
            errcode(&answer),
            (413, "M_TOO_LARGE".to_owned()),
            "{}",
            answer.text()
        );
        let mut broken = picture(300, 300);
        broken.truncate(broken.len() / 2);
        for bytes in [
            broken,
            b"encrypted noise".to_vec(),
            b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
            Vec::new(),
            b"GIF89a".to_vec(),
        ] {
            let id = uploaded(&alice, "", "image/png", bytes).await;
            let answer = get(&alice, &thumbnail(&id, size), &[]).await;
            assert_eq!(
                errcode(&answer),
                (400, "M_UNKNOWN".to_owned()),
                "{}",
                answer.text()
            );
        }
    })
    .await;
}

#[tokio::test]
async fn thumbnails_can_be_switched_off() {
    let builder = TestServer::with(|settings| settings.thumbnail_max_pixels = 0);
    builder
        .each(async |server| {
            let alice = server.user("alice").await;
            let id = uploaded(&alice, "", "image/png", picture(300, 300)).await;
            let answer = get(&alice, &thumbnail(&id, "width=96&height=96"), &[]).await;
            assert_eq!(errcode(&answer), (400, "M_UNKNOWN".to_owned()));
        })
        .await;
}
