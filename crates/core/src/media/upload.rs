//! Uploading: the bytes go to the disk as they come, then the row that makes them a file.

use std::sync::Arc;

use rohrpost_store::{MediaRow, PendingBlob, Tx, Work};
use ruma::{OwnedMxcUri, OwnedUserId, UserId};

use crate::{
    Caller, Refusal, Result, Server,
    limits::Kind,
    media::{Address, MEDIA_ID_LENGTH, is_media_id},
    random,
};

/// A day, in ms.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Longest content type, in bytes.
const MAX_CONTENT_TYPE_BYTES: usize = 255;
/// Longest file name that is kept, in characters.
const MAX_FILE_NAME_CHARS: usize = 255;

/// A file to be uploaded.
pub struct NewUpload {
    /// Who uploads it.
    pub caller: Caller,
    /// As the client says.
    pub content_type: Option<String>,
    /// As the client says.
    pub file_name: Option<String>,
    /// How long it will be, if the client says so.
    pub announced_bytes: Option<u64>,
    /// The address that was made for it. `None`: it gets a new one.
    pub address: Option<Address>,
}

/// An upload under way. Dropped before it is finished, it leaves nothing behind.
pub struct Upload {
    server: Arc<Server>,
    owner: OwnedUserId,
    content_type: Option<String>,
    file_name: Option<String>,
    media_id: String,
    /// Whether the address was there before.
    is_awaited: bool,
    pending: PendingBlob,
}

/// Begins an upload.
///
/// # Errors
/// `TooLarge` when the announced length is over the limit, `InvalidParam` for a content type that is too long,
/// `LimitExceeded`, also for who uploaded too much within a day. With an address: `NotFound` when it wasn't made here or its time is over, `Forbidden` when somebody
/// else made it, `CannotOverwriteMedia` when it has its file.
///
/// # Spec
/// [Content repository](https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav3upload)
pub async fn begin(server: &Arc<Server>, new: NewUpload) -> Result<Upload> {
    server.limit(Kind::Upload, new.caller.user_id.as_str())?;
    if new
        .announced_bytes
        .is_some_and(|bytes| bytes > server.settings.max_upload_bytes)
    {
        return Err(too_large(server));
    }
    let quota = DailyQuota::new(server, &new.caller.user_id);
    quota.has_space(server, new.announced_bytes.unwrap_or(1)).await?;
    if new
        .content_type
        .as_deref()
        .is_some_and(|text| !text.is_empty() && !is_content_type(text))
    {
        return Err(Refusal::InvalidParam(
            "the content type is too long or not ASCII".to_owned(),
        ));
    }
    let name = random::name(&*server.rng, MEDIA_ID_LENGTH);
    let is_awaited = new.address.is_some();
    let media_id = match new.address {
        Some(address) => awaited(server, &new.caller, address).await?,
        None => name.clone(),
    };
    Ok(Upload {
        server: Arc::clone(server),
        owner: new.caller.user_id,
        content_type: new.content_type.filter(|text| !text.is_empty()),
        file_name: new
            .file_name
            .as_deref()
            .map(file_name)
            .filter(|name| !name.is_empty()),
        pending: server.blobs.begin(&name).await?,
        media_id,
        is_awaited,
    })
}

impl Upload {
    /// Adds to the file.
    ///
    /// # Errors
    /// `TooLarge`; those of the disk.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let size = self.pending.size_bytes().saturating_add(bytes.len() as u64);
        if size > self.server.settings.max_upload_bytes {
            return Err(too_large(&self.server));
        }
        Ok(self.pending.write(bytes).await?)
    }

    /// Makes the file durable; answers its address.
    ///
    /// # Errors
    /// Those of the disk and of the store; `LimitExceeded` for who uploaded too much within a day. Then there is no file.
    pub async fn finish(self) -> Result<OwnedMxcUri> {
        let size_bytes = i64::try_from(self.pending.size_bytes()).unwrap_or(i64::MAX);
        let hash = self.pending.finish().await?;
        let address = format!("mxc://{}/{}", self.server.name(), self.media_id);
        let quota = DailyQuota::new(&self.server, &self.owner);
        let row = MediaRow {
            media_id: self.media_id,
            owner: self.owner,
            content_type: self.content_type,
            file_name: self.file_name,
            size_bytes,
            hash,
        };
        self.server
            .store
            .write(Unit {
                row,
                quota,
                is_awaited: self.is_awaited,
                now_ts: self.server.now_ts(),
            })
            .await?;
        if self.is_awaited {
            self.server
                .uploads
                .send_modify(|count| *count = count.wrapping_add(1));
        }
        Ok(address.into())
    }
}

