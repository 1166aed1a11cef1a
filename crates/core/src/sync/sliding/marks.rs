//! What lists choose rooms by beside the rooms themselves: direct messages, tags and spaces.
//!
//! Clients write these as they like; what can't be read marks nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use rohrpost_store::{GLOBAL, RoomNid, StreamPos, Tx};
use ruma::{OwnedRoomId, RoomId, UserId, events::StateEventType};
use serde_json::Value;

use super::{
    config::Asked,
    index::{Index, Marks, Standing},
};
use crate::Result;

/// Rooms that account data may name, and children that a space may have; more are left out.
const MAX_NAMED: u32 = 5000;

/// The rooms for two, by `m.direct`.
pub(crate) async fn direct(tx: &mut Tx<'_>, user_id: &UserId) -> Result<Arc<BTreeSet<RoomNid>>> {
    let data = tx.account_data_get(user_id, GLOBAL, "m.direct").await?;
    let by_user =
        data.and_then(|data| serde_json::from_str::<BTreeMap<String, Vec<String>>>(&data.content).ok());
    let named: Vec<OwnedRoomId> = by_user
        .into_iter()
        .flatten()
        .flat_map(|(_, rooms)| rooms)
        .filter_map(|room| RoomId::parse(room).ok())
        .take(MAX_NAMED as usize)
        .collect();
    Ok(Arc::new(numbers(tx, &named).await?.into_iter().collect()))
}

/// What the lists ask for; of tags and spaces only as much as they name.
pub(crate) async fn read(
    tx: &mut Tx<'_>,
    user_id: &UserId,
    asked: &Asked,
    index: &Index,
    dms: Arc<BTreeSet<RoomNid>>,
    now: StreamPos,
) -> Result<Marks> {
    let mut marks = Marks {
        dms,
        ..Marks::default()
    };
    if has_tags(asked) {
        marks.tags = tags(tx, user_id, now).await?;
    }
    for (name, list) in &asked.lists {
        if let Some(spaces) = &list.filters.spaces {
            let children = children(tx, spaces, index).await?;
            marks.children.insert(name.clone(), children);
        }
    }
    Ok(marks)
}

/// Whether what the lists show depends on more than the rooms that changed and direct messages.
pub(crate) fn is_wide(asked: &Asked) -> bool {
    has_tags(asked) || asked.lists.values().any(|list| list.filters.spaces.is_some())
}

fn has_tags(asked: &Asked) -> bool {
    let mut filters = asked.lists.values().map(|list| &list.filters);
    filters.any(|filters| filters.tags.is_some() || !filters.not_tags.is_empty())
}

async fn tags(tx: &mut Tx<'_>, user_id: &UserId, now: StreamPos) -> Result<HashMap<RoomNid, Vec<String>>> {
    #[derive(serde::Deserialize)]
    struct Content {
        #[serde(default)]
        tags: BTreeMap<String, Value>,
    }
    let all = tx.account_data_list(user_id, StreamPos(i64::MIN), now).await?;
    let tags = all
        .into_iter()
        .filter(|data| data.kind == "m.tag")
        .filter_map(|data| {
            let content: Content = serde_json::from_str(&data.content).ok()?;
            Some((data.room, content.tags.into_keys().collect()))
        });
    Ok(tags.collect())
}

/// The rooms that joined spaces name. A space that the user isn't in counts as unknown.
async fn children(tx: &mut Tx<'_>, spaces: &[OwnedRoomId], index: &Index) -> Result<HashSet<RoomNid>> {
    let mut named = Vec::new();
    for space in numbers(tx, spaces).await? {
        if index
            .get(space)
            .is_none_or(|entry| entry.standing != Standing::Joined)
        {
            continue;
        }
        let events = tx
            .state_current_kind(space, &StateEventType::SpaceChild, MAX_NAMED)
            .await?;
        for row in tx.event_get_many(space, &events).await? {
            // A child without `via` was taken out.
            let has_via = serde_json::from_str::<Value>(&row.json)
                .is_ok_and(|event| event["content"]["via"].is_array());
            let child = row.state_key.filter(|_| has_via);
            named.extend(child.and_then(|child| RoomId::parse(child).ok()));
        }
    }
    Ok(numbers(tx, &named).await?.into_iter().collect())
}

async fn numbers(tx: &mut Tx<'_>, room_ids: &[OwnedRoomId]) -> Result<Vec<RoomNid>> {
    let room_ids: Vec<&RoomId> = room_ids.iter().map(|room_id| &**room_id).collect();
    let numbers = tx.room_numbers(&room_ids).await?;
    Ok(numbers.into_iter().map(|(_, room)| room).collect())
}
