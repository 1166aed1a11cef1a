//! The picture of a page: a file of this server like any other.

use std::sync::Arc;

use rohrpost_store::MediaRow;
use serde_json::{Map, Value, json};

use super::owner;
use crate::{Result, Server, media::scale::Size};

/// A picture that came with a page.
pub(super) struct Picture {
    bytes: Vec<u8>,
    size: Size,
}

impl Picture {
    pub(super) fn new(bytes: Vec<u8>, size: Size) -> Self {
        Self { bytes, size }
    }

    /// Makes it durable; answers the row that makes it a file.
    pub(super) async fn write(&self, server: &Arc<Server>, media_id: String) -> Result<MediaRow> {
        let mut pending = server.blobs.begin(&media_id).await?;
        pending.write(&self.bytes).await?;
        Ok(MediaRow {
            media_id,
            owner: owner(server)?,
            // What it is, not what its server says.
            content_type: Some(self.size.content_type.to_owned()),
            file_name: None,
            size_bytes: i64::try_from(self.bytes.len()).unwrap_or(i64::MAX),
            hash: pending.finish().await?,
        })
    }

    /// Says what it is.
    pub(super) fn describe(&self, properties: &mut Map<String, Value>, address: String) {
        properties.extend([
            ("og:image".to_owned(), Value::String(address)),
            ("og:image:type".to_owned(), json!(self.size.content_type)),
            ("og:image:width".to_owned(), json!(self.size.width)),
            ("og:image:height".to_owned(), json!(self.size.height)),
            ("matrix:image:size".to_owned(), json!(self.bytes.len())),
        ]);
    }
}
