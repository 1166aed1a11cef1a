//! The sockets that a configuration asks for.

use std::{net::SocketAddr, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::{Context as _, bail};
use rohrpost_config::Config;
use rohrpost_http::{Listener, Tls};
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// Sockets that were bound, and what they are for.
pub(crate) struct Listeners {
    /// Those that answer people and other servers.
    pub(crate) main: Vec<Listener>,
    /// Those that answer Prometheus.
    pub(crate) metrics: Vec<Listener>,
    /// For people: where it listens. One line for each.
    pub(crate) lines: Vec<String>,
    /// The certificate, to be read again when it was renewed.
    pub(crate) tls: Option<Tls>,
}

/// Binds all sockets.
///
/// # Errors
/// In words for the operator, when an address is taken or the certificate can't be used.
pub(crate) async fn bind(config: &Config) -> anyhow::Result<Listeners> {
    let tls = match (&config.tls.certificate, &config.tls.key) {
        (Some(certificate), Some(key)) => Some(Tls::load(certificate, key).context("[tls]")?),
        _ => None,
    };
    let mut listeners = Listeners {
        main: Vec::new(),
        metrics: Vec::new(),
        lines: Vec::new(),
        tls,
    };
    for address in &config.listen.client {
        let (listener, address) = tcp("client", *address).await?;
        listeners.main.push(Listener::Tcp(listener));
        listeners
            .lines
            .push(format!("listening on http://{address} for people"));
    }
    for address in &config.listen.federation {
        let tls = listeners
            .tls
            .clone()
            .context("[tls] certificate and key are missing")?;
        let (listener, address) = tcp("federation", *address).await?;
        listeners.main.push(Listener::Tls(listener, tls));
        listeners
            .lines
            .push(format!("listening on https://{address} for other servers"));
    }
    for address in &config.listen.metrics {
        let (listener, address) = tcp("metrics", *address).await?;
        listeners.metrics.push(Listener::Tcp(listener));
        listeners
            .lines
            .push(format!("listening on http://{address}/metrics for Prometheus"));
    }
    if let Some(path) = &config.listen.unix {
        listeners
            .main
            .push(Listener::Unix(unix(path).await?, path.clone()));
        listeners
            .lines
            .push(format!("listening on unix:{} for people", path.display()));
    }
    Ok(listeners)
}

async fn tcp(key: &str, address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let bound = TcpListener::bind(address).await;
    let listener = bound.with_context(|| {
        format!(
            "can't listen on {address} ([listen] {key}): is another program using it? \"rohrpost doctor\" tells more"
        )
    })?;
    let address = listener.local_addr().context("a bound socket has an address")?;
    Ok((listener, address))
}

/// Whoever may reach the folder of the socket may speak to it, as with a port of this computer.
async fn unix(path: &Path) -> anyhow::Result<UnixListener> {
    if UnixStream::connect(path).await.is_ok() {
        bail!(
            "can't listen on {} ([listen] unix): another program is answering there",
            path.display()
        );
    }
    // What is left of a server that was killed.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("can't replace {} ([listen] unix)", path.display()));
        }
        _ => {}
    }
    let bound = UnixListener::bind(path);
    let listener = bound.with_context(|| format!("can't listen on {} ([listen] unix)", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))
        .with_context(|| format!("can't open {} to the reverse proxy", path.display()))?;
    Ok(listener)
}
