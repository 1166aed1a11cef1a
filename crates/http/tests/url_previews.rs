//! Previews of links, over the client-server API on both engines, from a real web site. What must not be reached is a
//! listener that must not be connected to.

use std::{
    io::{ErrorKind, Write as _},
    net::TcpListener,
    time::{Duration, Instant},
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use rohrpost_core::media::preview::HostPattern;
use rohrpost_testkit::{Networks, TestServer, User, enc};
use serde_json::{Value, json};

use crate::site::{Page, Site};

const PREVIEW: &str = "/_matrix/client/v1/media/preview_url";
const NOT_FOUND: (u16, &str) = (404, "M_NOT_FOUND");

async fn preview(user: &User, url: &str) -> (u16, Value) {
    user.get(&format!("{PREVIEW}?url={}", enc(url))).await
}

fn errcode((status, answer): &(u16, Value)) -> (u16, &str) {
    (*status, answer["errcode"].as_str().unwrap_or_default())
}

/// This computer's address alone.
pub(crate) fn this_address() -> Networks {
    Networks::PublicAnd(vec!["127.0.0.1/32".parse().expect("a network")])
}

fn picture(side: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(side, side / 2)
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("a picture");
    bytes.into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// A listener that nobody may connect to.
struct Canary(TcpListener);

impl Canary {
    fn on(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        listener.set_nonblocking(true).expect("it doesn't block");
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().expect("an address").port()
    }

    fn is_silent(&self) {
        let came = self.0.accept().map(drop).map_err(|error| error.kind());
        assert_eq!(came, Err(ErrorKind::WouldBlock), "somebody connected");
    }
}

#[tokio::test]
async fn a_page_is_shown_with_its_picture_and_fetched_once_an_hour() {
    let site = Site::start().await;
    site.redirect("/kurz", "/haushalt?x=1");
    site.html(
        "/haushalt",
        "<title>Haushalt</title><meta property='og:title' content='Haushalt 2026'>\
         <meta name=description content='Was er kostet'><meta property='og:image' content='/bild.png'>",
    );
    site.content("/bild.png", "text/plain", picture(40));
    let builder = TestServer::with(|settings| settings.url_preview = Some(site.settings()));
    let test = async |server: TestServer| {
        site.asked();
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let link = site.url("/kurz#oben");
        let (status, shown) = preview(&alice, &link).await;
        assert_eq!(status, 200, "{shown}");
        let address = shown["og:image"].as_str().expect("a picture").to_owned();
        let size = picture(40).len();
        assert_eq!(
            shown,
            json!({
                "og:title": "Haushalt 2026", "og:description": "Was er kostet", "og:image": address,
                "og:image:type": "image/png", "og:image:width": 40, "og:image:height": 20, "matrix:image:size": size,
            })
        );
        let asked = site.asked();
        let paths: Vec<&str> = asked.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["/kurz", "/haushalt", "/bild.png"]);
        for (path, headers) in &asked {
            for told in ["cookie", "authorization", "referer", "origin"] {
                assert_eq!(headers.get(told), None, "{path} was told {told}");
            }
            let text = format!("{headers:?}").to_lowercase();
            assert!(
                !text.contains("test.example") && !text.contains("alice"),
                "{text}"
            );
        }
        let id = address
            .strip_prefix("mxc://test.example/")
            .expect("a file of this server");
        let request = http::Request::get(format!("/_matrix/client/v1/media/download/test.example/{id}"))
            .header("authorization", format!("Bearer {}", bob.token));
        let file = server
            .ask(request.body(axum::body::Body::empty()).expect("a request"))
            .await;
        assert_eq!((file.status, &*file.body), (200, &*picture(40)));
        // What it is, not what the site says.
        assert_eq!(file.header("content-type"), "image/png");

        server.restart().await;
        let old = format!(
            "/_matrix/media/v3/preview_url?ts=1510610716656&url={}",
            enc(&link)
        );
        assert_eq!(bob.get(&old).await, (200, shown.clone()));
        assert_eq!(preview(&alice, &link).await, (200, shown.clone()));
        assert_eq!(site.paths(), [""; 0], "nothing is fetched again");
        server.clock().advance(Duration::from_secs(60 * 60));
        rohrpost_core::upkeep::upkeep(&server.core())
            .await
            .expect("the upkeep");
        assert_eq!(
            preview(&bob, &link).await,
            (200, shown),
            "the picture keeps its address"
        );
        assert_eq!(site.paths().len(), 3);
    };
    builder.reaching(this_address()).each(test).await;
}

#[tokio::test]
async fn those_who_ask_at_the_same_time_have_it_fetched_once() {
    let site = Site::start().await;
    site.html("/", "<title>Amt</title>");
    let builder = TestServer::with(|settings| settings.url_preview = Some(site.settings()));
    let server = builder.reaching(this_address()).sqlite().await;
    let alice = server.user("alice").await;
    let link = site.url("/");
    let gone = site.url("/gone");
    let asking = (0..20).map(|number| preview(&alice, if number % 2 == 0 { &link } else { &gone }));
    for (number, answer) in futures_util::future::join_all(asking).await.iter().enumerate() {
        match number % 2 {
            0 => assert_eq!(*answer, (200, json!({ "og:title": "Amt" }))),
            _ => assert_eq!(errcode(answer), NOT_FOUND),
        }
    }
    let mut paths = site.paths();
    paths.sort();
    assert_eq!(
        paths,
        ["/", "/gone"],
        "what isn't there isn't asked for again and again, either"
    );
    server.clock().advance(Duration::from_secs(5 * 60));
    site.html("/gone", "<title>Da</title>");
    assert_eq!(preview(&alice, &gone).await, (200, json!({ "og:title": "Da" })));
}

#[tokio::test]
async fn nobody_is_led_into_a_private_network() {
    let canary = Canary::on("0.0.0.0:0");
    let canary6 = Canary::on("[::1]:0");
    let site = Site::start().await;
    let ports = [canary.port(), canary6.port(), site.port].map(u32::from);
    let server = TestServer::with(|settings| {
        let mut preview = site.settings();
        preview.allowed_ports.extend(ports);
        settings.url_preview = Some(preview);
    });
    let server = server.sqlite().await;
    let alice = server.user("alice").await;
    for host in [
        "127.0.0.1",
        "127.1",
        "127.8.8.8",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0.0.0.0",
        "0",
        "localhost",
        "LOCALHOST.",
        "１２７.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[::]",
        "[::1]",
        "[fe80::1]",
        "[fc00::1]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
    ] {
        for port in ports {
            let asked = Instant::now();
            let answer = preview(&alice, &format!("http://{host}:{port}/")).await;
            assert_eq!(errcode(&answer), NOT_FOUND, "{host}");
            assert!(asked.elapsed() < Duration::from_secs(5), "{host} was tried");
        }
    }
    canary.is_silent();
    canary6.is_silent();
    assert_eq!(site.paths(), [""; 0]);
}

#[tokio::test]
async fn each_redirection_and_each_picture_is_looked_at_anew() {
    let canary = Canary::on("127.0.0.2:0");
    let port = canary.port();
    let site = Site::start().await;
    let places = [
        format!("http://127.0.0.2:{port}/"),
        format!("//127.0.0.2:{port}/"),
        format!("http://[::ffff:127.0.0.2]:{port}/"),
        format!("http://2130706434:{port}/"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "file:///etc/passwd".to_owned(),
        "data:text/html,<title>x</title>".to_owned(),
        "javascript:alert(1)".to_owned(),
        format!("gopher://127.0.0.2:{port}/"),
        format!("http://user:secret@127.0.0.1:{}/ok", site.port),
        format!("http://denied.example:{}/", site.port),
        "http://127.0.0.1:1/".to_owned(),
        "http://".to_owned(),
        String::new(),
    ];
    site.html("/ok", "<title>Amt</title>");
    for (number, place) in places.iter().enumerate() {
        site.redirect(&format!("/to{number}"), place);
        site.html(
            &format!("/picture{number}"),
            format!("<title>Amt</title><meta property=og:image content='{place}'>"),
        );
        let away = format!("<title>Amt</title><meta property=og:image content='/to{number}'>");
        site.html(&format!("/away{number}"), away);
    }
    for number in 0..10 {
        site.redirect(&format!("/hop{number}"), &format!("/hop{}", number + 1));
    }
    site.html("/hop10", "<title>Am Ziel</title>");
    site.redirect("/circle", "/circle");
    let server = TestServer::with(|settings| {
        let mut preview = site.settings();
        preview.allowed_ports.push(u32::from(port));
        preview.denied_hosts = vec![HostPattern::new("denied.example")];
        settings.url_preview = Some(preview);
    });
    let server = server.reaching(this_address()).sqlite().await;
    let alice = server.user("alice").await;
    for (number, place) in places.iter().enumerate() {
        let answer = preview(&alice, &site.url(&format!("/to{number}"))).await;
        assert_eq!(errcode(&answer), NOT_FOUND, "{place}");
        for page in ["picture", "away"] {
            let answer = preview(&alice, &site.url(&format!("/{page}{number}"))).await;
            assert_eq!(answer, (200, json!({ "og:title": "Amt" })), "{page} {place}");
        }
    }
    canary.is_silent();
    let near = preview(&alice, &site.url("/hop5")).await;
    assert_eq!(near, (200, json!({ "og:title": "Am Ziel" })));
    site.asked();
    for far in ["/hop4", "/circle"] {
        assert_eq!(
            errcode(&preview(&alice, &site.url(far)).await),
            NOT_FOUND,
            "{far}"
        );
        assert_eq!(site.paths().len(), 6, "a page and five redirections");
    }
}

#[tokio::test]
async fn a_hostile_page_costs_little() {
    let site = Site::start().await;
    let head = Bytes::from(format!("<title>Ohne Ende</title>{}", " ".repeat(65_536)));
    site.put("/endless", Page::Endless("text/html", head, Duration::ZERO));
    let drop = Bytes::from_static(b"<b>12345");
    site.put(
        "/slow",
        Page::Endless("text/html", drop.clone(), Duration::from_millis(100)),
    );
    site.put(
        "/slow.png",
        Page::Endless("image/png", drop, Duration::from_millis(100)),
    );
    let packed = |content: &[u8], coding: &str| {
        let headers = vec![
            ("content-type", "text/html".to_owned()),
            ("content-encoding", coding.to_owned()),
        ];
        Page::Answer(200, headers, gzip(content).into())
    };
    site.put("/packed", packed(b"<title>Gepackt</title>", "gzip"));
    let mut bomb = b"<title>Bombe</title>".to_vec();
    bomb.resize(100_000_000, b' ');
    site.put("/bomb", packed(&bomb, "gzip"));
    site.put("/twice", packed(&gzip(&bomb), "gzip, gzip"));
    site.put("/brotli", packed(b"x", "br"));
    site.html(
        "/nested",
        format!("<title>Tief</title>{}", "<div>".repeat(1_000_000)),
    );
    site.html(
        "/large-picture",
        "<title>Bild</title><meta property=og:image content='/large.png'>",
    );
    site.put(
        "/large.png",
        Page::Endless("image/png", Bytes::from(picture(40)), Duration::ZERO),
    );
    let mut preview_settings = site.settings();
    preview_settings.timeout = Duration::from_secs(2);
    let server = TestServer::with(|settings| settings.url_preview = Some(preview_settings));
    let server = server.reaching(this_address()).sqlite().await;
    let alice = server.user("alice").await;
    for (path, title) in [
        ("/endless", "Ohne Ende"),
        ("/packed", "Gepackt"),
        ("/bomb", "Bombe"),
        ("/nested", "Tief"),
        ("/large-picture", "Bild"),
    ] {
        let answer = preview(&alice, &site.url(path)).await;
        assert_eq!(answer, (200, json!({ "og:title": title })), "{path}");
    }
    for path in ["/slow", "/slow.png", "/twice", "/brotli"] {
        let asked = Instant::now();
        let answer = preview(&alice, &site.url(path)).await;
        assert_eq!(errcode(&answer), NOT_FOUND, "{path}");
        assert!(asked.elapsed() < Duration::from_secs(5), "{path}");
    }
}

#[tokio::test]
async fn what_is_no_page_has_an_empty_preview_or_its_picture() {
    let site = Site::start().await;
    site.content("/plan.pdf", "application/pdf", "%PDF <title>Nein</title>");
    site.content("/data", "application/json", "{}");
    site.put(
        "/untyped",
        Page::Answer(200, Vec::new(), "<title>Nein</title>".into()),
    );
    site.html("/empty", "");
    site.content("/bild", "image/png", picture(30));
    site.content("/kein-bild", "image/png", "<title>Nein</title>");
    site.content(
        "/vektor",
        "image/svg+xml",
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
    );
    let body: Bytes = "<title>Nein</title>".into();
    for status in [204, 206, 401, 403, 500] {
        let headers = vec![("content-type", "text/html".to_owned())];
        site.put(
            &format!("/status{status}"),
            Page::Answer(status, headers, body.clone()),
        );
    }
    let builder = TestServer::with(|settings| settings.url_preview = Some(site.settings()));
    let server = builder.reaching(this_address()).sqlite().await;
    let alice = server.user("alice").await;
    for path in [
        "/plan.pdf",
        "/data",
        "/untyped",
        "/empty",
        "/kein-bild",
        "/vektor",
    ] {
        assert_eq!(preview(&alice, &site.url(path)).await, (200, json!({})), "{path}");
    }
    let (status, shown) = preview(&alice, &site.url("/bild")).await;
    assert_eq!((status, &shown["og:image:width"]), (200, &json!(30)), "{shown}");
    for path in [
        "/nothing",
        "/status204",
        "/status206",
        "/status401",
        "/status403",
        "/status500",
    ] {
        assert_eq!(
            errcode(&preview(&alice, &site.url(path)).await),
            NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_no_link_is_refused_and_without_previews_there_is_no_endpoint() {
    let site = Site::start().await;
    let builder = TestServer::with(|settings| settings.url_preview = Some(site.settings()));
    let test = async |server: TestServer| {
        let alice = server.user("alice").await;
        for wrong in [
            "",
            "amt.example",
            "//amt.example",
            "ftp://amt.example/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://user:secret@amt.example/",
            "http://[::1",
            "http://a b/",
            "http://\0/",
            &format!("https://amt.example/{}", "x".repeat(3000)),
        ] {
            let answer = preview(&alice, wrong).await;
            assert_eq!(errcode(&answer), (400, "M_INVALID_PARAM"), "{wrong:?}");
        }
        assert_eq!(alice.get(PREVIEW).await.0, 400);
        for (token, expected) in [(None, "M_MISSING_TOKEN"), (Some("guessed"), "M_UNKNOWN_TOKEN")] {
            let path = format!("{PREVIEW}?url={}", enc(&site.url("/")));
            assert_eq!(errcode(&server.get(&path, token).await), (401, expected));
        }
        assert_eq!(site.paths(), [""; 0]);
    };
    builder.reaching(this_address()).each(test).await;
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for path in [PREVIEW, "/_matrix/media/v3/preview_url"] {
            let path = format!("{path}?url={}", enc(&site.url("/")));
            assert_eq!(errcode(&alice.get(&path).await), (404, "M_UNRECOGNIZED"));
            assert_eq!(errcode(&server.get(&path, None).await), (401, "M_MISSING_TOKEN"));
        }
    })
    .await;
}
