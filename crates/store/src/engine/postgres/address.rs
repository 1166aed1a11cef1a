//! The address of a PostgreSQL server, and how the way there is protected.
//!
//! `sslmode` has libpq's names. `require`, `verify-ca` and `verify-full` all mean the same here: TLS, with a
//! certificate for this very host from an authority that the system or `sslrootcert` knows. Anything else, and
//! nothing, means no TLS: for a database on this computer or on a Unix socket.

use std::sync::Arc;

use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod};
use futures_util::{FutureExt as _, future::BoxFuture};
use percent_encoding::percent_decode_str;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio_postgres::{Client, Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

use crate::{Result, StoreError};

/// What a `postgres://` address says.
pub(crate) struct Address {
    pub(super) config: Config,
    /// `None`: without TLS.
    tls: Option<MakeRustlsConnect>,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// `Setup`, without the address, which holds the password.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let (url, options) = split(url);
        let mut config: Config = url
            .parse()
            .map_err(|_| setup("the database url is not a valid postgres:// address"))?;
        let tls = match options.mode {
            None | Some("disable" | "allow" | "prefer") => None,
            Some("require" | "verify-ca" | "verify-full") => Some(connector(options.root_cert.as_deref())?),
            Some(_) => {
                return Err(setup(
                    "sslmode in the database url must be disable, require or verify-full",
                ));
            }
        };
        config.ssl_mode(match tls {
            Some(_) => SslMode::Require,
            None => SslMode::Disable,
        });
        Ok(Self { config, tls })
    }

    /// One connection, outside of a pool.
    pub(crate) async fn connect(self) -> Result<(Client, Talking), tokio_postgres::Error> {
        Ok(match self.tls {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls).await?;
                (client, connection.boxed())
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                (client, connection.boxed())
            }
        })
    }

    pub(super) fn into_manager(self) -> Manager {
        let how = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        match self.tls {
            Some(tls) => Manager::from_config(self.config, tls, how),
            None => Manager::from_config(self.config, NoTls, how),
        }
    }
}

/// A connection's other half, which does the talking.
type Talking = BoxFuture<'static, Result<(), tokio_postgres::Error>>;

/// The options that are read here and not by the database's driver.
#[derive(Default)]
struct Options<'a> {
    mode: Option<&'a str>,
    root_cert: Option<String>,
}

/// Takes the options about TLS out of an address.
fn split(url: &str) -> (String, Options<'_>) {
    let mut options = Options::default();
    let Some((address, query)) = url.split_once('?') else {
        return (url.to_owned(), options);
    };
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", mode)) => options.mode = Some(mode),
            Some(("sslrootcert", path)) => {
                options.root_cert = Some(percent_decode_str(path).decode_utf8_lossy().into_owned());
            }
            _ => rest.push(pair),
        }
    }
    let url = match rest.is_empty() {
        true => address.to_owned(),
        false => format!("{address}?{}", rest.join("&")),
    };
    (url, options)
}

fn connector(root_cert: Option<&str>) -> Result<MakeRustlsConnect> {
    let mut roots = RootCertStore::empty();
    match root_cert {
        Some(path) => {
            let read = |error| {
                setup(format!(
                    "can't read the certificate in {path} (sslrootcert): {error}"
                ))
            };
            for certificate in CertificateDer::pem_file_iter(path).map_err(read)? {
                let added = roots.add(certificate.map_err(read)?);
                added.map_err(|error| setup(format!("can't use the certificate in {path}: {error}")))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(setup(
            "no certificate authority is known to check the database's certificate with: name one with \
             sslrootcert in the database url",
        ));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| setup(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn setup(text: impl Into<Arc<str>>) -> StoreError {
    StoreError::Setup(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_about_tls_are_taken_out_and_others_stay() {
        let (url, options) =
            split("postgres://u:p@h/db?sslmode=require&connect_timeout=3&sslrootcert=%2Fa%20b");
        assert_eq!(url, "postgres://u:p@h/db?connect_timeout=3");
        assert_eq!(options.mode, Some("require"));
        assert_eq!(options.root_cert.as_deref(), Some("/a b"));
        assert_eq!(split("postgres://h/db?sslmode=disable").0, "postgres://h/db");
    }

    #[test]
    fn a_mode_that_nobody_knows_and_a_missing_certificate_are_said_in_words() {
        let words = |url: &str| match Address::parse(url) {
            Err(StoreError::Setup(text)) => text.to_string(),
            _ => panic!("taken"),
        };
        assert!(words("postgres://h/db?sslmode=perhaps").contains("sslmode"));
        assert!(words("postgres://h/db?sslmode=require&sslrootcert=/nowhere.pem").contains("/nowhere.pem"));
        assert!(!words("postgres://u:secret@h:port/db").contains("secret"));
    }
}
