//! Several servers that speak with each other, over real sockets with TLS.
//!
//! ```ignore
//! let neighbours = Neighbours::new();
//! let (town, state) = (neighbours.sqlite().await, neighbours.sqlite().await);
//! ```
//!
//! A server's name is its address, such as `127.0.0.1:40123`. Its certificate is of an authority that only these
//! servers trust.

use std::{net::TcpListener as StdListener, path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rohrpost_core::{
    federation::{Federation, Partners},
    ports::RemoteServers,
    settings::Settings,
};
use rohrpost_http::Tls;
use rohrpost_remote::{egress::Networks, federation::Servers};
use ruma::OwnedServerName;
use rustls_pki_types::CertificateDer;

use crate::{TestServer, server::Builder};

/// The authority whose certificates the servers trust.
pub struct Neighbours {
    root: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Default for Neighbours {
    fn default() -> Self {
        Self::new()
    }
}

/// What a server needs to speak with others: a socket that keeps its port over restarts, a certificate, and the way out.
pub(crate) struct Network {
    pub(crate) listener: StdListener,
    pub(crate) tls: Tls,
    pub(crate) remote: Arc<dyn RemoteServers>,
}

impl Neighbours {
    /// No servers yet.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let root = params.self_signed(&key).expect("a certificate");
        Self {
            root: root.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A server on SQLite that speaks with everybody.
    pub async fn sqlite(&self) -> TestServer {
        self.with(|_| ()).sqlite().await
    }

    /// A server on PostgreSQL that speaks with everybody. `None` when there is no PostgreSQL to test with.
    pub async fn postgres(&self) -> Option<TestServer> {
        self.with(|_| ()).postgres().await
    }

    /// A server on SQLite whose name is another host's, such as `localhost:40123`: access control lists of rooms know
    /// no ports.
    pub async fn elsewhere(&self) -> TestServer {
        self.on("localhost", |_| ()).sqlite().await
    }

    /// A server with changed settings.
    pub fn with(&self, change: impl FnOnce(&mut Settings)) -> Builder {
        self.on("127.0.0.1", change)
    }

    fn on(&self, host: &str, change: impl FnOnce(&mut Settings)) -> Builder {
        let listener = StdListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let name = OwnedServerName::try_from(format!("{host}:{}", address.port())).expect("a server name");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tls = self.certificate(folder.path());
        let remote = Servers::new(Networks::All, std::slice::from_ref(&self.root));
        let network = Network {
            listener,
            tls,
            remote: Arc::new(remote.expect("connections can be made")),
        };
        TestServer::with(|settings| {
            settings.public_url = format!("https://{name}");
            settings.server_name = name;
            settings.federation = Federation {
                partners: Partners::Everybody,
                address: None,
            };
            change(settings);
        })
        .network(network)
    }

    /// Runs a test with a server of each engine, one after the other.
    pub async fn each(change: impl Fn(&mut Settings), test: impl AsyncFn(&Self, TestServer)) {
        let neighbours = Self::new();
        let server = neighbours.with(&change).sqlite().await;
        test(&neighbours, server.clone()).await;
        server.close().await;
        if let Some(server) = neighbours.with(&change).postgres().await {
            test(&neighbours, server.clone()).await;
            server.close().await;
        }
    }

    pub(crate) fn certificate(&self, folder: &Path) -> Tls {
        let key = KeyPair::generate().expect("a key");
        let names = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "localhost"];
        let params = CertificateParams::new(names.map(str::to_owned)).expect("names");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let (certificate_file, key_file) = (folder.join("certificate.pem"), folder.join("key.pem"));
        std::fs::write(&certificate_file, certificate.pem()).expect("a file");
        std::fs::write(&key_file, key.serialize_pem()).expect("a file");
        Tls::load(&certificate_file, &key_file).expect("a certificate with its key")
    }
}
