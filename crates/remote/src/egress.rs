//! Requests to servers elsewhere: no redirections, no proxies from the environment, no private networks unless the
//! operator allows them, everything within time and size.
//!
//! The address that is looked at is the one that is connected to: names are resolved here, and what isn't allowed is
//! left out of the answer, so a name can't change its mind between.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use ipnet::IpNet;
use reqwest::{
    Client, ClientBuilder, Method, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, LOCATION, RETRY_AFTER},
    redirect::Policy,
};
use rohrpost_core::ports::{Egress, Get, Got, Pages, Post, PostError, Posted, Services, Verb};
use rustls::pki_types::CertificateDer;
use url::{Host, Url};

use crate::{addresses::is_public, tls};

/// Longest time for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for a whole request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The same for an application service, which may do much before it answers.
const SERVICE_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time for a page or a picture; whoever asks is less patient.
const PAGE_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time for the roster: megabytes, over a slow line.
const ROSTER_TIMEOUT: Duration = Duration::from_secs(120);
/// How the server names itself to pages that people link to.
const PAGE_AGENT: &str = "Mozilla/5.0 (compatible; link preview)";
/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(60);
/// Connections to one server that are kept.
const MAX_IDLE: usize = 8;
/// How much of an answer is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// The same of an application service, which may know of many networks.
const MAX_SERVICE_ANSWER_BYTES: usize = 1024 * 1024;

/// Which networks may be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Networks {
    /// The internet.
    Public,
    /// The internet, and these.
    PublicAnd(Vec<IpNet>),
    /// Private networks and this computer, too.
    All,
}

impl Networks {
    pub(crate) fn allow(&self, address: IpAddr) -> bool {
        let is_named = match self {
            Self::Public => false,
            // An IPv4 address in IPv6 clothes is in the network of the IPv4 address.
            Self::PublicAnd(named) => named.iter().any(|net| net.contains(&address.to_canonical())),
            Self::All => true,
        };
        is_named || is_public(address)
    }
}

/// The way to servers elsewhere can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// Certificates can't be checked.
    #[error("the cryptography for TLS can't be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The library refused.
    #[error("connections to elsewhere can't be set up: {0}")]
    Client(#[from] reqwest::Error),
    /// The domain name system can't be asked.
    #[error("this computer's settings for looking up names can't be used: {0}")]
    Resolver(String),
}

/// The way to servers elsewhere.
pub struct Outside {
    client: Client,
    networks: Networks,
    max_answer_bytes: usize,
}

impl Outside {
    /// Trusts the certificates that this computer trusts.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(networks: Networks) -> Result<Self, EgressError> {
        Self::within(networks, TIMEOUT, MAX_ANSWER_BYTES)
    }

    /// The way to application services: into all networks, and with more patience.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn to_services() -> Result<Self, EgressError> {
        Self::within(Networks::All, SERVICE_TIMEOUT, MAX_SERVICE_ANSWER_BYTES)
    }

    /// The way to pages that people link to: without connections that are kept, which would tell one page of another,
    /// and without a name in which the version or the people of this server could be read.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn to_pages(networks: Networks) -> Result<Self, EgressError> {
        let client = Self::builder(&networks, PAGE_TIMEOUT, &[])?;
        let client = client.user_agent(PAGE_AGENT).pool_max_idle_per_host(0).build()?;
        Ok(Self {
            client,
            networks,
            max_answer_bytes: MAX_ANSWER_BYTES,
        })
    }

    fn within(networks: Networks, timeout: Duration, max_answer_bytes: usize) -> Result<Self, EgressError> {
        let client = Self::builder(&networks, timeout, &[])?.build()?;
        Ok(Self {
            client,
            networks,
            max_answer_bytes,
        })
    }

    /// The way to the roster of the federation, which may be large, and whose certificate may be of one of these
    /// authorities, too.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub(crate) fn to_roster(
        networks: Networks,
        authorities: &[CertificateDer<'static>],
    ) -> Result<Self, EgressError> {
        let client = Self::builder(&networks, ROSTER_TIMEOUT, authorities)?;
        Ok(Self {
            client: client.https_only(true).pool_max_idle_per_host(0).build()?,
            networks,
            max_answer_bytes: MAX_ANSWER_BYTES,
        })
    }

    /// What lies at an address, at most so many bytes of it.
    ///
    /// # Errors
    /// When there is no answer. Any status is one.
    pub(crate) async fn fetch(&self, url: Url, max_bytes: usize) -> Result<Got, PostError> {
        if !self.allows(&url) {
            return Err(PostError::NotAllowed);
        }
        let mut response = self
            .client
            .get(url)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let (body, is_whole) = read(&mut response, max_bytes).await?;
        Ok(Got {
            status,
            body,
            is_whole,
            ..Got::default()
        })
    }

    fn builder(
        networks: &Networks,
        timeout: Duration,
        authorities: &[CertificateDer<'static>],
    ) -> Result<ClientBuilder, EgressError> {
        let tls = tls::client(tls::system_roots_and(authorities)?)?;
        Ok(Client::builder()
            .use_preconfigured_tls(tls)
            .dns_resolver(Arc::new(Guarded(networks.clone())))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Rohrpost/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IDLE))
    }

    /// Whether an address may be connected to. Names are looked at when they are resolved.
    fn allows(&self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(address)) => self.networks.allow(address.into()),
            Some(Host::Ipv6(address)) => self.networks.allow(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        }
    }

    async fn send(&self, method: Method, post: Post) -> Result<Posted, PostError> {
        if !self.allows(&post.url) {
            return Err(PostError::NotAllowed);
        }
        let mut request = self.client.request(method, post.url).body(post.body);
        for (name, value) in post.headers {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let (body, _) = read(&mut response, self.max_answer_bytes).await?;
        Ok(Posted {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            body,
        })
    }
}

