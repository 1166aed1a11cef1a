//! Certificate and key: readable, fitting, in date, and the key a secret.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use rohrpost_config::Tls;
use tokio_rustls::rustls::{
    CertificateError, Error, RootCertStore,
    client::verify_server_cert_signed_by_trust_anchor,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, UnixTime, pem::PemObject as _},
    server::ParsedCertificate,
};

use super::Finding;

/// Time enough to renew a certificate.
const SOON_MS: i64 = 14 * 24 * 60 * 60 * 1000;

pub(super) fn examine(tls: &Tls, now_ts: i64) -> Vec<Finding> {
    let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) else {
        return Vec::new();
    };
    let what = format!("certificate {}", certificate.display());
    if let Err(error) = rohrpost_http::Tls::load(certificate, key) {
        let todo = format!("{error}\ncheck [tls] certificate and key, and who may read the files");
        return vec![Finding::bad(what, todo)];
    }
    let mut findings = vec![match dated(certificate, now_ts) {
        Dated::Good if matches!(dated(certificate, now_ts + SOON_MS), Dated::Expired) => Finding::bad(
            what,
            "expires within 14 days: renew it, then send the server SIGHUP",
        ),
        Dated::Good => Finding::good(what),
        Dated::Expired => Finding::bad(what, "has expired: renew it, then send the server SIGHUP"),
        Dated::Early => Finding::bad(what, "isn't valid yet: check it, and this computer's clock"),
    }];
    if fs::metadata(key).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0) {
        let todo = format!(
            "everybody on this computer may read it: chmod 600 {}",
            key.display()
        );
        findings.push(Finding::bad(format!("private key {}", key.display()), todo));
    }
    findings
}

enum Dated {
    Good,
    Expired,
    Early,
}

/// Whether the certificate is in date. Asked of the TLS library by a verification that trusts nobody: the dates are
/// checked before the issuer is looked for.
fn dated(certificate: &Path, ts: i64) -> Dated {
    let now = UnixTime::since_unix_epoch(Duration::from_millis(ts.unsigned_abs()));
    let Ok(certificate) = CertificateDer::from_pem_file(certificate) else {
        return Dated::Good;
    };
    let Ok(certificate) = ParsedCertificate::try_from(&certificate) else {
        return Dated::Good;
    };
    let algorithms = aws_lc_rs::default_provider()
        .signature_verification_algorithms
        .all;
    let verified = verify_server_cert_signed_by_trust_anchor(
        &certificate,
        &RootCertStore::empty(),
        &[],
        now,
        algorithms,
    );
    match verified {
        Err(Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => Dated::Expired,
        Err(Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => Dated::Early,
        _ => Dated::Good,
    }
}
