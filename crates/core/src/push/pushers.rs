//! Pushers: where devices want to be notified. They are kept here; nothing is pushed yet.

use std::sync::Arc;

use rohrpost_store::{PusherRow, Tx, Work};
use ruma::api::client::push::{Pusher, set_pusher::v3::PusherAction};

use crate::{Caller, Refusal, Result, Server};

/// Largest pusher, in bytes of JSON.
const MAX_PUSHER_BYTES: usize = 16 * 1024;
/// Longest push key, in bytes.
const MAX_PUSHKEY_BYTES: usize = 512;
/// Longest application id, in bytes.
const MAX_APP_ID_BYTES: usize = 64;
/// Pushers of one user.
const MAX_PUSHERS: usize = 100;

struct Unit {
    caller: Caller,
    change: Change,
}

enum Change {
    Put { row: PusherRow, append: bool },
    Delete { app_id: String, pushkey: String },
}

/// Sets or removes a pusher. Removing one that isn't there changes nothing.
///
/// # Errors
/// `InvalidParam` for ids that are empty or too long, `TooLarge` for too many or too large pushers.
///
/// # Spec
/// [Push API](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset)
pub async fn set(server: &Arc<Server>, caller: Caller, action: PusherAction) -> Result<()> {
    let change = match action {
        PusherAction::Post(data) => {
            let json = serde_json::to_string(&data.pusher)?;
            if json.len() > MAX_PUSHER_BYTES {
                return Err(Refusal::TooLarge(format!(
                    "a pusher may have {MAX_PUSHER_BYTES} bytes"
                )));
            }
            let ids = data.pusher.ids;
            let row = PusherRow {
                app_id: ids.app_id,
                pushkey: ids.pushkey,
                json,
            };
            Change::Put {
                row,
                append: data.append,
            }
        }
        PusherAction::Delete(ids) => Change::Delete {
            app_id: ids.app_id,
            pushkey: ids.pushkey,
        },
        _ => {
            return Err(Refusal::BadJson(
                "this change of a pusher is not known".to_owned(),
            ));
        }
    };
    if let Change::Put { row, .. } = &change {
        let is_id = |id: &str, max: usize| (1..=max).contains(&id.len());
        if !is_id(&row.app_id, MAX_APP_ID_BYTES) || !is_id(&row.pushkey, MAX_PUSHKEY_BYTES) {
            return Err(Refusal::InvalidParam(
                "app_id must have 1 to 64 bytes, pushkey 1 to 512".to_owned(),
            ));
        }
    }
    server.store.write(Unit { caller, change }).await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let Caller {
            user_id, device_id, ..
        } = &self.caller;
        match &self.change {
            Change::Delete { app_id, pushkey } => {
                tx.pusher_delete(user_id, app_id, pushkey).await?;
            }
            Change::Put { row, append } => {
                if tx.pusher_list(user_id).await?.len() >= MAX_PUSHERS {
                    return Err(Refusal::TooLarge(format!(
                        "an account may have {MAX_PUSHERS} pushers"
                    )));
                }
                if !append {
                    tx.pusher_delete_others(user_id, &row.app_id, &row.pushkey)
                        .await?;
                }
                tx.pusher_put(user_id, device_id, row).await?;
            }
        }
        Ok(())
    }
}

/// The pushers of the caller.
///
/// # Errors
/// Those of the store.
pub async fn list(server: &Arc<Server>, caller: &Caller) -> Result<Vec<Pusher>> {
    let user_id = caller.user_id.clone();
    let reading = server
        .store
        .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.pusher_list(&user_id).await?) }));
    let rows = reading.await?;
    rows.iter()
        .map(|row| Ok(serde_json::from_str(&row.json)?))
        .collect()
}
