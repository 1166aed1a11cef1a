//! An authority for one run, and certificates of it.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// The authority that all servers of a run trust.
pub(super) struct Certificates {
    issuer: Issuer<'static, KeyPair>,
    authority: PathBuf,
}

impl Certificates {
    pub(super) fn make(folder: &Path) -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Another name than those it signs for: otherwise OpenSSL takes these for signed by themselves.
        params
            .distinguished_name
            .push(DnType::CommonName, "an authority of one run");
        let key = KeyPair::generate()?;
        let authority = folder.join("authority.pem");
        std::fs::write(&authority, params.self_signed(&key)?.pem())?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            authority,
        })
    }

    /// The authority's own certificate.
    pub(super) fn authority(&self) -> &Path {
        &self.authority
    }

    /// A certificate for a server on this computer, and its key.
    pub(super) fn issue(&self, folder: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
        let key = KeyPair::generate()?;
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let (certificate_file, key_file) = (folder.join("certificate.pem"), folder.join("key.pem"));
        std::fs::write(&certificate_file, certificate.pem())?;
        std::fs::write(&key_file, key.serialize_pem())?;
        Ok((certificate_file, key_file))
    }
}
