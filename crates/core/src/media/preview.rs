//! Previews of links: what a page says about itself, and its picture, which becomes a file of this server.
//!
//! Everything here assumes that the link was sent to make this server connect somewhere, and that the page was made to
//! harm whoever reads it. Where to go is decided in [`policy`], for each redirection anew; that a name doesn't lead into
//! a private network is seen to by the port, on the address that is connected to. Only the answer is kept, not who asked.

mod fetch;
mod page;
mod picture;
mod policy;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use rohrpost_store::{MediaRow, StoreError, Tx, Work};
use ruma::UserId;
use serde_json::{Map, Value};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use url::Url;

pub use self::policy::{HostPattern, PreviewSettings};
use self::{fetch::Fetched, page::Facts, picture::Picture};
use crate::{
    Caller, Refusal, Result, Server,
    limits::Kind,
    media::{MEDIA_ID_LENGTH, scale},
    random,
};

/// How long a preview is kept before the page is fetched again: an hour, in ms.
const FRESH_MS: i64 = 60 * 60 * 1000;
/// How long it is remembered that there was none: 5 minutes, in ms.
const FAILED_MS: i64 = 5 * 60 * 1000;
/// Pages that are fetched at the same time: each takes memory.
const AT_ONCE: usize = 8;
/// Keys of pages under way that are kept before it is looked which of them are over.
const MAX_KEYS: usize = 64;

const ACCEPT_PAGE: &str = "text/html, application/xhtml+xml, image/*;q=0.8";
const ACCEPT_PICTURE: &str = "image/png, image/jpeg, image/gif, image/webp";

