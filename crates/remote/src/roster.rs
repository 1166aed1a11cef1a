//! Reads the signed roster of the federation: from a file, or from an `https://` address.
//!
//! Neither place is trusted with more than keeping it: what comes from there is verified by whoever asked.

use std::{io::ErrorKind, path::PathBuf};

use futures_util::future::BoxFuture;
use rohrpost_core::ports::{PostError, RosterSource, RosterSourceError};
use rustls::pki_types::CertificateDer;
use tokio::{fs::File, io::AsyncReadExt as _};
use url::Url;

use crate::egress::{EgressError, Networks, Outside};

/// A roster in a file of this computer.
pub struct RosterFile(PathBuf);

impl RosterFile {
    /// The file needn't be there yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    async fn content(&self, max_bytes: usize) -> Result<Vec<u8>, RosterSourceError> {
        let failed = |error: std::io::Error| {
            let path = self.0.display().to_string();
            match error.kind() {
                ErrorKind::NotFound => RosterSourceError::Missing(path),
                _ => RosterSourceError::Unreadable(path),
            }
        };
        let file = File::open(&self.0).await.map_err(failed)?;
        // One byte more than there may be: that is how a file that is too large is noticed.
        let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes).await.map_err(failed)?;
        if bytes.len() > max_bytes {
            return Err(RosterSourceError::TooLarge);
        }
        Ok(bytes)
    }
}

impl RosterSource for RosterFile {
    fn read(&self, max_bytes: usize) -> BoxFuture<'_, Result<Vec<u8>, RosterSourceError>> {
        Box::pin(self.content(max_bytes))
    }
}

/// A roster at an `https://` address. Redirections aren't followed.
pub struct RosterAddress {
    outside: Outside,
    url: Url,
}

impl RosterAddress {
    /// Trusts the certificates that this computer trusts, and those authorities besides.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(
        url: Url,
        networks: Networks,
        authorities: &[CertificateDer<'static>],
    ) -> Result<Self, EgressError> {
        Ok(Self {
            outside: Outside::to_roster(networks, authorities)?,
            url,
        })
    }

    async fn content(&self, max_bytes: usize) -> Result<Vec<u8>, RosterSourceError> {
        let got = self.outside.fetch(self.url.clone(), max_bytes).await;
        let got = got.map_err(|error| match error {
            PostError::NotAllowed => RosterSourceError::NotAllowed,
            PostError::Failed | PostError::TimedOut => RosterSourceError::Unreachable,
        })?;
        match got.status {
            200 if got.is_whole => Ok(got.body),
            200 => Err(RosterSourceError::TooLarge),
            status => Err(RosterSourceError::Status(status)),
        }
    }
}

impl RosterSource for RosterAddress {
    fn read(&self, max_bytes: usize) -> BoxFuture<'_, Result<Vec<u8>, RosterSourceError>> {
        Box::pin(self.content(max_bytes))
    }
}

#[cfg(test)]
mod tests {
    use rohrpost_core::ports::{RosterSource as _, RosterSourceError};
    use rustls::pki_types::CertificateDer;

    use super::{Networks, RosterAddress, RosterFile};
    use crate::federation::tests::server;

    fn address(url: &str, networks: Networks, authorities: &[CertificateDer<'static>]) -> RosterAddress {
        RosterAddress::new(url.parse().unwrap(), networks, authorities).unwrap()
    }

    #[tokio::test]
    async fn a_roster_comes_from_an_address_with_a_certificate_that_is_trusted() {
        let (socket, root, task) = server(&["127.0.0.1"]).await;
        let roots = [root];
        let url = format!("https://{socket}/roster.json");
        let there = address(&url, Networks::All, &roots);
        let content = there.read(4096).await.unwrap();
        assert!(
            content.starts_with(b"GET /roster.json HTTP/1.1"),
            "as it was sent"
        );
        assert_eq!(there.read(10).await, Err(RosterSourceError::TooLarge));
        for (source, error) in [
            (
                address(&url, Networks::Public, &roots),
                RosterSourceError::NotAllowed,
            ),
            (address(&url, Networks::All, &[]), RosterSourceError::Unreachable),
            // Nobody on the way shall hold a roster back unnoticed.
            (
                address(&url.replace("https", "http"), Networks::All, &roots),
                RosterSourceError::Unreachable,
            ),
        ] {
            assert_eq!(source.read(4096).await, Err(error));
        }
        task.abort();
    }

    #[tokio::test]
    async fn a_roster_in_a_file_is_read_within_its_bounds() {
        let folder = std::env::temp_dir();
        let missing = RosterFile::new(folder.join("there-is-no-such-roster.json"));
        assert!(matches!(
            missing.read(10).await,
            Err(RosterSourceError::Missing(_))
        ));
        let program = RosterFile::new(std::env::current_exe().unwrap());
        assert_eq!(program.read(10).await, Err(RosterSourceError::TooLarge));
        assert!(!program.read(usize::MAX).await.unwrap().is_empty());
        let is_folder = RosterFile::new(folder);
        assert!(matches!(
            is_folder.read(10).await,
            Err(RosterSourceError::Unreadable(_))
        ));
    }
}
