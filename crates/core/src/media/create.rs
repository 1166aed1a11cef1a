//! Addresses for files that are uploaded later, so that a message can be sent before its file is there.

use std::sync::Arc;

use rohrpost_store::{PendingMedia, StoreError, Tx, Work};
use ruma::{OwnedMxcUri, OwnedUserId};

use crate::{Caller, Refusal, Result, Server, limits::Kind, media::MEDIA_ID_LENGTH, random};

/// How long an address waits for its file: 24 hours, in ms, as the specification recommends.
const LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;

/// An address without a file.
#[derive(Clone, Debug)]
pub struct Created {
    /// The address.
    pub address: OwnedMxcUri,
    /// Until when the file must be there, in ms since the epoch.
    pub expires_ts: i64,
}

/// Makes an address for a file that is uploaded later.
///
/// # Errors
/// `LimitExceeded`, also for who has too many addresses without a file.
///
/// # Spec
/// [Content repository](https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav1create)
pub async fn create(server: &Arc<Server>, caller: Caller) -> Result<Created> {
    server.limit(Kind::Upload, caller.user_id.as_str())?;
    let media_id = random::name(&*server.rng, MEDIA_ID_LENGTH);
    let address = format!("mxc://{}/{media_id}", server.name()).into();
    let now_ts = server.now_ts();
    let expires_ts = now_ts + LIFETIME_MS;
    let unit = Unit {
        media_id,
        owner: caller.user_id,
        max_pending: i64::from(server.settings.quotas.pending_uploads),
        now_ts,
        expires_ts,
    };
    server.store.write(unit).await?;
    Ok(Created { address, expires_ts })
}

struct Unit {
    media_id: String,
    owner: OwnedUserId,
    max_pending: i64,
    now_ts: i64,
    expires_ts: i64,
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        // One writer at a time, or two could both be the last for which there is space.
        tx.user_lock(&self.owner).await?;
        let (count, first_end) = tx.media_pending_count(&self.owner, self.now_ts).await?;
        if count >= self.max_pending {
            let wait_ms = first_end.map_or(LIFETIME_MS, |end| end - self.now_ts);
            return Err(Refusal::LimitExceeded {
                retry_after_ms: wait_ms.unsigned_abs(),
            });
        }
        let new = PendingMedia {
            owner: self.owner.clone(),
            expires_ts: self.expires_ts,
        };
        Ok(tx.media_pending_insert(&self.media_id, &new).await?)
    }
}

/// Forgets the addresses whose files didn't come in time.
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
        tx.media_pending_delete_expired(self.0).await
    }
}
