//! An authority for certificates that only these servers trust, and their certificates.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// The file with the certificate of the authority.
pub(crate) fn authority_file(folder: &Path) -> PathBuf {
    folder.join("authority.pem")
}

/// The authority. Its key is never written.
pub(crate) struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new(folder: &Path) -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let root = params.self_signed(&key)?;
        write(&authority_file(folder), &root.pem())?;
        Ok(Self(Issuer::new(params, key)))
    }

    /// Makes a certificate for a host, and its key, in the folder of its server.
    pub(crate) fn certify(&self, host: &str, folder: &Path) -> anyhow::Result<()> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec![host.to_owned()])?.signed_by(&key, &self.0)?;
        write(&folder.join("certificate.pem"), &certificate.pem())?;
        write(&folder.join("key.pem"), &key.serialize_pem())
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
}
