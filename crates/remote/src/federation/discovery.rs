//! Where a server is: from its name to a host, a port, and the name that its certificate must have.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names>

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use rohrpost_core::ports::RemoteError;
use ruma::{OwnedServerName, ServerName};
use rustls::ClientConfig;
use tokio::time::Instant;

use super::{
    names::{Names, Service},
    well_known::WellKnown,
};
use crate::egress::{EgressError, Networks};

/// The port of a server that names none.
const PORT: u16 = 8448;
/// Server names for which it is remembered where they are.
const MAX_KNOWN: NonZeroUsize = NonZeroUsize::new(10_000).expect("more than none");

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The name or address that its certificate must be for, IPv6 without brackets.
    pub(super) certificate: String,
    /// What the `Host` header says.
    pub(super) host_header: String,
    /// Hosts and ports, the one to try first at the front.
    pub(super) places: Vec<Service>,
}

/// Finds servers.
pub(super) struct Discovery {
    pub(super) names: Names,
    well_known: WellKnown,
    known: Mutex<LruCache<OwnedServerName, (Arc<Target>, Instant)>>,
}

impl Discovery {
    pub(super) fn new(networks: Networks, tls: ClientConfig) -> Result<Self, EgressError> {
        Ok(Self {
            names: Names::new()?,
            well_known: WellKnown::new(networks, tls)?,
            known: Mutex::new(LruCache::new(MAX_KNOWN)),
        })
    }

    /// Where a server is.
    pub(super) async fn find(&self, name: &ServerName) -> Result<Arc<Target>, RemoteError> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((target, until)) = known().get(name)
            && Instant::now() < *until
        {
            return Ok(Arc::clone(target));
        }
        let (target, keep) = match explicit(name) {
            // Nothing to look up, so nothing to remember.
            Some(target) => return Ok(Arc::new(target)),
            None => {
                let answer = self.well_known.ask(name.host()).await;
                let target = match &answer.delegate {
                    Some(delegate) => match explicit(delegate) {
                        Some(target) => target,
                        None => self.by_service(delegate.host()).await,
                    },
                    None => self.by_service(name.host()).await,
                };
                (Arc::new(target), answer.keep)
            }
        };
        known().put(name.to_owned(), (Arc::clone(&target), Instant::now() + keep));
        Ok(target)
    }

    /// By its SRV record, else at the usual port.
    async fn by_service(&self, host: &str) -> Target {
        let mut places = self.names.service(&format!("_matrix-fed._tcp.{host}")).await;
        if places.is_empty() {
            places = self.names.service(&format!("_matrix._tcp.{host}")).await;
        }
        if places.is_empty() {
            places = vec![Service {
                host: host.to_owned(),
                port: PORT,
            }];
        }
        Target {
            certificate: host.to_owned(),
            host_header: host.to_owned(),
            places,
        }
    }
}

/// Where a server with an address or a port in its name is; `None` when that has to be looked up.
fn explicit(name: &ServerName) -> Option<Target> {
    let host = name.host();
    if !name.is_ip_literal() && name.port().is_none() {
        return None;
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some(Target {
        certificate: bare.clone(),
        host_header: name.to_string(),
        places: vec![Service {
            host: bare,
            port: name.port().unwrap_or(PORT),
        }],
    })
}

#[cfg(test)]
mod tests {
    use ruma::ServerName;

    use super::explicit;

    #[test]
    fn names_with_an_address_or_a_port_say_where_the_server_is() {
        for (name, certificate, host_header, port) in [
            ("127.0.0.1", "127.0.0.1", "127.0.0.1", 8448),
            ("127.0.0.1:9000", "127.0.0.1", "127.0.0.1:9000", 9000),
            ("[2001:db8::1]", "2001:db8::1", "[2001:db8::1]", 8448),
            ("[2001:db8::1]:81", "2001:db8::1", "[2001:db8::1]:81", 81),
            ("b.example:443", "b.example", "b.example:443", 443),
            ("singlelabel:8008", "singlelabel", "singlelabel:8008", 8008),
        ] {
            let target = explicit(<&ServerName>::try_from(name).unwrap()).unwrap();
            assert_eq!(
                (&*target.certificate, &*target.host_header, target.places[0].port),
                (certificate, host_header, port)
            );
            assert_eq!(target.places[0].host, certificate);
        }
        assert_eq!(explicit(<&ServerName>::try_from("b.example").unwrap()), None);
    }
}