struct Unit {
    row: MediaRow,
    quota: DailyQuota,
    is_awaited: bool,
    now_ts: i64,
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        // One writer at a time: of many uploads at once each counts for the next.
        tx.user_lock(&self.row.owner).await?;
        self.quota.check(tx, self.row.size_bytes.unsigned_abs()).await?;
        // Of two uploads at the same time the first one counts.
        if self.is_awaited && !tx.media_pending_delete(&self.row.media_id).await? {
            return Err(Refusal::CannotOverwriteMedia);
        }
        Ok(tx.media_insert(&self.row, self.now_ts).await?)
    }
}

/// Whether something can stand in a header as a content type.
pub(super) fn is_content_type(text: &str) -> bool {
    (1..=MAX_CONTENT_TYPE_BYTES).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// How much somebody may upload, or have fetched from other servers, within a day.
#[derive(Clone)]
pub(super) struct DailyQuota {
    pub(super) owner: OwnedUserId,
    /// 0: no limit.
    max_bytes: u64,
    now_ts: i64,
}

impl DailyQuota {
    pub(super) fn new(server: &Server, owner: &UserId) -> Self {
        let max_bytes = if server.settings.appservices.is_unlimited(owner.as_str()) {
            0
        } else {
            server.settings.quotas.daily_upload_bytes
        };
        Self {
            owner: owner.to_owned(),
            max_bytes,
            now_ts: server.now_ts(),
        }
    }

    /// Looks before anything is uploaded.
    pub(super) async fn has_space(&self, server: &Arc<Server>, bytes: u64) -> Result<()> {
        let quota = self.clone();
        let reading = server
            .store
            .read(move |tx| Box::pin(async move { quota.check(tx, bytes).await }));
        reading.await
    }

    /// # Errors
    /// `LimitExceeded` when these many bytes are too much.
    pub(super) async fn check(&self, tx: &mut Tx<'_>, bytes: u64) -> Result<()> {
        if self.max_bytes == 0 {
            return Ok(());
        }
        let since_ts = self.now_ts - DAY_MS;
        let (uploaded, first_upload_ts) = tx.media_bytes_since(&self.owner, since_ts).await?;
        let (fetched, first_fetch_ts) = tx.remote_media_bytes_since(&self.owner, since_ts).await?;
        let first_ts = [first_upload_ts, first_fetch_ts].into_iter().flatten().min();
        let used = uploaded.unsigned_abs().saturating_add(fetched.unsigned_abs());
        if used.saturating_add(bytes) <= self.max_bytes {
            return Ok(());
        }
        // When the first of them is a day old there is space again.
        let wait_ms = first_ts.map_or(DAY_MS, |first_ts| first_ts + DAY_MS - self.now_ts);
        Err(Refusal::LimitExceeded {
            retry_after_ms: wait_ms.max(1000).unsigned_abs(),
        })
    }
}

/// The id of an address that was made for the caller's upload and has no file yet.
async fn awaited(server: &Arc<Server>, caller: &Caller, address: Address) -> Result<String> {
    let not_found = || Refusal::not_found("address for an upload");
    if address.server_name != server.name() || !is_media_id(&address.media_id) {
        return Err(not_found());
    }
    let (owner, now_ts) = (caller.user_id.clone(), server.now_ts());
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let uploaded = tx.media_get(&address.media_id).await?;
            let pending = tx.media_pending_get(&address.media_id).await?;
            match (uploaded, pending) {
                // Everybody may know that a file is there: they can download it.
                (Some(_), _) => Err(Refusal::CannotOverwriteMedia),
                (None, Some(pending)) if pending.expires_ts <= now_ts => Err(not_found()),
                (None, Some(pending)) if pending.owner != owner => Err(Refusal::Forbidden(
                    "this address was made by somebody else".to_owned(),
                )),
                (None, Some(_)) => Ok(address.media_id),
                (None, None) => Err(not_found()),
            }
        })
    });
    reading.await
}

fn too_large(server: &Server) -> Refusal {
    Refusal::TooLarge(format!(
        "files may have up to {} bytes here",
        server.settings.max_upload_bytes
    ))
}

/// A name that is only a name: without folders, control characters and those that turn the direction of writing,
/// which make a program look like a document.
pub(super) fn file_name(name: &str) -> String {
    let is_hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    last.chars()
        .filter(|c| !is_hostile(*c))
        .take(MAX_FILE_NAME_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_file_name_is_only_a_name() {
        assert_eq!(file_name("Haushalt 2026.pdf"), "Haushalt 2026.pdf");
        assert_eq!(file_name("../../etc/passwd"), "passwd");
        assert_eq!(file_name("C:\\secret\\plan.txt"), "plan.txt");
        assert_eq!(file_name("a\r\nSet-Cookie: b=c\0.txt"), "aSet-Cookie: b=c.txt");
        assert_eq!(file_name("annex\u{202e}fdp.exe"), "annexfdp.exe");
        assert_eq!(file_name(&"ä".repeat(1000)).chars().count(), 255);
    }
}
