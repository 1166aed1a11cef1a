//! Whose certificates are believed.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer};

/// The authorities that this computer trusts.
pub(crate) fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (_, unusable) = roots.add_parsable_certificates(found.certs);
    if roots.is_empty() || unusable > 0 {
        let trusted = roots.len();
        tracing::warn!(
            trusted,
            unusable,
            "not all certificates that this computer trusts can be used"
        );
    }
    roots
}

/// The authorities that this computer trusts, and these.
pub(crate) fn system_roots_and(
    authorities: &[CertificateDer<'static>],
) -> Result<RootCertStore, rustls::Error> {
    let mut roots = system_roots();
    for authority in authorities {
        roots.add(authority.clone())?;
    }
    Ok(roots)
}

/// How connections are made: no certificate of our own, theirs by one of these authorities.
pub(crate) fn client(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
