//! Filters for syncs, stored under a short name.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rohrpost_store::{Tx, Work};
use ruma::{OwnedUserId, api::client::filter::FilterDefinition};
use sha2::{Digest, Sha256};

use crate::{Caller, Refusal, Result, Server};

/// Largest filter, in bytes.
const MAX_FILTER_BYTES: usize = 64 * 1024;
/// Filters of one user.
const MAX_FILTERS: i64 = 100;
/// Length of the hash in a filter's name, in bytes.
const ID_BYTES: usize = 12;

struct Unit {
    user_id: OwnedUserId,
    filter_id: String,
    filter: String,
}

/// Keeps a filter; answers its name. The same filter has the same name.
///
/// # Errors
/// `TooLarge` for a large filter or too many of them.
///
/// # Spec
/// [Filtering](https://spec.matrix.org/v1.19/client-server-api/#filtering)
pub async fn create(server: &Arc<Server>, caller: &Caller, filter: &FilterDefinition) -> Result<String> {
    let filter = serde_json::to_string(filter)?;
    if filter.len() > MAX_FILTER_BYTES {
        return Err(Refusal::TooLarge(format!(
            "a filter may have {MAX_FILTER_BYTES} bytes"
        )));
    }
    let hash = Sha256::digest(&filter);
    // A name that begins with a brace would be taken for a filter itself; base64 has none.
    let filter_id = URL_SAFE_NO_PAD.encode(&hash[..ID_BYTES]);
    let unit = Unit {
        user_id: caller.user_id.clone(),
        filter_id: filter_id.clone(),
        filter,
    };
    server.store.write(unit).await?;
    Ok(filter_id)
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        if tx.filter_get(&self.user_id, &self.filter_id).await?.is_some() {
            return Ok(());
        }
        if tx.filter_count(&self.user_id).await? >= MAX_FILTERS {
            return Err(Refusal::TooLarge(format!(
                "an account may keep {MAX_FILTERS} filters"
            )));
        }
        Ok(tx
            .filter_put(&self.user_id, &self.filter_id, &self.filter)
            .await?)
    }
}

/// A stored filter.
///
/// # Errors
/// `NotFound`.
pub async fn get(server: &Arc<Server>, caller: &Caller, filter_id: String) -> Result<FilterDefinition> {
    let user_id = caller.user_id.clone();
    let reading = server.store.read(move |tx| {
        Box::pin(async move { Ok::<_, Refusal>(tx.filter_get(&user_id, &filter_id).await?) })
    });
    let filter = reading.await?.ok_or_else(|| Refusal::not_found("filter"))?;
    Ok(serde_json::from_str(&filter)?)
}
