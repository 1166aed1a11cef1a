//! Account data: JSON that clients keep for their user, for the whole account or for one room. Other devices of
//! the user see it in their next sync.

use std::sync::Arc;

use rohrpost_store::{AccountData, GLOBAL, RoomNid, Tx, Work};
use ruma::{OwnedRoomId, UserId};
use serde_json::{Map, Value};

use crate::{Caller, Refusal, Result, Server, personal::known_room, push::rules, settings::Quotas};

/// How many times as large the few types may be that grow with the number of rooms and people.
const LIST_FACTOR: usize = 8;
/// Types that grow with the number of rooms and people.
const LISTS: [&str; 2] = ["m.direct", "m.ignored_user_list"];
/// Longest type, in bytes.
const MAX_KIND_BYTES: usize = 255;

/// Where up to the user read, kept by the server.
pub(crate) const FULLY_READ: &str = "m.fully_read";

/// A piece of account data to be set.
pub struct SetAccountData {
    /// Whose it is.
    pub caller: Caller,
    /// The room it is about; `None`: the whole account.
    pub room_id: Option<OwnedRoomId>,
    /// Its type.
    pub kind: String,
    /// Its content, a JSON object.
    pub content: String,
}

struct Unit {
    data: SetAccountData,
    quotas: Quotas,
}

/// Sets a piece of account data.
///
/// # Errors
/// `ServerControlled` for the types that the server writes itself, `BadJson` for what is no object, `TooLarge`,
/// `Forbidden` for a room that the caller has nothing to do with.
///
/// # Spec
/// [Client config](https://spec.matrix.org/v1.19/client-server-api/#client-config)
pub async fn set(server: &Arc<Server>, data: SetAccountData) -> Result<()> {
    let is_global = data.room_id.is_none();
    if (is_global && data.kind == rules::KIND) || (!is_global && data.kind == FULLY_READ) {
        return Err(Refusal::ServerControlled(format!(
            "{} is set by its own endpoints",
            data.kind
        )));
    }
    if data.kind.len() > MAX_KIND_BYTES {
        return Err(Refusal::InvalidParam(format!(
            "the type is longer than {MAX_KIND_BYTES} bytes"
        )));
    }
    let quotas = server.settings.quotas;
    let mut limit = quotas.account_data_bytes as usize;
    if LISTS.contains(&data.kind.as_str()) {
        limit = limit.saturating_mul(LIST_FACTOR);
    }
    if data.content.len() > limit {
        return Err(Refusal::TooLarge(format!(
            "account data of this type may have {limit} bytes"
        )));
    }
    if serde_json::from_str::<Map<String, Value>>(&data.content).is_err() {
        return Err(Refusal::BadJson("account data must be a JSON object".to_owned()));
    }
    server.store.write(Unit { data, quotas }).await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let SetAccountData {
            caller,
            room_id,
            kind,
            content,
        } = &self.data;
        let user_id = &caller.user_id;
        let room = match room_id {
            Some(room_id) => known_room(tx, user_id, room_id).await?,
            None => GLOBAL,
        };
        // One writer at a time, or two could both be the last for which there is space.
        tx.user_lock(user_id).await?;
        if tx.account_data_get(user_id, room, kind).await?.is_none() {
            self.has_space(tx, user_id, room).await?;
        }
        put(tx, user_id, room, kind, content.clone()).await
    }
}

impl Unit {
    /// Whether there may be one more piece.
    async fn has_space(&self, tx: &mut Tx<'_>, user_id: &UserId, room: RoomNid) -> Result<()> {
        let max = self.quotas.account_data_entries;
        if tx.account_data_count(user_id).await? >= i64::from(max) {
            return Err(Refusal::TooLarge(format!(
                "an account may keep {max} pieces of data"
            )));
        }
        let max = self.quotas.account_data_entries_per_room;
        if room != GLOBAL && tx.account_data_count_in(user_id, room).await? >= i64::from(max) {
            return Err(Refusal::TooLarge(format!(
                "an account may keep {max} pieces of data about a room"
            )));
        }
        Ok(())
    }
}

/// Sets a piece of account data and wakes the user's devices. Counts nothing: for what the server writes itself.
pub(crate) async fn put(
    tx: &mut Tx<'_>,
    user_id: &UserId,
    room: RoomNid,
    kind: &str,
    content: String,
) -> Result<()> {
    let pos = tx.pos_next().await?;
    tx.account_data_put(
        user_id,
        &AccountData {
            room,
            kind: kind.to_owned(),
            content,
            pos,
        },
    )
    .await?;
    tx.wake_user(user_id);
    Ok(())
}

/// Reads a piece of account data: a JSON object.
///
/// # Errors
/// `NotFound`; `Forbidden` for a room that the caller has nothing to do with.
pub async fn get(
    server: &Arc<Server>,
    caller: &Caller,
    room_id: Option<OwnedRoomId>,
    kind: String,
) -> Result<String> {
    let user_id = caller.user_id.clone();
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let room = match room_id {
                Some(room_id) => known_room(tx, &user_id, &room_id).await?,
                None if kind == rules::KIND => {
                    return Ok(Some(rules::account_data_event(tx, &user_id).await?));
                }
                None => GLOBAL,
            };
            Ok::<_, Refusal>(tx.account_data_get(&user_id, room, &kind).await?)
        })
    });
    let data = reading
        .await?
        .ok_or_else(|| Refusal::not_found("account data of this type"))?;
    Ok(data.content)
}