/// The first so many bytes of an answer, and whether that is all of it.
async fn read(response: &mut Response, max_bytes: usize) -> Result<(Vec<u8>, bool), PostError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        let space = max_bytes - body.len();
        if chunk.len() > space {
            body.extend_from_slice(&chunk[..space]);
            return Ok((body, false));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body, true))
}

impl Pages for Outside {
    fn get(&self, get: Get) -> BoxFuture<'_, Result<Got, PostError>> {
        Box::pin(async move {
            if !self.allows(&get.url) {
                return Err(PostError::NotAllowed);
            }
            let request = self.client.get(get.url).header(ACCEPT, get.accept);
            let request = request.header(ACCEPT_ENCODING, "gzip");
            let mut response = request.send().await.map_err(|_| PostError::Failed)?;
            let header = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
            let mut got = Got {
                status: response.status().as_u16(),
                location: header(LOCATION),
                content_type: header(CONTENT_TYPE),
                content_encoding: header(CONTENT_ENCODING),
                ..Got::default()
            };
            if got.status == 200 {
                (got.body, got.is_whole) = read(&mut response, get.max_bytes).await?;
            }
            Ok(got)
        })
    }
}

impl Egress for Outside {
    fn post(&self, post: Post) -> BoxFuture<'_, Result<Posted, PostError>> {
        Box::pin(self.send(Method::POST, post))
    }
}

impl Services for Outside {
    fn ask(&self, verb: Verb, request: Post, patience: Duration) -> BoxFuture<'_, Result<Posted, PostError>> {
        let method = match verb {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
        };
        Box::pin(async move {
            let answer = tokio::time::timeout(patience, self.send(method, request));
            answer.await.unwrap_or(Err(PostError::TimedOut))
        })
    }
}

/// Why there is no answer; what the library says further may name somebody's address.
fn failed(error: &reqwest::Error) -> PostError {
    match error.is_timeout() {
        true => PostError::TimedOut,
        false => PostError::Failed,
    }
}

/// Resolves names, and leaves out addresses that may not be connected to.
pub(crate) struct Guarded(pub(crate) Networks);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|found| networks.allow(found.ip())).collect();
            if allowed.is_empty() {
                return Err("the name leads into a private network".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use rohrpost_core::ports::{Egress as _, Post, PostError};
    use tokio::net::TcpListener;

    use super::{Networks, Outside};

    fn post(url: &str) -> Post {
        Post {
            url: url.parse().unwrap(),
            headers: Vec::new(),
            body: b"{}".to_vec(),
        }
    }

    #[tokio::test]
    async fn nobody_is_reached_in_a_private_network() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let outside = Outside::new(Networks::Public).unwrap();
        for host in [
            "127.0.0.1",
            "localhost",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
            "127.1",
        ] {
            assert!(
                outside
                    .post(post(&format!("http://{host}:{port}/")))
                    .await
                    .is_err(),
                "{host}"
            );
        }
        let nobody = listener.accept().map(drop).map_err(|error| error.kind());
        assert_eq!(nobody, Err(ErrorKind::WouldBlock), "somebody connected");
        let refused = outside.post(post(&format!("http://127.0.0.1:{port}/"))).await;
        assert_eq!(refused.map(|posted| posted.status), Err(PostError::NotAllowed));
    }

    #[test]
    fn a_network_that_is_named_is_allowed_in_all_its_clothes_and_no_other() {
        let networks = Networks::PublicAnd(vec![
            "10.20.0.0/16".parse().unwrap(),
            "fd12::/64".parse().unwrap(),
        ]);
        for (address, is_allowed) in [
            ("10.20.1.1", true),
            ("::ffff:10.20.1.1", true),
            ("fd12::1", true),
            ("9.9.9.9", true),
            ("10.21.1.1", false),
            ("::ffff:10.21.1.1", false),
            ("64:ff9b::a14:101", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("fd13::1", false),
        ] {
            assert_eq!(networks.allow(address.parse().unwrap()), is_allowed, "{address}");
        }
    }

    #[tokio::test]
    async fn a_redirection_is_not_followed_and_a_long_answer_not_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = async {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            for head in [
                "HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n".to_owned(),
                format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n{}",
                    "x".repeat(200_000)
                ),
            ] {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut buffer = [0; 4096];
                let _read = socket.read(&mut buffer).await.unwrap();
                let _written = socket.write_all(head.as_bytes()).await;
            }
        };
        let ask = async {
            let outside = Outside::new(Networks::All).unwrap();
            let url = format!("http://127.0.0.1:{port}/");
            assert_eq!(outside.post(post(&url)).await.unwrap().status, 302);
            // Another connection, because the first server closed its own.
            let long = outside.post(post(&url)).await.unwrap();
            assert_eq!((long.status, long.body.len()), (200, super::MAX_ANSWER_BYTES));
        };
        tokio::join!(answer, ask);
    }
}
