//! `rohrpost serve`.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rohrpost_testkit::PostgresDatabase;
use rustix::process::Signal;
use serde_json::json;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};

use crate::operator::{PUBLIC_URL, Place, Serving, ask, texts};

const FREE_PORT: &str = "[listen]\nclient = [\"127.0.0.1:0\"]\n";

/// The link in what the server said.
fn link(said: &str) -> Option<&str> {
    said.lines()
        .map(str::trim)
        .find(|line| line.starts_with(&format!("{PUBLIC_URL}/#/invite/")))
}

/// Accepts an invitation under a name; answers the access token.
fn accept(server: &Serving, link: &str, name: &str) -> String {
    let (_, token) = link.rsplit_once('/').expect("a token");
    let register = |auth: serde_json::Value| {
        let body = json!({ "username": name, "password": "correct horse battery", "auth": auth });
        server.call("POST", "/_matrix/client/v3/register", "", &body.to_string())
    };
    let (status, asked) = register(serde_json::Value::Null);
    assert_eq!(status, 401, "{asked}");
    let (status, made) = register(
        json!({ "type": "m.login.registration_token", "token": token, "session": asked["session"] }),
    );
    assert_eq!(status, 200, "{made}");
    made["access_token"].as_str().expect("a token").to_owned()
}

#[test]
fn the_first_start_shows_a_link_that_makes_the_first_administrator() {
    let place = Place::new(FREE_PORT);
    let server = place.serve();
    let shown = link(&server.said).expect("a link").to_owned();
    let log = fs::read_to_string(place.path("err.txt")).expect("a log");
    assert!(
        !log.contains("invite"),
        "the link is a secret and not for the log: {log}"
    );
    server.stop();

    let server = place.serve();
    assert!(link(&server.said).is_none(), "it is shown once: {}", server.said);
    assert!(server.said.contains("still works"), "{}", server.said);
    accept(&server, &shown, "anna");
    server.stop();

    let server = place.serve();
    assert!(!server.said.contains("no account"), "{}", server.said);
    server.stop();
    assert_eq!(
        place.good(&["user", "list"]),
        "@anna:test.example\tadministrator\n"
    );
}

#[test]
fn the_link_makes_an_administrator_where_everybody_may_register_too() {
    let place = Place::new(&format!("{FREE_PORT}[registration]\nmode = \"open\"\n"));
    let server = place.serve();
    accept(&server, link(&server.said).expect("a link"), "anna");
    server.stop();
    assert_eq!(
        place.good(&["user", "list"]),
        "@anna:test.example\tadministrator\n"
    );
}

#[test]
fn no_link_is_shown_where_nobody_may_register() {
    let place = Place::new(&format!("{FREE_PORT}[registration]\nmode = \"closed\"\n"));
    let server = place.serve();
    assert!(link(&server.said).is_none(), "{}", server.said);
    assert!(server.said.contains("user add NAME --admin"), "{}", server.said);
    server.stop();
}

#[test]
fn a_restart_keeps_everything() {
    let place = Place::new(FREE_PORT);
    let server = place.serve();
    let token = accept(&server, link(&server.said).expect("a link"), "anna");
    server.stop();
    let server = place.serve();
    let (status, whoami) = server.call("GET", "/_matrix/client/v3/account/whoami", &token, "");
    assert_eq!(
        (status, whoami["user_id"].as_str()),
        (200, Some("@anna:test.example")),
        "{whoami}"
    );
    server.stop();
}

