//! Tags of rooms, such as `m.favourite`: kept as room account data `m.tag`.

use std::sync::Arc;

use rohrpost_store::{RoomNid, Tx, Work};
use ruma::{
    OwnedRoomId, UserId,
    events::tag::{TagEventContent, TagInfo, TagName, Tags},
};

use crate::{
    Caller, Refusal, Result, Server,
    personal::{account_data, known_room},
};

const KIND: &str = "m.tag";
/// Tags of one room.
const MAX_TAGS: usize = 100;
/// Longest tag, in bytes.
const MAX_TAG_BYTES: usize = 255;

/// What becomes of a tag.
#[derive(Clone)]
pub enum Change {
    /// It is set, in place of one of the same name.
    Set(TagInfo),
    /// It goes.
    Remove,
}

/// A change of one tag.
pub struct ChangeTag {
    /// Whose it is.
    pub caller: Caller,
    /// The room.
    pub room_id: OwnedRoomId,
    /// The tag's name.
    pub tag: String,
    /// What becomes of it.
    pub change: Change,
}

struct Unit(ChangeTag);

/// Sets or removes a tag. Removing one that isn't there changes nothing.
///
/// # Errors
/// `Forbidden` for a room that the caller has nothing to do with, `TooLarge` for too many or too long tags.
///
/// # Spec
/// [Room tagging](https://spec.matrix.org/v1.19/client-server-api/#room-tagging)
pub async fn change(server: &Arc<Server>, wanted: ChangeTag) -> Result<()> {
    if wanted.tag.len() > MAX_TAG_BYTES {
        return Err(Refusal::TooLarge(format!("a tag may have {MAX_TAG_BYTES} bytes")));
    }
    server.store.write(Unit(wanted)).await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let ChangeTag {
            caller,
            room_id,
            tag,
            change,
        } = &self.0;
        // One writer at a time, or of two changes at once one would be lost.
        tx.user_lock(&caller.user_id).await?;
        let room = known_room(tx, &caller.user_id, room_id).await?;
        let mut tags = read(tx, &caller.user_id, room).await?;
        let name = TagName::from(tag.as_str());
        match change {
            Change::Set(info) => {
                tags.insert(name, info.clone());
            }
            Change::Remove if tags.remove(&name).is_none() => return Ok(()),
            Change::Remove => {}
        }
        if tags.len() > MAX_TAGS {
            return Err(Refusal::TooLarge(format!("a room may have {MAX_TAGS} tags")));
        }
        let content = serde_json::to_string(&TagEventContent::new(tags))?;
        account_data::put(tx, &caller.user_id, room, KIND, content).await
    }
}

/// The tags of a room.
///
/// # Errors
/// `Forbidden` for a room that the caller has nothing to do with.
pub async fn list(server: &Arc<Server>, caller: &Caller, room_id: OwnedRoomId) -> Result<Tags> {
    let user_id = caller.user_id.clone();
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let room = known_room(tx, &user_id, &room_id).await?;
            read(tx, &user_id, room).await
        })
    });
    reading.await
}

async fn read(tx: &mut Tx<'_>, user_id: &UserId, room: RoomNid) -> Result<Tags> {
    let data = tx.account_data_get(user_id, room, KIND).await?;
    // Clients may write m.tag as account data too; what can't be read is no tag.
    let content = data.and_then(|data| serde_json::from_str::<TagEventContent>(&data.content).ok());
    Ok(content.map(|content| content.tags).unwrap_or_default())
}
