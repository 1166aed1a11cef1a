//! Files of other servers: fetched when somebody here wants one, and kept as those of this server are.
//!
//! A file is read whole before it is kept, so few are fetched at a time. Whoever makes this server fetch one pays for it
//! with what they may upload within a day. What another server says about a file is trusted as little as what an uploader
//! says.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#content-repository>

use std::{sync::Arc, time::Duration};

use rohrpost_store::{MediaRow, RemoteMediaRow, Tx, Work};
use ruma::{
    OwnedUserId,
    api::federation::authenticated_media::{Content, FileOrLocation, get_content},
};

use super::{
    Address,
    upload::{DailyQuota, file_name, is_content_type},
};
use crate::{
    Refusal, Result, Server,
    federation::ask::AskError,
    ports::{Get, RemoteError},
    random,
};

/// Longest time for the whole file.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Largest file that is fetched, whatever may be uploaded here, in bytes: it is held in memory.
const MAX_BYTES: u64 = 128 * 1024 * 1024;
/// What stands around a file in an answer, in bytes.
const AROUND_BYTES: u64 = 16 * 1024;

/// A file of another server. It is fetched if it isn't here yet, for `viewer`.
///
/// # Errors
/// `NotFound` when the other server has no such file or isn't spoken with; `NotYetUploaded`; `TooLarge` for one that
/// couldn't be uploaded here; `LimitExceeded` when the viewer had too much fetched within a day; `Elsewhere` when the other
/// server doesn't answer in order.
pub(super) async fn find(server: &Arc<Server>, address: Address, viewer: &OwnedUserId) -> Result<MediaRow> {
    if !server.speaks_with(&address.server_name) {
        return Err(Refusal::not_found("file"));
    }
    if let Some(row) = kept(server, &address).await? {
        return Ok(row);
    }
    // Of many who want the same file at the same time, the first one fetches it.
    let _turn = server.remote_files.wait(address.clone()).await;
    if let Some(row) = kept(server, &address).await? {
        return Ok(row);
    }
    let quota = DailyQuota::new(server, viewer);
    quota.has_space(server, 1).await?;
    let _place = server.large_files.acquire().await;
    let content = fetch(server, &address).await?;
    keep(server, address, content, quota).await
}

async fn kept(server: &Arc<Server>, address: &Address) -> Result<Option<MediaRow>> {
    let Address {
        server_name,
        media_id,
    } = address.clone();
    let reading = server.store.read(move |tx| {
        Box::pin(async move { Ok::<_, Refusal>(tx.remote_media_get(&server_name, &media_id).await?) })
    });
    Ok(reading.await?.map(|row| row.media))
}

async fn fetch(server: &Arc<Server>, address: &Address) -> Result<Content> {
    let max_bytes = server.settings.max_upload_bytes.min(MAX_BYTES);
    let bound = usize::try_from(max_bytes + AROUND_BYTES).unwrap_or(usize::MAX);
    let request = get_content::v1::Request::new(address.media_id.clone());
    let asking = server.ask_within(&address.server_name, request, (bound, TIMEOUT));
    let answer = asking.await.map_err(|error| match error {
        AskError::Refused { status: 404, .. } | AskError::NotAPartner(_) => Refusal::not_found("file"),
        AskError::Refused { status: 504, .. } => Refusal::NotYetUploaded,
        AskError::Remote(RemoteError::TooLong) => too_large(max_bytes),
        other => other.into(),
    })?;
    let content = match answer.content {
        FileOrLocation::File(content) => content,
        FileOrLocation::Location(location) => follow(server, &location, max_bytes).await?,
        _ => return Err(nonsense()),
    };
    match content.file.len() as u64 > max_bytes {
        true => Err(too_large(max_bytes)),
        false => Ok(content),
    }
}

/// Fetches a file from where the other server keeps it, by the way that pages behind links are fetched: into no private
/// network, and following nothing further. Where there is no such way, there is no file.
async fn follow(server: &Arc<Server>, location: &str, max_bytes: u64) -> Result<Content> {
    let url = url::Url::parse(location)
        .ok()
        .filter(|url| url.scheme() == "https");
    let (Some(pages), Some(url)) = (&server.pages, url) else {
        return Err(nonsense());
    };
    let get = Get {
        url,
        accept: "*/*",
        max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX),
    };
    let got = pages.get(get).await.map_err(|_| nonsense())?;
    match got.status {
        200 if !got.is_whole => Err(too_large(max_bytes)),
        200 if got.content_encoding.is_none() => {
            let mut content = Content::new(got.body, String::new(), Default::default());
            content.content_type = got.content_type;
            content.content_disposition = None;
            Ok(content)
        }
        _ => Err(nonsense()),
    }
}

fn nonsense() -> Refusal {
    Refusal::Elsewhere("the other server doesn't hand this file out".to_owned())
}

fn too_large(max_bytes: u64) -> Refusal {
    Refusal::TooLarge(format!("files may have up to {max_bytes} bytes here"))
}

async fn keep(
    server: &Arc<Server>,
    address: Address,
    content: Content,
    quota: DailyQuota,
) -> Result<MediaRow> {
    let mut pending = server.blobs.begin(&random::name(&*server.rng, 24)).await?;
    pending.write(&content.file).await?;
    let hash = pending.finish().await?;
    let named = content
        .content_disposition
        .and_then(|disposition| disposition.filename)
        .map(|name| file_name(&name));
    let row = RemoteMediaRow {
        server: address.server_name,
        media: MediaRow {
            media_id: address.media_id,
            owner: quota.owner.clone(),
            content_type: content.content_type.filter(|text| is_content_type(text)),
            file_name: named.filter(|name| !name.is_empty()),
            size_bytes: i64::try_from(content.file.len()).unwrap_or(i64::MAX),
            hash,
        },
    };
    let unit = Keep {
        row: row.clone(),
        quota,
        now_ts: server.now_ts(),
    };
    server.store.write(unit).await?;
    Ok(row.media)
}

struct Keep {
    row: RemoteMediaRow,
    quota: DailyQuota,
    now_ts: i64,
}

impl Work for Keep {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        tx.user_lock(&self.row.media.owner).await?;
        self.quota
            .check(tx, self.row.media.size_bytes.unsigned_abs())
            .await?;
        Ok(tx.remote_media_put(&self.row, self.now_ts).await?)
    }
}