#[test]
fn sigterm_and_ctrl_c_stop_in_order_although_people_wait_for_news() {
    for signal in [Signal::TERM, Signal::INT] {
        let place = Place::new(FREE_PORT);
        let mut server = place.serve();
        let token = accept(&server, link(&server.said).expect("a link"), "anna");
        let (_, first) = server.call("GET", "/_matrix/client/v3/sync?timeout=0", &token, "");
        let since = first["next_batch"].as_str().expect("a position").to_owned();
        let address = server.address("for people");
        let waiting = thread::spawn(move || {
            ask(
                &address,
                "GET",
                &format!("/_matrix/client/v3/sync?timeout=30000&since={since}"),
                &token,
                "",
            )
        });
        thread::sleep(Duration::from_millis(500));
        let began = Instant::now();
        server.signal(signal);
        assert!(server.end().success());
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        let answer = waiting.join().expect("no panic");
        assert!(
            answer.starts_with("HTTP/1.1 200"),
            "whoever waits is answered: {answer}"
        );
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let place = Place::new(FREE_PORT);
    let mut server = place.serve();
    let mut stream = TcpStream::connect(server.address("for people")).expect("it answers");
    let request = b"POST /_matrix/client/v3/login HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(request).expect("the request is taken");
    thread::sleep(Duration::from_millis(300));
    let began = Instant::now();
    server.signal(Signal::TERM);
    server.until_logged("is stopping");
    thread::sleep(Duration::from_millis(300));
    server.signal(Signal::TERM);
    assert_eq!(server.end().code(), Some(1));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn what_it_keeps_is_closed_to_others() {
    let place = Place::new(FREE_PORT);
    let server = place.serve();
    let mode = |name: &str| fs::metadata(place.path(name)).expect(name).permissions().mode() & 0o777;
    assert_eq!(mode("data"), 0o700);
    assert_eq!(mode("data/rohrpost.db"), 0o600);
    assert_eq!(mode("data/rohrpost.db-wal"), 0o600);
    server.stop();
}

#[test]
fn figures_are_for_their_own_listener() {
    let place = Place::new("[listen]\nclient = [\"127.0.0.1:0\"]\nmetrics = [\"127.0.0.1:0\"]\n");
    let server = place.serve();
    let figures = ask(&server.address("for Prometheus"), "GET", "/metrics", "", "");
    assert!(figures.contains("process_resident_memory_bytes"), "{figures}");
    assert_eq!(server.call("GET", "/metrics", "", "").0, 404);
    let elsewhere = ask(
        &server.address("for Prometheus"),
        "GET",
        "/_matrix/client/versions",
        "",
        "",
    );
    assert!(elsewhere.starts_with("HTTP/1.1 404"), "{elsewhere}");
    server.stop();
}

#[test]
fn figures_are_for_administrators_where_they_have_no_listener() {
    let place = Place::new(FREE_PORT);
    let server = place.serve();
    assert_eq!(server.call("GET", "/metrics", "", "").0, 401);
    let token = accept(&server, link(&server.said).expect("a link"), "anna");
    assert_eq!(server.call("GET", "/metrics", &token, "").0, 200);
    server.stop();
}

/// The answer over TLS, trusting one certificate.
fn ask_over_tls(address: &str, certificate: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM"))
        .expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("test.example").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address)?);
    stream.write_all(
        b"GET /_matrix/client/versions HTTP/1.1\r\nhost: test.example\r\nconnection: close\r\n\r\n",
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn the_federation_listener_speaks_tls_and_takes_a_renewed_certificate_on_sighup() {
    let place = Place::new(
        "[listen]\nclient = [\"127.0.0.1:0\"]\nfederation = [\"127.0.0.1:0\"]\n\
         [tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n",
    );
    let renew = || {
        let made = rcgen::generate_simple_self_signed(["test.example".to_owned()]).expect("a certificate");
        place.write("cert.pem", &made.cert.pem());
        place.write("key.pem", &made.signing_key.serialize_pem());
        made.cert.pem()
    };
    let first = renew();
    let mut server = place.serve();
    let address = server.address("for other servers");
    let answer = ask_over_tls(&address, &first).expect("it answers");
    assert!(answer.contains("\"versions\""), "{answer}");
    let second = renew();
    ask_over_tls(&address, &second).expect_err("it isn't in use yet");
    server.signal(Signal::HUP);
    server.until_logged("read again");
    ask_over_tls(&address, &second).expect("it is in use");
    server.stop();
}

#[test]
fn a_unix_socket_that_a_killed_server_left_behind_is_no_obstacle() {
    let place = Place::new("[listen]\nclient = []\nunix = \"client.sock\"\n");
    let mut server = place.serve();
    server.signal(Signal::KILL);
    server.end();
    assert!(place.path("client.sock").exists());
    let server = place.serve();
    let mode = fs::metadata(place.path("client.sock"))
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o666);
    server.stop();
    assert!(!place.path("client.sock").exists());
}

#[test]
fn two_servers_never_run_on_one_sqlite_database() {
    let place = Place::new(FREE_PORT);
    let server = place.serve();
    let complaint = place.bad(&["serve"]);
    assert!(complaint.contains("another server is running"), "{complaint}");
    place.good(&["user", "add", "anna"]);
    server.stop();
}

#[test]
fn postgresql_is_used_where_it_is_named() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let Some(database) = runtime.block_on(PostgresDatabase::create()) else {
        return;
    };
    let place = Place::new(&format!("{FREE_PORT}[database]\nurl = \"{}\"\n", database.url));
    assert!(
        place
            .good(&["doctor"])
            .contains("PostgreSQL database (is set up at the first start)")
    );
    let server = place.serve();
    assert!(server.said.contains("on PostgreSQL"), "{}", server.said);
    let token = accept(&server, link(&server.said).expect("a link"), "anna");
    server.stop();
    assert!(
        place
            .good(&["doctor"])
            .contains("PostgreSQL database, schema version")
    );
    let server = place.serve();
    assert_eq!(
        server
            .call("GET", "/_matrix/client/v3/account/whoami", &token, "")
            .0,
        200
    );
    server.stop();
    place.write(
        "rohrpost.toml",
        "[server]\nname = \"test.example\"\n[database]\nurl = \"postgres://x@127.0.0.1:1/x\"\n",
    );
    let (said, _) = texts(&place.run(&["doctor"]));
    assert!(said.contains("can't reach PostgreSQL"), "{said}");
}

#[test]
fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address");
    let place = Place::new(&format!("[listen]\nclient = [\"{address}\"]\n"));
    let complaint = place.bad(&["serve"]);
    assert!(
        complaint.contains(&address.to_string()) && complaint.contains("doctor"),
        "{complaint}"
    );
}
