//! Thumbnails: made once in one of a few sizes, kept, and made again if lost.

use std::{fs::File, sync::Arc, time::Duration};

use rohrpost_store::{MediaRow, ThumbnailKey, ThumbnailRow, Tx, Work};
use ruma::{OwnedUserId, media::Method};

use crate::{
    Refusal, Result, Server,
    media::{
        Address,
        download::{Download, open_row},
        find,
        scale::{self, Scaled, Shape},
    },
    random,
};

/// The sizes that thumbnails have, smallest first. Other wishes get the next larger one.
const SIZES: [(u32, u32); 5] = [(32, 32), (96, 96), (320, 240), (640, 480), (800, 600)];
/// What a picture that must not move is fitted to when more is asked for.
const LARGEST: (u32, u32) = SIZES[SIZES.len() - 1];
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
    /// Whether a picture that moves shall do so here, too. If nothing is said, it doesn't.
    pub animated: bool,
    /// How long to wait for a picture that is still to come.
    pub wait: Duration,
    /// For whom a picture of another server is fetched; `None`: for nobody.
    pub viewer: Option<OwnedUserId>,
}

/// Opens the thumbnail of a picture, or the picture itself when it is smaller than what is asked for.
///
/// # Errors
/// Those of [`download::open`](crate::media::download::open); `TooLarge` for a picture over the limit of pixels; `Unknown` for what isn't a picture that this
/// server understands, such as an encrypted one; `InvalidParam` for no size and for methods that aren't known.
///
/// # Spec
/// [Thumbnails](https://spec.matrix.org/v1.19/client-server-api/#thumbnails)
pub async fn open(server: &Arc<Server>, wanted: Wanted) -> Result<Download> {
    let crop = match wanted.method {
        Some(Method::Crop) => true,
        Some(Method::Scale) | None => false,
        Some(_) => return Err(Refusal::InvalidParam("method must be crop or scale".to_owned())),
    };
    if wanted.width == 0 || wanted.height == 0 {
        return Err(Refusal::InvalidParam(
            "width and height must be at least 1".to_owned(),
        ));
    }
    let row = find(server, wanted.address, wanted.wait, wanted.viewer.as_ref()).await?;
    if server.settings.thumbnail_max_pixels == 0 {
        return Err(Refusal::Unknown("this server makes no thumbnails".to_owned()));
    }
    let size = SIZES
        .into_iter()
        .find(|(w, h)| u64::from(*w) >= wanted.width && u64::from(*h) >= wanted.height);
    let (width, height) = match size {
        Some(size) => size,
        // Larger than the largest: the original is what is asked for, unless it moves and must not.
        None if !moves(server, &row).await? || wanted.animated => return open_row(server, row).await,
        None => LARGEST,
    };
    let shape = Shape { width, height, crop };
    let key = ThumbnailKey {
        hash: row.hash.clone(),
        width,
        height,
        method: match (crop, wanted.animated) {
            (true, true) => "crop-animated",
            (true, false) => "crop",
            (false, true) => "scale-animated",
            (false, false) => "scale",
        },
    };
    if let Some(kept) = kept(server, key.clone()).await? {
        return Ok(kept);
    }
    let scaling = move |source: File, max_pixels| scale::scale(&source, shape, wanted.animated, max_pixels);
    match unpack(server, &row, scaling).await? {
        Scaled::Original => open_row(server, row).await,
        Scaled::Picture { bytes, content_type } => {
            keep(server, key.clone(), &bytes, content_type).await?;
            let kept = kept(server, key).await?;
            kept.ok_or_else(|| Refusal::Internal("a thumbnail vanished while it was made".to_owned()))
        }
    }
}

/// Whether it is a picture that moves.
async fn moves(server: &Arc<Server>, row: &MediaRow) -> Result<bool> {
    unpack(server, row, |source, max_pixels| {
        scale::moves(&source, max_pixels)
    })
    .await
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

/// Does something with an uploaded picture, where that disturbs nobody, and a few at a time.
async fn unpack<T: Send + 'static>(
    server: &Arc<Server>,
    row: &MediaRow,
    work: impl FnOnce(File, u64) -> Result<T> + Send + 'static,
) -> Result<T> {
    if row.size_bytes > MAX_SOURCE_BYTES {
        return Err(Refusal::TooLarge(
            "this file is too large for a thumbnail".to_owned(),
        ));
    }
    let source = open_row(server, row.clone()).await?.file.into_std().await;
    let max_pixels = server.settings.thumbnail_max_pixels;
    let permit = server
        .pictures
        .acquire()
        .await
        .map_err(|_| Refusal::Internal("no place for pictures".to_owned()))?;
    permit.forget();
    let place = Place(Arc::clone(server));
    let work = tokio::task::spawn_blocking(move || {
        let _place = place;
        work(source, max_pixels)
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
