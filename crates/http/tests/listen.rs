//! Sockets. Where a limit in time is tested, the clock jumps ahead as soon as everybody waits.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo, routing::get};
use rohrpost_http::{Listener, Tls, serve};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_rustls::{
    TlsConnector, client,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";

/// A server for one test. Ends with it.
struct Serving {
    task: JoinSet<()>,
    stop: oneshot::Sender<()>,
}

impl Serving {
    fn start(listener: Listener, router: Router) -> Self {
        let (stop, stopped) = oneshot::channel();
        let mut task = JoinSet::new();
        task.spawn(serve(vec![listener], router, async move {
            stopped.await.expect("the test stops it")
        }));
        Self { task, stop }
    }

    /// Stops the server and waits for its end.
    async fn stop(mut self) {
        self.stop.send(()).expect("it runs");
        self.task
            .join_next()
            .await
            .expect("it was started")
            .expect("it ends in order");
    }
}

fn answering() -> Router {
    Router::new().route("/", get(async || "here"))
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    stream.write_all(REQUEST).await.expect("the request is taken");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("the answer comes");
    answer
}

#[tokio::test]
async fn handlers_see_the_address_of_the_peer() {
    let (listener, address) = bind().await;
    let router = Router::new().route(
        "/",
        get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()),
    );
    let serving = Serving::start(Listener::Tcp(listener), router);
    let stream = TcpStream::connect(address).await.expect("it answers");
    let own = stream.local_addr().expect("an address").to_string();
    let answer = ask(stream).await;
    assert!(answer.ends_with(&own), "{answer}");
    serving.stop().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_sends_a_header_too_slowly_is_cut_off() {
    let (listener, address) = bind().await;
    let serving = Serving::start(Listener::Tcp(listener), answering());
    for beginning in [&b""[..], b"P", b"GET / HTTP/1.1\r\nhost:"] {
        let began = Instant::now();
        let mut stream = TcpStream::connect(address).await.expect("it answers");
        stream.write_all(beginning).await.expect("it is taken");
        let mut rest = Vec::new();
        // Cut off by an end or by a reset: both are fine.
        drop(stream.read_to_end(&mut rest).await);
        let passed = began.elapsed();
        assert!(
            (25..=60).contains(&passed.as_secs()),
            "{beginning:?} held on for {passed:?}"
        );
    }
    serving.stop().await;
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused() {
    let (listener, address) = bind().await;
    let serving = Serving::start(Listener::Tcp(listener), answering());
    let mut stream = TcpStream::connect(address).await.expect("it answers");
    let request = format!(
        "GET / HTTP/1.1\r\nhost: test\r\nx: {}\r\n\r\n",
        "x".repeat(100 * 1024)
    );
    // The server may close before it has taken everything.
    drop(stream.write_all(request.as_bytes()).await);
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
    serving.stop().await;
}

#[tokio::test]
async fn a_stop_finishes_what_is_under_way_and_takes_nothing_new() {
    let (listener, address) = bind().await;
    let (begun, mut has_begun) = mpsc::channel(1);
    let slow = async move || {
        begun.send(()).await.expect("the test listens");
        sleep(Duration::from_millis(200)).await;
        "done"
    };
    let serving = Serving::start(Listener::Tcp(listener), Router::new().route("/", get(slow)));
    let stream = TcpStream::connect(address).await.expect("it answers");
    let mut asking = JoinSet::new();
    asking.spawn(ask(stream));
    has_begun.recv().await.expect("the request arrives");
    serving.stop().await;
    let answer = asking.join_next().await.expect("it was asked").expect("no panic");
    assert!(answer.ends_with("done"), "{answer}");
    TcpStream::connect(address)
        .await
        .expect_err("nobody listens any more");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_ends_does_not_hold_up_a_stop() {
    let (listener, address) = bind().await;
    let (begun, mut has_begun) = mpsc::channel(1);
    let endless = async move || {
        begun.send(()).await.expect("the test listens");
        std::future::pending::<()>().await;
    };
    let serving = Serving::start(Listener::Tcp(listener), Router::new().route("/", get(endless)));
    let mut stream = TcpStream::connect(address).await.expect("it answers");
    stream.write_all(REQUEST).await.expect("the request is taken");
    has_begun.recv().await.expect("the request arrives");
    let began = Instant::now();
    serving.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_unix_socket_answers_and_its_file_is_gone_after_the_stop() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("client.sock");
    let listener = Listener::Unix(UnixListener::bind(&path).expect("a socket"), path.clone());
    let serving = Serving::start(listener, answering());
    let answer = ask(UnixStream::connect(&path).await.expect("it answers")).await;
    assert!(answer.ends_with("here"), "{answer}");
    serving.stop().await;
    assert!(!path.exists());
}

/// Makes a certificate for localhost and writes it into the folder.
fn certificate(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).expect("it is written");
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("it is written");
    CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).expect("a certificate")
}

async fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    protocol: &str,
) -> std::io::Result<client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("it can be trusted");
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test]
async fn tls_offers_both_versions_of_http_and_takes_a_renewed_certificate() {
    let folder = TempDir::new().expect("a folder");
    let first = certificate(folder.path());
    let tls =
        Tls::load(&folder.path().join("cert.pem"), &folder.path().join("key.pem")).expect("a certificate");
    let (listener, address) = bind().await;
    let serving = Serving::start(Listener::Tls(listener, tls.clone()), answering());

    let stream = connect(address, &first, "http/1.1").await.expect("it answers");
    assert!(ask(stream).await.ends_with("here"));
    let stream = connect(address, &first, "h2").await.expect("it answers");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    drop(stream);

    let second = certificate(folder.path());
    connect(address, &second, "h2")
        .await
        .expect_err("the new certificate is not in use yet");
    tls.reload().expect("the new certificate can be read");
    connect(address, &second, "h2").await.expect("now it is");

    std::fs::write(folder.path().join("cert.pem"), "nonsense").expect("it is written");
    tls.reload().expect_err("nonsense is no certificate");
    connect(address, &second, "h2").await.expect("the good one stays");
    serving.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_never_comes_is_cut_off() {
    let folder = TempDir::new().expect("a folder");
    certificate(folder.path());
    let tls =
        Tls::load(&folder.path().join("cert.pem"), &folder.path().join("key.pem")).expect("a certificate");
    let (listener, address) = bind().await;
    let serving = Serving::start(Listener::Tls(listener, tls), answering());
    let began = Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("it answers");
    assert_eq!(stream.read(&mut [0]).await.expect("it is closed in order"), 0);
    assert!(
        began.elapsed() <= Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    serving.stop().await;
}

#[tokio::test]
async fn handlers_behind_a_proxy_see_the_address_of_the_client() {
    let (listener, address) = bind().await;
    let seen = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() };
    let router = rohrpost_http::behind_proxies(
        Router::new().route("/", get(seen)),
        vec!["127.0.0.1/32".parse().expect("a network")],
    );
    let serving = Serving::start(Listener::Tcp(listener), router);
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request =
        "GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 203.0.113.9, 192.0.2.7\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.ends_with("192.0.2.7"), "{answer}");
    serving.stop().await;
}
