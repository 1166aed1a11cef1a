//! Programs register themselves (RFC 7591).

use std::{net::IpAddr, sync::Arc};

use rohrpost_store::{OAuthClient, StoreError, Tx, Work};
use serde_json::{Map, Value};

use super::{Client, OAuthRefusal, admit};
use crate::Server;

/// Most clients that are kept. Those that nobody uses go after a day.
const MAX_CLIENTS: i64 = 10_000;

/// A program that registered.
pub struct Registered {
    /// Its identifier. No secret.
    pub client_id: String,
    /// What is kept of what it said.
    pub client: Client,
}

struct Unit {
    row: OAuthClient,
    now_ts: i64,
}

/// Registers a program. The same metadata again is the same client.
///
/// # Errors
/// `InvalidClientMetadata`, `InvalidRedirectUri`; `Other` when there are too many clients or requests.
pub async fn register(
    server: &Arc<Server>,
    address: IpAddr,
    metadata: &Map<String, Value>,
) -> Result<Registered, OAuthRefusal> {
    admit(server, address)?;
    let client = Client::parse(metadata)?;
    let json = serde_json::to_string(&client).map_err(crate::Refusal::from)?;
    let client_id = Client::id(&json);
    let row = OAuthClient {
        client_id: client_id.clone(),
        metadata: json,
    };
    let now_ts = server.now_ts();
    if !server.store.write(Unit { row, now_ts }).await? {
        return Err(crate::Refusal::LimitExceeded {
            retry_after_ms: 3_600_000,
        }
        .into());
    }
    Ok(Registered { client_id, client })
}

/// A client that registered.
pub(super) async fn find(server: &Arc<Server>, client_id: &str) -> Result<Client, OAuthRefusal> {
    let client_id = client_id.to_owned();
    let row = server
        .store
        .read(move |tx| Box::pin(async move { tx.oauth_client_get(&client_id).await }))
        .await?;
    let row = row.ok_or(OAuthRefusal::InvalidClient)?;
    Ok(serde_json::from_str(&row.metadata).map_err(crate::Refusal::from)?)
}

impl Work for Unit {
    /// Whether there was space.
    type Out = bool;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let is_known = tx.oauth_client_get(&self.row.client_id).await?.is_some();
        if !is_known && tx.oauth_client_count().await? >= MAX_CLIENTS {
            return Ok(false);
        }
        tx.oauth_client_put(&self.row, self.now_ts).await?;
        Ok(true)
    }
}
