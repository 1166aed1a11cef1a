//! Uploaded files: kept under the hash of their content, given to whoever is signed in and knows their address.
//!
//! Files of encrypted rooms are noise to this server. Those of other servers are fetched from them when somebody wants one;
//! from anywhere else only for [`preview`], where the operator wants those. Start with [`upload`].

pub mod create;
pub mod download;
pub mod preview;
mod remote;
mod scale;
pub mod thumbnail;
pub mod upload;

use std::{sync::Arc, time::Duration};

use rohrpost_store::MediaRow;
use ruma::{OwnedServerName, OwnedUserId};
use tokio::time::{Instant, timeout_at};

use crate::{Refusal, Result, Server};

/// Length of a media id: 120 bits, so that nobody finds a file by guessing.
const MEDIA_ID_LENGTH: usize = 24;
/// Longest time to wait for a file that is still to come.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// Longest media id, in bytes.
const MAX_MEDIA_ID_BYTES: usize = 255;

/// The address of a file: the two parts of `mxc://server/id`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The server it was uploaded to.
    pub server_name: OwnedServerName,
    /// Its name there.
    pub media_id: String,
}

/// What is known of a file. One that is still to come is waited for; one of another server is fetched for `viewer`.
///
/// # Errors
/// `NotFound`, for files of other servers too where there is no viewer. `NotYetUploaded` when the file didn't come in time.
async fn find(
    server: &Arc<Server>,
    address: Address,
    wait: Duration,
    viewer: Option<&OwnedUserId>,
) -> Result<MediaRow> {
    if !is_media_id(&address.media_id) {
        return Err(Refusal::not_found("file"));
    }
    if address.server_name != server.name() {
        let viewer = viewer.ok_or_else(|| Refusal::not_found("file"))?;
        return remote::find(server, address, viewer).await;
    }
    let deadline = Instant::now() + wait.min(MAX_WAIT);
    // Registered before the first look, so that nothing falls between.
    let mut uploads = server.uploads.subscribe();
    loop {
        match look(server, address.media_id.clone()).await {
            Err(Refusal::NotYetUploaded) => {}
            found => return found,
        }
        let is_woken = tokio::select! {
            woken = timeout_at(deadline, uploads.changed()) => woken.is_ok(),
            () = server.stopped() => false,
        };
        if !is_woken {
            // Another node may have taken the file.
            return look(server, address.media_id).await;
        }
    }
}

async fn look(server: &Arc<Server>, media_id: String) -> Result<MediaRow> {
    let now_ts = server.now_ts();
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            if let Some(row) = tx.media_get(&media_id).await? {
                return Ok(row);
            }
            let pending = tx.media_pending_get(&media_id).await?;
            Err(match pending {
                Some(pending) if pending.expires_ts > now_ts => Refusal::NotYetUploaded,
                _ => Refusal::not_found("file"),
            })
        })
    });
    reading.await
}

/// "allowing only alphanumeric (`A-Za-z0-9`), `_` and `-` characters in the `media-id` segment"
fn is_media_id(id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=MAX_MEDIA_ID_BYTES).contains(&id.len()) && id.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::is_media_id;

    #[test]
    fn a_media_id_can_not_leave_its_folder() {
        assert!(is_media_id("abcXYZ019_-"));
        for hostile in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "%2e",
            "a\0",
            "ä",
            "a b",
            &"a".repeat(256),
        ] {
            assert!(!is_media_id(hostile), "{hostile:?}");
        }
    }
}
