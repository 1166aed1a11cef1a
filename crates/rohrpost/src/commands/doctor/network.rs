//! Addresses: free, or already ours; and whether people reach the server at its public address.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
};

use rohrpost_config::Config;

use super::{Finding, fetch};

pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let listen = &config.listen;
    let mut is_running = false;
    for address in &listen.client {
        is_running |= is_ours(*address).await;
    }
    let mut findings = Vec::new();
    for (key, addresses) in [
        ("client", &listen.client),
        ("federation", &listen.federation),
        ("metrics", &listen.metrics),
    ] {
        findings.extend(
            addresses
                .iter()
                .map(|address| bindable(key, *address, is_running)),
        );
    }
    findings.push(public(&config.public_url(), is_running).await);
    findings
}

/// Whether a server of our kind answers at an address of this computer.
async fn is_ours(address: SocketAddr) -> bool {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let url = format!("http://{}", SocketAddr::new(ip, address.port()));
    fetch::get(&url, "/_matrix/client/versions")
        .await
        .is_ok_and(|answer| answer.contains("\"versions\""))
}

fn bindable(key: &str, address: SocketAddr, is_running: bool) -> Finding {
    let what = format!("address {address} ([listen] {key})");
    let Err(error) = TcpListener::bind(address) else {
        return Finding::good(format!("{what}, free"));
    };
    match error.kind() {
        ErrorKind::AddrInUse if is_running => Finding::good(format!("{what}: the server is running")),
        ErrorKind::AddrInUse => Finding::bad(
            what,
            "another program is using it: stop that program, or choose another port",
        ),
        ErrorKind::AddrNotAvailable => Finding::bad(
            what,
            "this computer has no such address: take one that \"ip address\" shows, or 127.0.0.1",
        ),
        ErrorKind::PermissionDenied => Finding::bad(
            what,
            "ports below 1024 are for privileged programs: take a port above, or allow it with CAP_NET_BIND_SERVICE",
        ),
        _ => Finding::bad(what, error.to_string()),
    }
}

async fn public(public_url: &str, is_running: bool) -> Finding {
    let what = format!("public address {public_url}");
    if !is_running {
        return Finding::good(format!("{what} (not tried: the server isn't running)"));
    }
    match fetch::get(public_url, "/.well-known/matrix/client").await {
        Ok(answer) if answer.contains(&format!("\"{public_url}\"")) => Finding::good(what),
        Ok(_) => Finding::bad(
            what,
            "something else answers there: let the reverse proxy hand everything to [listen] client, and check \
             [server] public_url",
        ),
        Err(error) => Finding::bad(
            what,
            format!("{error}\ncheck the name in DNS, the reverse proxy and [server] public_url"),
        ),
    }
}
