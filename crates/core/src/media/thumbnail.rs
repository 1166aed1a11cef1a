//! Thumbnails: made once in one of a few sizes, kept, and made again if lost.

use std::{sync::Arc, time::Duration};

use rohrpost_store::{MediaRow, ThumbnailKey, ThumbnailRow, Tx, Work};
use ruma::media::Method;

use crate::{
    Refusal, Result, Server,
    media::{
        Address,
        download::{Download, open_row},
        find,
        scale::{self, Scaled},
    },
    random,
};

/// The sizes that thumbnails have, smallest first. Other wishes get the next larger one.
const SIZES: [(u32, u32); 5] = [(32, 32), (96, 96), (320, 240), (640, 480), (800, 600)];
/// Largest file that is unpacked, in bytes.
const MAX_SOURCE_BYTES: i64 = 64 * 1024 * 1024;

/// A thumbnail that is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The picture.
    pub address: Address,
    /// Smallest width, in pixels.
    pub width: u64,
    /// Smallest height, in pixels.
    pub height: u64,
    /// Whether it is cropped or scaled; scaled if nothing is said.
    pub method: Option<Method>,
    /// How long to wait for a picture that is still to come.
    pub wait: Duration,
}

/// Opens the thumbnail of a picture, or the picture itself when it is smaller than what is asked for.
///
/// # Errors
/// `NotFound`; `NotYetUploaded`; `TooLarge` for a picture over the limit of pixels; `Unknown` for what isn't a picture that this
/// server understands, such as an encrypted one; `InvalidParam` for no size and for methods that aren't known.
///
/// # Spec
/// [Thumbnails](https://spec.matrix.org/v1.19/client-server-api/#thumbnails)
pub async fn open(server: &Arc<Server>, wanted: Wanted) -> Result<Download> {
    let method = match wanted.method {
        Some(Method::Crop) => "crop",
        Some(Method::Scale) | None => "scale",
        Some(_) => return Err(Refusal::InvalidParam("method must be crop or scale".to_owned())),
    };
    if wanted.width == 0 || wanted.height == 0 {
        return Err(Refusal::InvalidParam(
            "width and height must be at least 1".to_owned(),
        ));
    }
    let row = find(server, wanted.address, wanted.wait).await?;
    if server.settings.thumbnail_max_pixels == 0 {
        return Err(Refusal::Unknown("this server makes no thumbnails".to_owned()));
    }
    let size = SIZES
        .into_iter()
        .find(|(w, h)| u64::from(*w) >= wanted.width && u64::from(*h) >= wanted.height);
    // Larger than the largest: the original is what is asked for.
    let Some((width, height)) = size else {
        return original(server, row).await;
    };
    let key = ThumbnailKey {
        hash: row.hash.clone(),
        width,
        height,
        method,
    };
    if let Some(kept) = kept(server, key.clone()).await? {
        return Ok(kept);
    }
    match scaled(server, &row, Some(&key)).await? {
        Scaled::Original => open_row(server, row).await,
        Scaled::Picture { bytes, content_type } => {
            keep(server, key.clone(), &bytes, content_type).await?;
            let kept = kept(server, key).await?;
            kept.ok_or_else(|| Refusal::Internal("a thumbnail vanished while it was made".to_owned()))
        }
    }
}

/// The picture itself, if it is one.
async fn original(server: &Arc<Server>, row: MediaRow) -> Result<Download> {
    scaled(server, &row, None).await?;
    open_row(server, row).await
}

async fn kept(server: &Arc<Server>, key: ThumbnailKey) -> Result<Option<Download>> {
    let reading = server
        .store
        .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.thumbnail_get(&key).await?) }));
    let Some(row) = reading.await? else {
        return Ok(None);
    };
    let Some(file) = server.blobs.read(&row.hash).await? else {
        return Ok(None);
    };
    Ok(Some(Download {
        file,
        size_bytes: u64::try_from(row.size_bytes).unwrap_or(0),
        content_type: Some(row.content_type),
        file_name: None,
        tag: row.hash,
    }))
}

/// Gives one place back when the work is done, also when nobody waits for it any more.
struct Place(Arc<Server>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.pictures.add_permits(1);
    }
}

async fn scaled(server: &Arc<Server>, row: &MediaRow, key: Option<&ThumbnailKey>) -> Result<Scaled> {
    if row.size_bytes > MAX_SOURCE_BYTES {
        return Err(Refusal::TooLarge(
            "this file is too large for a thumbnail".to_owned(),
        ));
    }
    let source = open_row(server, row.clone()).await?.file.into_std().await;
    let max_pixels = server.settings.thumbnail_max_pixels;
    let size = key.map(|key| (key.width, key.height, key.method == "crop"));
    let permit = server
        .pictures
        .acquire()
        .await
        .map_err(|_| Refusal::Internal("no place for pictures".to_owned()))?;
    permit.forget();
    let place = Place(Arc::clone(server));
    let work = tokio::task::spawn_blocking(move || {
        let _place = place;
        scale::scale(source, size, max_pixels)
    });
    // A decoder that panics met something that isn't a picture.
    work.await.unwrap_or_else(|_| Err(scale::not_a_picture()))
}

async fn keep(
    server: &Arc<Server>,
    key: ThumbnailKey,
    bytes: &[u8],
    content_type: &'static str,
) -> Result<()> {
    let mut pending = server.blobs.begin(&random::name(&*server.rng, 24)).await?;
    pending.write(bytes).await?;
    let hash = pending.finish().await?;
    let size_bytes = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let row = ThumbnailRow {
        hash,
        content_type: content_type.to_owned(),
        size_bytes,
    };
    server.store.write(Unit { key, row }).await
}

struct Unit {
    key: ThumbnailKey,
    row: ThumbnailRow,
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        Ok(tx.thumbnail_put(&self.key, &self.row).await?)
    }
}
