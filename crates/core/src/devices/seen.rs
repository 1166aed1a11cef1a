//! Notes what the use of an access token tells, as rarely as possible.

use std::sync::Arc;

use rohrpost_store::{CallerRow, StoreError, Tx, Work};

use crate::Server;

const DAY_MS: i64 = 86_400_000;

struct Unit {
    hash: [u8; 32],
    row: CallerRow,
    now_ts: i64,
}

/// Notes the first use of a token that came from an exchange, which revokes the refresh token that it was exchanged
/// for; and once a day that a device is in use. Costs nothing otherwise.
pub(crate) async fn seen(server: &Arc<Server>, hash: [u8; 32], row: CallerRow) {
    let now_ts = server.now_ts();
    if !is_first_use(&row) && now_ts - row.last_seen_ts < DAY_MS {
        return;
    }
    if let Err(error) = server.store.write(Unit { hash, row, now_ts }).await {
        // The request itself may go on: what isn't noted now is noted at the next one.
        tracing::warn!(%error, "the use of a device could not be noted");
    }
}

fn is_first_use(row: &CallerRow) -> bool {
    row.used_ts.is_none() && row.expires_ts.is_some()
}

impl Work for Unit {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let CallerRow {
            user_id,
            device_id,
            family,
            ..
        } = &self.row;
        if is_first_use(&self.row) {
            tx.token_set_used(&self.hash, self.now_ts).await?;
            tx.token_revoke_exchanged(family, &self.hash, self.now_ts).await?;
        }
        tx.device_seen(user_id, device_id, self.now_ts).await
    }
}
