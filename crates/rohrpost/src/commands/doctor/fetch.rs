//! One small GET request, to see whether somebody answers.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

/// Longest time for the whole request.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Most that is read of an answer.
const MAX_BYTES: u64 = 64 * 1024;
/// Whom the operating system trusts, on Debian and its relatives.
const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The answer, headers and all, if it is a good one.
///
/// # Errors
/// What went wrong, for people.
pub(super) async fn get(base: &str, path: &str) -> Result<String, String> {
    let whole = async {
        let (scheme, authority) = base.split_once("://").ok_or("not an address")?;
        let is_tls = scheme == "https";
        let has_port = authority.rsplit(']').next().is_some_and(|end| end.contains(':'));
        let port = if is_tls { 443 } else { 80 };
        let host = if has_port {
            authority.to_owned()
        } else {
            format!("{authority}:{port}")
        };
        let stream = TcpStream::connect(&host)
            .await
            .map_err(|error| format!("can't connect to {host}: {error}"))?;
        if is_tls {
            ask(tls(stream, authority).await?, authority, path).await
        } else {
            ask(stream, authority, path).await
        }
    };
    timeout(TIMEOUT, whole)
        .await
        .unwrap_or_else(|_| Err("no answer within 5 s".to_owned()))
}

async fn tls(stream: TcpStream, authority: &str) -> Result<impl AsyncRead + AsyncWrite + Unpin, String> {
    let mut roots = RootCertStore::empty();
    let trusted =
        CertificateDer::pem_file_iter(TRUSTED).map_err(|error| format!("can't read {TRUSTED}: {error}"))?;
    roots.add_parsable_certificates(trusted.filter_map(Result::ok));
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = authority
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let host = host
        .map_or(authority, |(host, _)| host)
        .trim_matches(['[', ']'])
        .to_owned();
    let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    connected.map_err(|error| format!("its certificate is refused: {error}"))
}

async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    authority: &str,
    path: &str,
) -> Result<String, String> {
    let broken = |error: std::io::Error| format!("the connection broke off: {error}");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(broken)?;
    let mut answer = Vec::new();
    stream
        .take(MAX_BYTES)
        .read_to_end(&mut answer)
        .await
        .map_err(broken)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split_whitespace().nth(1).unwrap_or("nothing");
    if status == "200" {
        Ok(answer)
    } else {
        Err(format!("the answer is {status}"))
    }
}
