//! Files in a local folder, named by the SHA-256 of their content.
//!
//! A file is written under a temporary name, synced, renamed and its folder synced, so that a name that exists
//! has its whole content, also after a power cut. The same content is kept once.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};
use tokio::{fs::File, io::AsyncWriteExt};

use crate::{Result, StoreError};

/// The longest name of an upload under way.
const MAX_NAME_BYTES: usize = 128;

/// The folder that files are kept in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    root: Arc<Path>,
}

impl Blobs {
    /// Opens the folder, making it if needed, and removes what unfinished uploads left behind.
    ///
    /// # Errors
    /// `Setup` when the folder can't be made or read.
    pub fn open(root: &Path) -> Result<Self> {
        let setup = |error: std::io::Error| {
            StoreError::Setup(format!("can't use the media folder {}: {error}", root.display()).into())
        };
        let unfinished = root.join("unfinished");
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished).map_err(setup)?;
        }
        std::fs::create_dir_all(&unfinished).map_err(setup)?;
        Ok(Self { root: root.into() })
    }

    /// Begins a file. `name` is any name of letters, digits, `-` and `_` that no other upload uses, such as a
    /// random one.
    ///
    /// # Errors
    /// When the file can't be made.
    pub async fn begin(&self, name: &str) -> Result<PendingBlob> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(is_plain) {
            return Err(std::io::Error::from(std::io::ErrorKind::InvalidInput).into());
        }
        let path = self.root.join("unfinished").join(name);
        let file = File::create_new(&path).await?;
        Ok(PendingBlob {
            blobs: self.clone(),
            path: Some(path),
            file,
            hasher: Sha256::new(),
            size_bytes: 0,
        })
    }

    fn place(&self, hash: &str) -> Option<PathBuf> {
        // Only what we named ourselves: nothing that could point outside of the folder.
        let is_hash = hash.len() == 64
            && hash
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        is_hash.then(|| self.root.join(&hash[..2]).join(&hash[2..]))
    }

    /// Opens a file for reading. `None`: there is none.
    ///
    /// # Errors
    /// When the file is there but can't be opened.
    pub async fn read(&self, hash: &str) -> Result<Option<File>> {
        let Some(path) = self.place(hash) else {
            return Ok(None);
        };
        match File::open(path).await {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A file that is being written. Dropped before it is finished, it leaves nothing behind.
#[derive(Debug)]
pub struct PendingBlob {
    blobs: Blobs,
    path: Option<PathBuf>,
    file: File,
    hasher: Sha256,
    size_bytes: u64,
}

impl PendingBlob {
    /// Adds to the file.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.size_bytes += bytes.len() as u64;
        Ok(self.file.write_all(bytes).await?)
    }

    /// Length so far.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Makes the file durable; returns the hash it is kept under.
    ///
    /// # Errors
    /// When the disk refuses; then nothing is kept.
    pub async fn finish(mut self) -> Result<String> {
        let digest = std::mem::take(&mut self.hasher).finalize();
        let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.file.flush().await?;
        self.file.sync_all().await?;
        let (Some(from), Some(to)) = (self.path.clone(), self.blobs.place(&hash)) else {
            return Err(StoreError::inconsistent("blobs", "hash", "not a hash"));
        };
        let Some(folder) = to.parent().map(Path::to_owned) else {
            return Err(StoreError::inconsistent("blobs", "hash", "no folder"));
        };
        tokio::fs::create_dir_all(&folder).await?;
        tokio::fs::rename(&from, &to).await?;
        self.path = None;
        for folder in [&folder, &*self.blobs.root] {
            File::open(folder).await?.sync_all().await?;
        }
        Ok(hash)
    }
}

impl Drop for PendingBlob {
    fn drop(&mut self) {
        if let Some(path) = self.path.take()
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::debug!(%error, "could not remove an unfinished upload");
        }
    }
}
