//! A server in the test, with a certificate of an authority that only the test knows.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use http::Request;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rohrpost_core::ports::{RemoteError, RemoteServers as _, ToServer};
use ruma::ServerName;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use super::Servers;
use crate::egress::Networks;

/// Answers each connection with what it was sent, and a length.
pub(crate) async fn server(names: &[&str]) -> (SocketAddr, CertificateDer<'static>, JoinHandle<()>) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test ends it")]
    let task = tokio::task::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(socket).await else {
                continue;
            };
            let mut request = vec![0; 8192];
            let length = stream.read(&mut request).await.unwrap();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&request[..length]).await.unwrap();
            let _closed = stream.shutdown().await;
        }
    });
    (address, root.der().clone(), task)
}

fn question(destination: &str) -> ToServer {
    let destination = ServerName::parse(destination).unwrap();
    ToServer {
        request: Request::get(format!("https://{destination}/_matrix/federation/v1/version"))
            .body(Vec::new())
            .unwrap(),
        destination,
        max_answer_bytes: 4096,
        timeout: Duration::from_secs(20),
    }
}

#[tokio::test]
async fn a_server_is_reached_by_its_address_and_by_its_name() {
    let (address, root, task) = server(&["127.0.0.1", "localhost"]).await;
    let servers = Servers::new(Networks::All, &[root]).unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let name = format!("{host}:{}", address.port());
        let answer = servers.ask(question(&name)).await.unwrap();
        let request = String::from_utf8(answer.into_body()).unwrap();
        assert!(
            request.starts_with("GET /_matrix/federation/v1/version HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(
            request.to_lowercase().contains(&format!("\r\nhost: {name}\r\n")),
            "{request}"
        );
    }
    task.abort();
}

#[tokio::test]
async fn a_certificate_of_another_name_or_authority_is_refused() {
    let (address, root, task) = server(&["elsewhere.example"]).await;
    let name = format!("127.0.0.1:{}", address.port());
    let servers = Servers::new(Networks::All, &[root]).unwrap();
    assert_eq!(
        servers.ask(question(&name)).await.unwrap_err(),
        RemoteError::Unreachable
    );
    task.abort();
    let (address, _, task) = server(&["127.0.0.1"]).await;
    let name = format!("127.0.0.1:{}", address.port());
    assert_eq!(
        servers.ask(question(&name)).await.unwrap_err(),
        RemoteError::Unreachable
    );
    task.abort();
}

#[tokio::test]
async fn nobody_is_reached_in_a_private_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let servers = Servers::new(Networks::Public, &[]).unwrap();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let refused = servers
            .ask(question(&format!("{host}:{port}")))
            .await
            .unwrap_err();
        assert_eq!(refused, RemoteError::NotAllowed, "{host}");
    }
    let nobody = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(nobody, Err(std::io::ErrorKind::WouldBlock), "somebody connected");
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_none() {
    let (address, root, task) = server(&["127.0.0.1"]).await;
    let servers = Servers::new(Networks::All, &[root]).unwrap();
    let mut question = question(&format!("127.0.0.1:{}", address.port()));
    question.max_answer_bytes = 10;
    assert_eq!(servers.ask(question).await.unwrap_err(), RemoteError::TooLong);
    task.abort();
}
