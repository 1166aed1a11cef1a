//! Downloading: an open file and what is known of it.

use std::{sync::Arc, time::Duration};

use rohrpost_store::MediaRow;
use tokio::fs::File;

use crate::{
    Refusal, Result, Server,
    media::{Address, find},
};

/// A file to be sent.
#[derive(Debug)]
pub struct Download {
    /// The open file, at its beginning.
    pub file: File,
    /// Its length.
    pub size_bytes: u64,
    /// As the uploader said. Not to be trusted.
    pub content_type: Option<String>,
    /// As the uploader said, without folders and control characters.
    pub file_name: Option<String>,
    /// Names this content: the same content has the same tag, for ever.
    pub tag: String,
}

/// Opens an uploaded file. One that is still to come is waited for.
///
/// # Errors
/// `NotFound`, for files of other servers too; `NotYetUploaded`.
///
/// # Spec
/// [Content repository](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid)
pub async fn open(server: &Arc<Server>, address: Address, wait: Duration) -> Result<Download> {
    let row = find(server, address, wait).await?;
    open_row(server, row).await
}

/// Opens the file that a row speaks of.
pub(super) async fn open_row(server: &Arc<Server>, row: MediaRow) -> Result<Download> {
    let file = server.blobs.read(&row.hash).await?;
    let file =
        file.ok_or_else(|| Refusal::Internal("an uploaded file is missing in the media folder".to_owned()))?;
    Ok(Download {
        file,
        size_bytes: u64::try_from(row.size_bytes).unwrap_or(0),
        content_type: row.content_type,
        file_name: row.file_name,
        tag: row.hash,
    })
}
