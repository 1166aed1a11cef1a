//! Where a request comes from when a reverse proxy stands before the server.
//!
//! `X-Forwarded-For` is written by whoever sends a request, so it is believed only as far as proxies that the
//! operator named wrote it: read from its end, the first address that is not such a proxy is the client's. On a Unix
//! socket only a proxy can be the peer. Nothing else is believed: the address decides limits, no rights.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    middleware::map_request,
};
use http::HeaderMap;
use ipnet::IpNet;

/// The router, with the address of the client in place of that of a proxy among `trusted`.
pub fn behind_proxies(router: Router, trusted: Vec<IpNet>) -> Router {
    router.layer(map_request(move |mut request: Request| {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| peer.ip().to_canonical());
        if let Some(client) = client(peer, request.headers(), &trusted) {
            request
                .extensions_mut()
                .insert(ConnectInfo(SocketAddr::new(client, 0)));
        }
        std::future::ready(request)
    }))
}

/// The address that the proxies before us saw; `None` when there are none, or they say nothing that can be read.
fn client(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    if !peer.as_ref().is_none_or(is_trusted) {
        return None;
    }
    let mut farthest = None;
    for value in headers.get_all("x-forwarded-for").iter().rev() {
        for entry in value.to_str().ok()?.rsplit(',') {
            let Some(address) = parse(entry.trim()) else {
                return farthest;
            };
            farthest = Some(address);
            if !is_trusted(&address) {
                return farthest;
            }
        }
    }
    farthest
}

/// An address, with or without a port.
fn parse(entry: &str) -> Option<IpAddr> {
    let address = entry
        .parse()
        .ok()
        .or_else(|| entry.parse().ok().map(|socket: SocketAddr| socket.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client's address as found behind `peer` (empty: a Unix socket) with these headers.
    fn found(peer: &str, headers: &[&str]) -> Option<String> {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::1/128".parse().unwrap()];
        let mut map = HeaderMap::new();
        for header in headers {
            map.append("x-forwarded-for", header.parse().unwrap());
        }
        client(peer.parse().ok(), &map, &trusted).map(|address| address.to_string())
    }

    #[test]
    fn only_a_named_proxy_is_believed() {
        assert_eq!(found("10.1.2.3", &["192.0.2.7"]).as_deref(), Some("192.0.2.7"));
        assert_eq!(found("fd00::1", &["192.0.2.7"]).as_deref(), Some("192.0.2.7"));
        assert_eq!(found("192.0.2.1", &["192.0.2.7"]), None);
        assert_eq!(found("", &["192.0.2.7"]).as_deref(), Some("192.0.2.7"));
    }

    #[test]
    fn what_a_client_claims_about_itself_is_not_believed() {
        let claimed = &["203.0.113.9, 192.0.2.7, 10.0.0.5"];
        assert_eq!(found("10.1.2.3", claimed).as_deref(), Some("192.0.2.7"));
        let claimed = &["203.0.113.9", "192.0.2.7", "10.0.0.5"];
        assert_eq!(found("10.1.2.3", claimed).as_deref(), Some("192.0.2.7"));
        assert_eq!(found("10.1.2.3", &["203.0.113.9, nonsense"]), None);
    }

    #[test]
    fn ports_and_both_families_are_understood() {
        assert_eq!(
            found("10.1.2.3", &["192.0.2.7:4711"]).as_deref(),
            Some("192.0.2.7")
        );
        assert_eq!(
            found("10.1.2.3", &["[2001:db8::7]:4711"]).as_deref(),
            Some("2001:db8::7")
        );
        assert_eq!(
            found("10.1.2.3", &["::ffff:192.0.2.7"]).as_deref(),
            Some("192.0.2.7")
        );
        assert_eq!(found("10.1.2.3", &[]), None);
        assert_eq!(found("10.1.2.3", &["10.0.0.9"]).as_deref(), Some("10.0.0.9"));
    }
}
