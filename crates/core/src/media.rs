//! Uploaded files: kept under the hash of their content, given to whoever is signed in and knows their address.
//!
//! Files of encrypted rooms are noise to this server. Nothing is fetched from elsewhere. Start with [`upload`].

pub mod download;
mod scale;
pub mod thumbnail;
pub mod upload;

use std::sync::Arc;

use rohrpost_store::MediaRow;
use ruma::OwnedServerName;

use crate::{Refusal, Result, Server};

/// Longest media id, in bytes.
const MAX_MEDIA_ID_BYTES: usize = 255;

/// The address of a file: the two parts of `mxc://server/id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The server it was uploaded to.
    pub server_name: OwnedServerName,
    /// Its name there.
    pub media_id: String,
}

/// What is known of a file.
///
/// # Errors
/// `NotFound`, for files of other servers too.
async fn find(server: &Arc<Server>, address: Address) -> Result<MediaRow> {
    let not_found = || Refusal::not_found("file");
    if address.server_name != server.name() || !is_media_id(&address.media_id) {
        return Err(not_found());
    }
    let reading = server
        .store
        .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.media_get(&address.media_id).await?) }));
    reading.await?.ok_or_else(not_found)
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
