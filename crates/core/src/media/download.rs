//! Downloading: an open file and what is known of it.

use std::{sync::Arc, time::Duration};

use rohrpost_store::MediaRow;
use ruma::OwnedUserId;
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

/// Opens an uploaded file. One that is still to come is waited for; one of another server is fetched for the viewer.
///
/// # Errors
/// `NotFound`; `NotYetUploaded`; for files of other servers also `TooLarge`, `LimitExceeded` and `Elsewhere`.
///
/// # Spec
/// [Content repository](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid)
pub async fn open(
    server: &Arc<Server>,
    address: Address,
    wait: Duration,
    viewer: &OwnedUserId,
) -> Result<Download> {
    let row = find(server, address, wait, Some(viewer)).await?;
    open_row(server, row).await
}

/// Opens a file that was uploaded here, for another server.
///
/// # Errors
/// `NotFound`, for files of other servers too; `NotYetUploaded`.
///
/// # Spec
/// [`GET /media/download`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1mediadownloadmediaid)
pub async fn open_local(server: &Arc<Server>, address: Address, wait: Duration) -> Result<Download> {
    let row = find(server, address, wait, None).await?;
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
