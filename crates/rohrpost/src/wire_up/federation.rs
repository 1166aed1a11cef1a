//! Whom this server speaks with, and the way there.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use rohrpost_config::{self as config, Config, FederationMode, RosterPlace};
use rohrpost_core::{
    federation::{Federation, Partners, roster::RosterRules},
    ports::{Nobody, RemoteServers, RosterSource},
};
use rohrpost_remote::{
    egress::Networks,
    federation::Servers,
    roster::{RosterAddress, RosterFile},
};
use ruma::OwnedServerName;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use url::Url;

use crate::commands::roster::pins::{grace_ms, pins};

/// What the operator decided about other servers.
///
/// # Errors
/// In words for the operator.
pub(super) fn federation(config: &Config) -> anyhow::Result<Federation> {
    let section = &config.federation;
    let partners = match section.mode {
        FederationMode::Off => Partners::Nobody,
        FederationMode::Open => Partners::Everybody,
        FederationMode::List => {
            let names = section
                .allowed
                .iter()
                .map(|name| OwnedServerName::try_from(name.as_str()));
            Partners::Listed(
                names
                    .collect::<Result<_, _>>()
                    .context("[federation] allowed has something that is no server name")?,
            )
        }
        FederationMode::Roster => Partners::Roster(RosterRules {
            pins: pins(section)?.context(
                "[federation] mode = \"roster\" needs roster_id, roster_signers and roster_threshold",
            )?,
            grace_ms: grace_ms(section),
        }),
    };
    Ok(Federation {
        partners,
        address: address(&config.public_url()),
    })
}

/// The way to other servers.
///
/// # Errors
/// In words for the operator, when a certificate can't be read or TLS can't be set up.
pub(super) fn remote(config: &Config) -> anyhow::Result<Arc<dyn RemoteServers>> {
    let section = &config.federation;
    if section.mode == FederationMode::Off {
        return Ok(Arc::new(Nobody));
    }
    Ok(Arc::new(Servers::new(networks(section), &authorities(section)?)?))
}

/// Where the signed roster is read from; `None` where this server goes by none.
///
/// # Errors
/// In words for the operator, when that can't be.
pub(crate) fn roster_source(config: &Config) -> anyhow::Result<Option<Arc<dyn RosterSource>>> {
    let section = &config.federation;
    if section.mode != FederationMode::Roster {
        return Ok(None);
    }
    let place = section.roster_place().context(
        "[federation] mode = \"roster\" needs roster: the file or the https:// address where it lies",
    )?;
    Ok(Some(match place {
        RosterPlace::File(path) => Arc::new(RosterFile::new(path)),
        RosterPlace::Url(url) => {
            let url = Url::parse(&url).context("[federation] roster is no address")?;
            Arc::new(RosterAddress::new(
                url,
                networks(section),
                &authorities(section)?,
            )?)
        }
    }))
}

/// Where other servers and the roster may be.
fn networks(section: &config::Federation) -> Networks {
    if section.allow_private_addresses {
        Networks::All
    } else {
        Networks::Public
    }
}

/// The authorities that are trusted beside those of the operating system.
fn authorities(section: &config::Federation) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let mut authorities = Vec::new();
    for path in &section.extra_ca {
        let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let found = found.with_context(|| {
            format!(
                "[federation] extra_ca: {} can't be read as certificates (PEM)",
                path.display()
            )
        })?;
        if found.is_empty() {
            bail!(
                "[federation] extra_ca: there is no certificate in {}",
                path.display()
            );
        }
        authorities.extend(found);
    }
    Ok(authorities)
}

/// Where others find this server: where people do. `None` without TLS, which other servers insist on.
fn address(public_url: &str) -> Option<OwnedServerName> {
    let rest = public_url.strip_prefix("https://")?;
    let authority = rest.split('/').next()?;
    let name = OwnedServerName::try_from(authority).ok()?;
    match name.port() {
        Some(_) => Some(name),
        None => OwnedServerName::try_from(format!("{authority}:443")).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn others_find_the_server_where_people_do() {
        for (url, expected) in [
            ("https://chat.amt.example", Some("chat.amt.example:443")),
            ("https://chat.amt.example:8443", Some("chat.amt.example:8443")),
            ("https://[2001:db8::1]", Some("[2001:db8::1]:443")),
            ("http://localhost:8008", None),
        ] {
            assert_eq!(address(url).as_ref().map(|name| name.as_str()), expected, "{url}");
        }
    }
}
