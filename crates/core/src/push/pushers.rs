//! Pushers: where devices want to be notified. They are kept here; [`deliver`](crate::push::deliver) uses them.

use std::sync::Arc;

use rohrpost_store::{PusherRow, Tx, Work};
use ruma::{
    UserId,
    api::client::push::{Pusher, set_pusher::v3::PusherAction},
};

use serde_json::{Value, json};

use crate::{
    Caller, Refusal, Result, Server,
    push::pusher::{Target, is_web_push, target},
    random,
};

/// Largest pusher, in bytes of JSON.
const MAX_PUSHER_BYTES: usize = 16 * 1024;
/// Longest push key, in bytes.
const MAX_PUSHKEY_BYTES: usize = 512;
/// Longest application id, in bytes.
const MAX_APP_ID_BYTES: usize = 64;
/// Pushers of one user.
const MAX_PUSHERS: usize = 100;

/// How long a client may take to show what its browser was sent: five minutes, in ms.
const ACTIVATION_MS: i64 = 5 * 60 * 1000;
/// Length of that token; five bits for each character.
const TOKEN_LENGTH: usize = 32;

struct Unit {
    caller: Caller,
    change: Change,
}

enum Change {
    Put {
        row: PusherRow,
        append: bool,
        first: First,
    },
    Delete {
        app_id: String,
        pushkey: String,
    },
}

/// What has to be before a pusher is used.
enum First {
    Nothing,
    /// Its address must be the caller's own.
    OwnAddress,
    /// Its client has to show this token, until then.
    Activation(String, i64),
}

/// Sets or removes a pusher. Removing one that isn't there changes nothing.
///
/// # Errors
/// `InvalidParam` for ids that are empty or too long and for what can't be pushed to, `Forbidden` for an address that
/// the operator doesn't allow, `TooLarge` for too many or too large pushers.
///
/// # Spec
/// [Push API](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset)
pub async fn set(server: &Arc<Server>, caller: Caller, action: PusherAction) -> Result<()> {
    let mut change = match action {
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
                first: First::Nothing,
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
    if let Change::Put { row, first, .. } = &mut change {
        let is_id = |id: &str, max: usize| (1..=max).contains(&id.len());
        if !is_id(&row.app_id, MAX_APP_ID_BYTES) || !is_id(&row.pushkey, MAX_PUSHKEY_BYTES) {
            return Err(Refusal::InvalidParam(
                "app_id must have 1 to 64 bytes, pushkey 1 to 512".to_owned(),
            ));
        }
        *first = match target(server, &row.json)? {
            Target::Gateway { .. } => First::Nothing,
            Target::Email { .. } => match &server.settings.email {
                Some(email) if email.notices => First::OwnAddress,
                _ => {
                    return Err(Refusal::NotOffered(
                        "this server sends no mail about messages".to_owned(),
                    ));
                }
            },
            Target::WebPush { .. } => {
                let token = random::name(&*server.rng, TOKEN_LENGTH);
                First::Activation(token, server.now_ts() + ACTIVATION_MS)
            }
        };
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
            Change::Put { row, append, first } => {
                let present = tx.pusher_list(user_id).await?;
                let is_same =
                    |other: &&PusherRow| (&other.app_id, &other.pushkey) == (&row.app_id, &row.pushkey);
                let old = present.iter().find(is_same);
                if old.is_none() && present.len() >= MAX_PUSHERS {
                    return Err(Refusal::TooLarge(format!(
                        "an account may have {MAX_PUSHERS} pushers"
                    )));
                }
                if let First::OwnAddress = first
                    && tx.third_party_id_owner(&row.pushkey).await?.as_ref() != Some(user_id)
                {
                    return Err(Refusal::InvalidParam(
                        "pushkey must be an e-mail address of your account; please add it first".to_owned(),
                    ));
                }
                if !append {
                    tx.pusher_delete_others(user_id, &row.app_id, &row.pushkey)
                        .await?;
                }
                tx.pusher_put(user_id, device_id, row).await?;
                begin(tx, user_id, row, old, first).await?;
            }
        }
        Ok(())
    }
}

/// Lets a pusher begin now, unless it is there already: clients set theirs at each start.
async fn begin(
    tx: &mut Tx<'_>,
    user_id: &UserId,
    row: &PusherRow,
    old: Option<&PusherRow>,
    first: &First,
) -> Result<()> {
    let activation = match first {
        First::Activation(token, until_ts) => Some((token.as_str(), *until_ts)),
        First::Nothing | First::OwnAddress => None,
    };
    let goes_on = match old {
        None => false,
        Some(_) if activation.is_none() => true,
        Some(old) => {
            let tokens = tx.pusher_ack_tokens(user_id, &row.app_id).await?;
            let is_waiting = tokens
                .iter()
                .any(|(pushkey, token, _)| *pushkey == row.pushkey && token.is_some());
            !is_waiting && place(&old.json) == place(&row.json)
        }
    };
    if !goes_on {
        let at = tx.pos_now().await?;
        tx.pusher_begin(user_id, row, at, activation).await?;
        // The work that tells pushers something waits for commits that concern somebody.
        tx.wake_user(user_id);
    }
    Ok(())
}

/// The address of a browser, and its secret.
fn place(json: &str) -> Option<(Value, Value)> {
    let mut pusher: Value = serde_json::from_str(json).ok()?;
    let data = &mut pusher["data"];
    Some((data["url"].take(), data["auth"].take()))
}

/// The pushers of the caller.
///
/// # Errors
/// Those of the store.
pub async fn list(server: &Arc<Server>, caller: &Caller) -> Result<Vec<Pusher>> {
    let user_id = caller.user_id.clone();
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let rows = tx.pusher_list(&user_id).await?;
            let waiting = tx.pusher_list_waiting(&user_id).await?;
            Ok::<_, Refusal>((rows, waiting))
        })
    });
    let (rows, waiting) = reading.await?;
    rows.iter()
        .map(|row| {
            let mut json: Value = serde_json::from_str(&row.json)?;
            if json["kind"].as_str().is_some_and(is_web_push) {
                let ids = (row.app_id.clone(), row.pushkey.clone());
                json["data"]["activated"] = json!(!waiting.contains(&ids));
            }
            Ok(serde_json::from_value(json)?)
        })
        .collect()
}
