//! `[listen]`: where the server answers.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// Where the server answers. Nothing here needs to be reachable from the internet but what a reverse proxy or
    /// other servers are to reach.
    pub struct Listen in "listen" {
        /// Plain HTTP for people: client API, web client and administration. Put a reverse proxy with TLS before it
        /// unless it is for this computer only.
        pub client: Vec<SocketAddr> = vec![SocketAddr::from(([127, 0, 0, 1], 8008))];
        /// TLS for other servers, with the certificate of `[tls]`; the client API answers there too. Empty: no other
        /// server can reach this one. The usual port is 8448.
        pub federation: Vec<SocketAddr> = Vec::new(), like "[\"[::]:8448\"]";
        /// A Unix socket that answers as `client` does, for a reverse proxy on the same computer.
        pub unix: Option<PathBuf> = None, like "\"/run/rohrpost/client.sock\"";
        /// The reverse proxies before this server, by address or network. From them, and from `unix`, the header
        /// `X-Forwarded-For` is believed, so that limits count for each client and not for the proxy.
        pub trusted_proxies: Vec<IpNet> = Vec::new(), like "[\"127.0.0.1\"]";
        /// Plain HTTP for Prometheus, `/metrics` only and without a login. Empty: administrators can read the metrics
        /// at the client address.
        pub metrics: Vec<SocketAddr> = Vec::new(), like "[\"127.0.0.1:9090\"]";
    }
}

impl Check for Listen {
    fn check(&self, source: &mut Source) {
        if self.client.is_empty() && self.federation.is_empty() && self.unix.is_none() {
            source.refuse(
                "listen",
                "client",
                "nobody could reach the server: give at least one address",
            );
        }
        let mut seen = Vec::new();
        for (key, addresses) in [
            ("client", &self.client),
            ("federation", &self.federation),
            ("metrics", &self.metrics),
        ] {
            for address in addresses.iter().filter(|address| address.port() != 0) {
                if seen.contains(address) {
                    source.refuse(
                        "listen",
                        key,
                        &format!("{address} is used twice: one address, one purpose"),
                    );
                }
                seen.push(*address);
            }
        }
    }
}
