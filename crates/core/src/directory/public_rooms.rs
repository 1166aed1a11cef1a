//! The list of public rooms of this server.

use std::sync::Arc;

use rohrpost_store::{Listing, RoomRow, Tx};
use ruma::{
    OwnedServerName, RoomAliasId, UInt,
    directory::{Filter, PublicRoomsChunk, PublicRoomsChunkInit, RoomNetwork},
    events::room::{guest_access::GuestAccess, history_visibility::HistoryVisibility},
    room::JoinRuleKind,
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{Refusal, Result, Server, appservices::third_party, federation};

/// Rooms in one answer.
pub(crate) const MAX_ROOMS: usize = 100;
/// Rooms that are looked at in one go.
const AT_ONCE: u32 = 100;
/// Rooms that are looked at for one answer; a filter that fits few rooms gets them in several answers.
const MAX_LOOKED_AT: u32 = 2000;

/// Which rooms are asked for.
#[derive(Default)]
pub struct PublicRooms {
    /// Whose list.
    pub server: Option<OwnedServerName>,
    /// How many at most.
    pub limit: Option<u64>,
    /// Where the answer before ended.
    pub since: Option<String>,
    /// Which of them.
    pub filter: Filter,
    /// Of which network: this server's own list, all lists, or the `instance_id` of an application service's network.
    pub network: RoomNetwork,
}

/// A part of the list, largest rooms first.
pub struct Page {
    /// The rooms.
    pub rooms: Vec<PublicRoomsChunk>,
    /// Where to go on; `None`: that was all.
    pub next: Option<String>,
    /// Where to go back to.
    pub prev: Option<String>,
    /// How many rooms are listed in all.
    pub total: u64,
}

/// Lists public rooms.
///
/// # Errors
/// `Forbidden` for the list of a server that isn't spoken with, `InvalidParam` for a token that isn't one.
///
/// # Spec
/// [Listing rooms](https://spec.matrix.org/v1.19/client-server-api/#listing-rooms)
pub async fn list(server: &Arc<Server>, mut wanted: PublicRooms) -> Result<Page> {
    if let Some(other) = wanted.server.take()
        && other != server.name()
    {
        return federation::public_rooms::fetch(server, other, wanted).await;
    }
    let offset = match &wanted.since {
        Some(since) => since
            .parse()
            .map_err(|_| Refusal::InvalidParam("since isn't a token of this list".to_owned()))?,
        None => 0,
    };
    let limit = wanted
        .limit
        .map_or(MAX_ROOMS, |limit| usize::try_from(limit).unwrap_or(MAX_ROOMS))
        .clamp(1, MAX_ROOMS);
    let instance = match &wanted.network {
        RoomNetwork::ThirdParty(instance) => match third_party::instance(server, instance) {
            Some((service, network)) => Some((Arc::clone(&service.id), network.to_owned())),
            None => {
                return Ok(Page {
                    rooms: Vec::new(),
                    next: None,
                    prev: None,
                    total: 0,
                });
            }
        },
        _ => None,
    };
    let all = wanted.network == RoomNetwork::All;
    let filter = wanted.filter;
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let list = match &instance {
                    Some((service, network)) => Listing::Network { service, network },
                    None if all => Listing::All,
                    None => Listing::Own,
                };
                page(tx, list, offset, limit, &filter).await
            })
        })
        .await
}

async fn page(
    tx: &mut Tx<'_>,
    list: Listing<'_>,
    offset: u32,
    limit: usize,
    filter: &Filter,
) -> Result<Page> {
    let total = u64::try_from(tx.directory_count(list).await?).unwrap_or(0);
    let mut rooms = Vec::new();
    let mut at = offset;
    let mut next = None;
    'pages: while at < offset.saturating_add(MAX_LOOKED_AT) {
        let rows = tx.room_list_public(list, at, AT_ONCE).await?;
        let is_last = rows.len() < AT_ONCE as usize;
        let nids: Vec<_> = rows.iter().map(|(room, _)| room.nid).collect();
        let states = tx.directory_state(&nids, KINDS).await?;
        for ((room, joined), state) in rows.iter().zip(&states) {
            if rooms.len() == limit {
                next = Some(at);
                break 'pages;
            }
            at += 1;
            let room = chunk(room, *joined, state);
            if fits(&room, filter) {
                rooms.push(room);
            }
        }
        if is_last {
            next = None;
            break;
        }
        next = Some(at);
    }
    let back = u32::try_from(limit).unwrap_or(u32::MAX);
    let prev = (offset > 0).then(|| offset.saturating_sub(back).to_string());
    Ok(Page {
        rooms,
        next: next.map(|next| next.to_string()),
        prev,
        total,
    })
}

