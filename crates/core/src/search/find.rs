//! Finds messages by their words.
//!
//! Work is bounded: so many rooms, so many events in each, so many that are read. What lies behind is reached with the
//! token of the answer.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    str::FromStr,
    sync::Arc,
};

use rohrpost_store::{RoomNid, StreamPos, Tx};
use ruma::{
    OwnedRoomId,
    api::client::{
        filter::RoomEventFilter,
        search::search_events::v3::{OrderBy, SearchKeys},
    },
};

pub use super::present::{EventContext, FoundEvent, SearchAnswer};
use super::{
    present::present,
    words::{texts, words},
};
use crate::{
    Caller, Refusal, Result, Server,
    personal::ignored::Ignored,
    rooms::{
        access::{Access, Seen},
        head::{Head, pdu},
    },
    sync::filter::{EventFilter, lists_room},
};

/// Rooms of a user that are looked through for those that the filter names.
const MAX_ROOMS_LISTED: u32 = 5000;
/// Rooms that are searched: those where something happened last.
const MAX_ROOMS: usize = 200;
/// Events with one word that are looked at in one room.
const WINDOW: u32 = 1000;
/// Events that are read, and among which the order is made.
const MAX_READ: usize = 200;
/// Results of one answer when nobody says how many.
const DEFAULT_PAGE: usize = 10;
/// Results of one answer at most.
const MAX_PAGE: usize = 50;
/// Different words that count; more are left out.
const MAX_WORDS: usize = 16;
/// Words that the database looks for; the others are looked for in what it finds.
const WORDS_AT_ONCE: usize = 4;

/// What is searched for.
pub struct Search {
    /// Who searches.
    pub caller: Caller,
    /// The words, all of which must stand in an event.
    pub term: String,
    /// Where they may stand; `None`: everywhere.
    pub keys: Option<Vec<SearchKeys>>,
    /// Which events and rooms.
    pub filter: RoomEventFilter,
    /// The newest instead of the best first.
    pub is_recent: bool,
    /// How many events before and after each result, and whether with the names of their senders.
    pub context: Option<(u32, u32, bool)>,
    /// With the state of the rooms.
    pub include_state: bool,
    /// Where the answer begins.
    pub from: Option<SearchToken>,
}

/// Where an answer begins: among the events up to a position, behind so many results.
///
/// Written as both numbers with a point between. Clients treat it as opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchToken {
    upto: StreamPos,
    skip: usize,
}

impl fmt::Display for SearchToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.upto.0, self.skip)
    }
}

impl FromStr for SearchToken {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self> {
        let token = text.split_once('.').and_then(|(upto, skip)| {
            Some(Self {
                upto: StreamPos(upto.parse().ok()?),
                skip: skip.parse().ok()?,
            })
        });
        token.ok_or_else(|| Refusal::InvalidParam("next_batch is not a token of this server".to_owned()))
    }
}

/// An event that was found.
pub(super) struct Hit {
    pub(super) room: usize,
    pub(super) seen: Seen,
    pub(super) pos: StreamPos,
    pub(super) rank: f64,
}

/// A room in which something was found.
pub(super) struct FoundRoom {
    pub(super) head: Head,
    pub(super) access: Access,
}

/// Checks the order that was asked for: whether it is the newest first.
///
/// # Errors
/// `InvalidParam`.
pub fn is_recent(order: Option<&OrderBy>) -> Result<bool> {
    match order {
        None | Some(OrderBy::Rank) => Ok(false),
        Some(OrderBy::Recent) => Ok(true),
        Some(_) => Err(Refusal::InvalidParam(
            "order_by must be recent or rank".to_owned(),
        )),
    }
}

/// Messages, names and topics of rooms that were never encrypted, in which all words stand and which the caller
/// may see.
///
/// # Errors
/// Those of the store.
///
/// # Spec
/// [Server side search](https://spec.matrix.org/v1.19/client-server-api/#server-side-search)
pub async fn find(server: &Arc<Server>, search: Search) -> Result<SearchAnswer> {
    let mut wanted = Vec::new();
    for word in words(&search.term) {
        if wanted.len() < MAX_WORDS && !wanted.contains(&word) {
            wanted.push(word);
        }
    }
    if wanted.is_empty() {
        return Ok(SearchAnswer::default());
    }
    // Long words are rare ones.
    wanted.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| Box::pin(async move { run(&server_, tx, &search, wanted).await }))
        .await
}