/// Pages that are being fetched.
pub(crate) struct Previews {
    places: Semaphore,
    under_way: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Default for Previews {
    fn default() -> Self {
        Self {
            places: Semaphore::new(AT_ONCE),
            under_way: Mutex::default(),
        }
    }
}

impl Previews {
    /// What those who want the same page wait for, one after the other.
    fn turn(&self, url: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = under_way.get(url).and_then(Weak::upgrade) {
            return turn;
        }
        if under_way.len() >= MAX_KEYS {
            under_way.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::default();
        under_way.insert(url.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

/// What stands behind a link: a JSON object of OpenGraph properties, which may be empty.
///
/// # Errors
/// `Unrecognized` where no previews are made; `InvalidParam` for what is no address of a page; `NotFound` when there is
/// none to be had, whatever the reason, so that nobody can find out about networks that only this server reaches;
/// `LimitExceeded`.
///
/// # Spec
/// [URL previews](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediapreview_url)
pub async fn preview(server: &Arc<Server>, caller: &Caller, url: &str) -> Result<String> {
    let Some(settings) = &server.settings.url_preview else {
        return Err(Refusal::Unrecognized);
    };
    let url = policy::address(url)?;
    if let Some(kept) = kept(server, &url).await? {
        return kept.ok_or_else(no_preview);
    }
    server.limit(Kind::UrlPreview, caller.user_id.as_str())?;
    let turn = server.previews.turn(url.as_str());
    let _turn = turn.lock().await;
    if let Some(kept) = kept(server, &url).await? {
        return kept.ok_or_else(no_preview);
    }
    let busy = |_| Refusal::Internal("no place for previews".to_owned());
    let _place = server.previews.places.acquire().await.map_err(busy)?;
    let found = look(server, settings, url.clone()).await;
    keep(server, &url, found).await?.ok_or_else(no_preview)
}

fn no_preview() -> Refusal {
    Refusal::not_found("preview of this page")
}

/// What is known of a page; `None` within: that it couldn't be had.
async fn kept(server: &Arc<Server>, url: &Url) -> Result<Option<Option<String>>> {
    let (url, now_ts) = (url.to_string(), server.now_ts());
    let reading = server
        .store
        .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.url_preview_get(&url, now_ts).await?) }));
    reading.await
}

/// What a page says, and its picture.
struct Found {
    properties: Map<String, Value>,
    picture: Option<Picture>,
}

/// Fetches a page and, in the time that is left, its picture: a page whose picture doesn't come is shown without.
async fn look(server: &Arc<Server>, settings: &PreviewSettings, url: Url) -> Option<Found> {
    let deadline = Instant::now() + settings.timeout;
    let fetching = fetch::fetch(server, settings, url, ACCEPT_PAGE, settings.max_page_bytes);
    let fetched = timeout_at(deadline, fetching).await.ok()??;
    let url = fetched.url.clone();
    let (mut facts, mut whole) = (Facts::default(), None);
    if fetched.is_picture() {
        // It was read as far as a page is; where that wasn't all, it is fetched once more.
        facts.picture = Some(url.to_string());
        whole = fetched.is_whole.then_some(fetched);
    } else if fetched.is_page() {
        let reading = tokio::task::spawn_blocking(move || page::read(&fetched.text()));
        // A reader that panics met something that isn't a page.
        facts = reading.await.ok()?;
    }
    let address = facts.picture.and_then(|address| url.join(&address).ok());
    let picture = match (whole, address) {
        (Some(whole), _) => measured(server, whole).await,
        (None, Some(address)) => {
            let fetching = picture(server, settings, address);
            match timeout_at(deadline, fetching).await {
                Ok(Some(fetched)) => measured(server, fetched).await,
                _ => None,
            }
        }
        (None, None) => None,
    };
    Some(Found {
        properties: facts.properties,
        picture,
    })
}

/// Fetches a picture, the whole of it.
async fn picture(server: &Arc<Server>, settings: &PreviewSettings, url: Url) -> Option<Fetched> {
    if settings.max_picture_bytes == 0 {
        return None;
    }
    let fetched = fetch::fetch(server, settings, url, ACCEPT_PICTURE, settings.max_picture_bytes).await?;
    fetched.is_whole.then_some(fetched)
}

/// The picture, if it is one that this server understands.
async fn measured(server: &Arc<Server>, fetched: Fetched) -> Option<Picture> {
    let (max_pixels, max_bytes) = (
        server.settings.thumbnail_max_pixels,
        server.settings.url_preview.as_ref()?.max_picture_bytes,
    );
    if fetched.body.len() > max_bytes {
        return None;
    }
    let measuring = tokio::task::spawn_blocking(move || {
        let size = scale::measure(&fetched.body, max_pixels)?;
        Some(Picture::new(fetched.body, size))
    });
    measuring.await.ok()?
}

/// Keeps what was found, or that nothing was; answers the preview.
async fn keep(server: &Arc<Server>, url: &Url, found: Option<Found>) -> Result<Option<String>> {
    let now_ts = server.now_ts();
    let mut unit = Unit {
        url: url.to_string(),
        properties: None,
        picture: None,
        server_name: server.name().to_string(),
        expires_ts: now_ts + FAILED_MS,
        now_ts,
    };
    if let Some(Found { properties, picture }) = found {
        unit.properties = Some(properties);
        unit.expires_ts = now_ts + FRESH_MS;
        if let Some(picture) = picture {
            let media_id = random::name(&*server.rng, MEDIA_ID_LENGTH);
            let row = picture.write(server, media_id).await?;
            unit.picture = Some((picture, row));
        }
    }
    server.store.write(unit).await
}

struct Unit {
    url: String,
    /// `None`: nothing was found.
    properties: Option<Map<String, Value>>,
    picture: Option<(Picture, MediaRow)>,
    server_name: String,
    expires_ts: i64,
    now_ts: i64,
}

impl Work for Unit {
    type Out = Option<String>;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Option<String>> {
        let Some(properties) = &self.properties else {
            tx.url_preview_put(&self.url, None, self.expires_ts).await?;
            return Ok(None);
        };
        let mut properties = properties.clone();
        if let Some((picture, row)) = &self.picture {
            // The same picture keeps its address, however often and from wherever it is fetched.
            let mut media_id = row.media_id.clone();
            if tx.url_preview_picture_put(&row.hash, &media_id).await? {
                tx.media_insert(row, self.now_ts).await?;
            } else if let Some(known) = tx.url_preview_picture_get(&row.hash).await? {
                media_id = known;
            }
            picture.describe(&mut properties, format!("mxc://{}/{media_id}", self.server_name));
        }
        let answer = Value::Object(properties).to_string();
        tx.url_preview_put(&self.url, Some(&answer), self.expires_ts)
            .await?;
        Ok(Some(answer))
    }
}

/// Whose files the pictures of previews are: the server's own, not those of whoever asked.
fn owner(server: &Server) -> Result<ruma::OwnedUserId> {
    let localpart = &server.settings.notices.localpart;
    UserId::parse(format!("@{localpart}:{}", server.name()))
        .map_err(|_| Refusal::Internal("the server's own account has no name".to_owned()))
}

/// Forgets what isn't fresh any more.
///
/// # Errors
/// Only when the store fails.
pub(crate) async fn tidy(server: &Arc<Server>) -> Result<()> {
    Ok(server.store.write(Tidy(server.now_ts())).await?)
}

struct Tidy(i64);

impl Work for Tidy {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.url_preview_delete_expired(self.0).await
    }
}