/// The state that the list shows. The create event's type stands in the room's row.
const KINDS: [&str; 8] = [
    "m.room.name",
    "m.room.topic",
    "m.room.canonical_alias",
    "m.room.avatar",
    "m.room.join_rules",
    "m.room.history_visibility",
    "m.room.guest_access",
    "m.room.tombstone",
];

fn chunk(room: &RoomRow, joined: i64, state: &[(String, String)]) -> PublicRoomsChunk {
    #[derive(Deserialize)]
    struct Name {
        name: String,
    }
    #[derive(Deserialize)]
    struct Topic {
        topic: String,
    }
    #[derive(Deserialize)]
    struct Alias {
        alias: Option<ruma::OwnedRoomAliasId>,
    }
    #[derive(Deserialize)]
    struct Avatar {
        url: Option<ruma::OwnedMxcUri>,
    }
    #[derive(Deserialize)]
    struct JoinRules {
        join_rule: JoinRuleKind,
    }
    #[derive(Deserialize)]
    struct Visibility {
        history_visibility: HistoryVisibility,
    }
    #[derive(Deserialize)]
    struct Guests {
        guest_access: GuestAccess,
    }
    let visibility = content::<Visibility>(state, "m.room.history_visibility");
    let guests = content::<Guests>(state, "m.room.guest_access");
    let init = PublicRoomsChunkInit {
        num_joined_members: UInt::new_saturating(u64::try_from(joined).unwrap_or(0)),
        room_id: room.room_id.clone(),
        world_readable: visibility
            .is_some_and(|it| it.history_visibility == HistoryVisibility::WorldReadable),
        guest_can_join: guests.is_some_and(|it| it.guest_access == GuestAccess::CanJoin),
    };
    let mut chunk = PublicRoomsChunk::from(init);
    chunk.name = content::<Name>(state, "m.room.name")
        .map(|it| it.name)
        .filter(|name| !name.is_empty());
    chunk.topic = content::<Topic>(state, "m.room.topic")
        .map(|it| it.topic)
        .filter(|topic| !topic.is_empty());
    chunk.canonical_alias = content::<Alias>(state, "m.room.canonical_alias").and_then(|it| it.alias);
    chunk.avatar_url = content::<Avatar>(state, "m.room.avatar").and_then(|it| it.url);
    chunk.join_rule =
        content::<JoinRules>(state, "m.room.join_rules").map_or(JoinRuleKind::Invite, |it| it.join_rule);
    chunk.room_type = room.kind.as_deref().map(Into::into);
    chunk
}

/// The content of the event of this type. What members wrote there may be anything; what can't be read isn't there.
fn content<T: DeserializeOwned>(state: &[(String, String)], kind: &str) -> Option<T> {
    #[derive(Deserialize)]
    struct Event<T> {
        content: T,
    }
    let (_, json) = state.iter().find(|(other, _)| other == kind)?;
    serde_json::from_str::<Event<T>>(json)
        .ok()
        .map(|event| event.content)
}

fn fits(room: &PublicRoomsChunk, filter: &Filter) -> bool {
    let kind = room.room_type.as_ref().map(|kind| kind.as_str());
    if !filter.room_types.is_empty() && !filter.room_types.iter().any(|wanted| wanted.as_str() == kind) {
        return false;
    }
    let Some(term) = filter.generic_search_term.as_deref() else {
        return true;
    };
    let term = term.to_lowercase();
    let alias = room.canonical_alias.as_deref().map(RoomAliasId::as_str);
    let texts = [room.name.as_deref(), room.topic.as_deref(), alias];
    texts
        .into_iter()
        .flatten()
        .any(|text| text.to_lowercase().contains(&term))
}