async fn run(server: &Server, tx: &mut Tx<'_>, search: &Search, wanted: Vec<String>) -> Result<SearchAnswer> {
    let user_id = &search.caller.user_id;
    let filter = &search.filter;
    let mut rooms = tx.search_rooms(user_id, MAX_ROOMS_LISTED).await?;
    rooms.retain(|(_, room_id)| lists_room(filter.rooms.as_deref(), &filter.not_rooms, room_id));
    rooms.truncate(MAX_ROOMS);
    let token = match search.from {
        Some(token) => token,
        None => SearchToken {
            upto: tx.pos_now().await?,
            skip: 0,
        },
    };
    let nids: Vec<RoomNid> = rooms.iter().map(|(nid, _)| *nid).collect();
    let mut first = [""; WORDS_AT_ONCE];
    for (place, word) in first.iter_mut().zip(wanted.iter().cycle()) {
        *place = word;
    }
    let ask = u32::try_from(MAX_READ).unwrap_or(u32::MAX).saturating_add(1);
    let mut places = tx.search_find(&nids, first, token.upto, WINDOW, ask).await?;
    places.sort_by_key(|(_, pos)| std::cmp::Reverse(*pos));
    let has_more = places.len() > MAX_READ;
    places.truncate(MAX_READ);
    let end = places.last().map_or(token.upto, |(_, pos)| *pos);

    let (mut found_rooms, mut hits) = (Vec::new(), Vec::new());
    let ignored = Ignored::of(tx, user_id).await?;
    let mut by_room: BTreeMap<RoomNid, Vec<StreamPos>> = BTreeMap::new();
    for (room, pos) in places {
        by_room.entry(room).or_default().push(pos);
    }
    let room_ids: BTreeMap<RoomNid, OwnedRoomId> = rooms.into_iter().collect();
    for (room, places) in by_room {
        let Some(room_id) = room_ids.get(&room) else {
            continue;
        };
        let head = server.heads.read(tx, room_id).await?;
        let access = Access::of(tx, &head, user_id).await?;
        let mut found = FoundRoom { head, access };
        matches(
            tx,
            search,
            &ignored,
            &wanted,
            &mut found,
            found_rooms.len(),
            &places,
            &mut hits,
        )
        .await?;
        found_rooms.push(found);
    }
    hits.sort_by(|one, other| {
        let by_rank = match search.is_recent {
            true => std::cmp::Ordering::Equal,
            false => other.rank.total_cmp(&one.rank),
        };
        by_rank.then(other.pos.cmp(&one.pos))
    });

    let count = hits.len();
    let limit = filter
        .limit
        .map_or(DEFAULT_PAGE, |limit| usize::try_from(limit).unwrap_or(MAX_PAGE));
    let limit = limit.clamp(1, MAX_PAGE);
    let rest = count.saturating_sub(token.skip);
    let next = match (rest > limit, has_more) {
        (true, _) => Some(SearchToken {
            upto: token.upto,
            skip: token.skip + limit,
        }),
        (false, true) => Some(SearchToken {
            upto: StreamPos(end.0 - 1),
            skip: 0,
        }),
        (false, false) => None,
    };
    let page: Vec<Hit> = hits.into_iter().skip(token.skip).take(limit).collect();
    let mut answer = present(server, tx, search, &ignored, &mut found_rooms, page).await?;
    answer.count = count;
    answer.words = wanted;
    answer.next = next;
    Ok(answer)
}

/// Reads the events at these places of a room, and keeps those in which all words stand where they may.
#[expect(
    clippy::too_many_arguments,
    reason = "one call, and each argument is another thing that is looked at"
)]
async fn matches(
    tx: &mut Tx<'_>,
    search: &Search,
    ignored: &Ignored,
    wanted: &[String],
    found: &mut FoundRoom,
    room: usize,
    places: &[StreamPos],
    hits: &mut Vec<Hit>,
) -> Result<()> {
    let filter = EventFilter::of_room_events(&search.filter);
    for row in tx.event_get_at(found.head.room.nid, places).await? {
        let Some(pos) = row.pos else { continue };
        if !filter.allows(&row) || ignored.hides(&row) {
            continue;
        }
        let texts = texts(&pdu(&found.head.room.room_id, &row)?);
        let is_key = |key: &SearchKeys| search.keys.as_ref().is_none_or(|keys| keys.contains(key));
        let texts = texts.iter().filter(|(key, _)| is_key(key));
        let all: Vec<String> = texts.flat_map(|(_, text)| words(text)).collect();
        let Some(rank) = rank(wanted, &all) else { continue };
        let (head, access) = (&found.head, &mut found.access);
        if let Some(seen) = access.see(tx, head, &search.caller.user_id, row).await? {
            hits.push(Hit {
                room,
                seen,
                pos,
                rank,
            });
        }
    }
    Ok(())
}

/// How much of a text the wanted words are, from 0 to 1; `None` when one of them is missing.
fn rank(wanted: &[String], all: &[String]) -> Option<f64> {
    let set: HashSet<&String> = all.iter().collect();
    if !wanted.iter().all(|word| set.contains(word)) {
        return None;
    }
    let hits = all.iter().filter(|word| wanted.contains(word)).count();
    Some(hits as f64 / all.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::{SearchToken, rank};
    use rohrpost_store::StreamPos;

    fn list(words: &str) -> Vec<String> {
        words.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn all_words_must_stand_there_and_short_texts_come_first() {
        assert_eq!(rank(&list("a b"), &list("a c")), None);
        let (short, long) = (rank(&list("a"), &list("a b")), rank(&list("a"), &list("a b c")));
        assert!(short > long && long > Some(0.0));
    }

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let token = SearchToken {
            upto: StreamPos(7),
            skip: 20,
        };
        assert_eq!(token.to_string().parse::<SearchToken>().ok(), Some(token));
        for text in ["", "7", "7.", ".7", "x.y", "7.-1"] {
            assert!(text.parse::<SearchToken>().is_err(), "{text}");
        }
    }
}
