//! The rooms of a space, and of the spaces in it, as far as the caller may know of them.

use std::{cmp::Ordering, collections::HashSet, sync::Arc};

use rohrpost_store::Tx;
use ruma::{OwnedRoomId, UserId, events::TimelineEventType, room::RoomSummary};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    Caller, Refusal, Result, Server,
    rooms::{
        head::{Head, pdu},
        summary::{may_know, summary},
    },
};

/// Rooms on one page, unless the client wants fewer.
const MAX_PAGE: usize = 100;
/// Levels of spaces in spaces, unless the client wants fewer.
const MAX_DEPTH: u64 = 20;
/// Children of one space that are looked at.
const MAX_CHILDREN: u32 = 1000;
/// Rooms that one request looks at, whatever page it wants.
const MAX_ROOMS: usize = 2000;

/// The part of a space that is wanted.
pub struct Hierarchy {
    /// Who asks.
    pub caller: Caller,
    /// The space.
    pub room_id: OwnedRoomId,
    /// Where the page before ended.
    pub from: Option<String>,
    /// Rooms at most.
    pub limit: Option<u64>,
    /// Levels at most; the space itself is level 0.
    pub max_depth: Option<u64>,
    /// Only children that are marked as suggested.
    pub suggested_only: bool,
}

/// A room of the space.
pub struct Room {
    /// What it is.
    pub summary: RoomSummary,
    /// Its `m.space.child` events, stripped; none if it isn't a space.
    pub children: Vec<Box<RawValue>>,
}

/// A page of the space.
pub struct Page {
    /// The rooms, each space followed by what is in it.
    pub rooms: Vec<Room>,
    /// Where to go on; `None`: that was all.
    pub next: Option<String>,
}

/// Walks through a space.
///
/// # Errors
/// `Forbidden` when there is no such room or the caller may not know of it; `InvalidParam` for a token that isn't of
/// this walk.
///
/// # Spec
/// [Spaces](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy)
pub async fn get(server: &Arc<Server>, wanted: Hierarchy) -> Result<Page> {
    let max_depth = wanted.max_depth.unwrap_or(MAX_DEPTH).min(MAX_DEPTH);
    let kind = format!("{max_depth}{}", if wanted.suggested_only { "s" } else { "a" });
    let skip = match &wanted.from {
        Some(from) => skip(from, &kind).ok_or_else(|| {
            Refusal::InvalidParam(
                "from isn't of an answer with the same max_depth and suggested_only; please start again"
                    .to_owned(),
            )
        })?,
        None => 0,
    };
    let limit = wanted
        .limit
        .map_or(MAX_PAGE, |limit| usize::try_from(limit).unwrap_or(MAX_PAGE))
        .clamp(1, MAX_PAGE);
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let mut walk = Walk {
                    server: &server_,
                    user_id: &wanted.caller.user_id,
                    suggested_only: wanted.suggested_only,
                    stack: vec![(wanted.room_id.clone(), 0)],
                    seen: HashSet::new(),
                };
                let mut rooms = Vec::new();
                let mut number = 0;
                while let Some((mut head, children)) = walk.next(tx, max_depth).await? {
                    if number == skip + limit {
                        let next = Some(format!("{number}_{kind}"));
                        return Ok(Page { rooms, next });
                    }
                    if number >= skip {
                        let summary = summary(tx, &mut head).await?;
                        rooms.push(Room { summary, children });
                    }
                    number += 1;
                }
                if number == 0 {
                    return Err(Refusal::not_in_room());
                }
                Ok(Page { rooms, next: None })
            })
        })
        .await
}

/// How many rooms were on the pages before: the walk takes the same way again.
fn skip(from: &str, kind: &str) -> Option<usize> {
    let (number, of) = from.split_once('_')?;
    (of == kind)
        .then(|| number.parse().ok())
        .flatten()
        .filter(|number| *number <= MAX_ROOMS)
}

struct Walk<'a> {
    server: &'a Arc<Server>,
    user_id: &'a UserId,
    suggested_only: bool,
    /// What comes next, with its level.
    stack: Vec<(OwnedRoomId, u64)>,
    seen: HashSet<OwnedRoomId>,
}

impl Walk<'_> {
    /// The next room that the user may know of, with its children.
    async fn next(&mut self, tx: &mut Tx<'_>, max_depth: u64) -> Result<Option<(Head, Vec<Box<RawValue>>)>> {
        while let Some((room_id, depth)) = self.stack.pop() {
            if self.seen.len() >= MAX_ROOMS || !self.seen.insert(room_id.clone()) {
                continue;
            }
            let Some(mut head) = self.server.heads.peek(tx, &room_id).await? else {
                continue;
            };
            if !may_know(tx, &mut head, self.user_id).await? {
                continue;
            }
            let children = match head.room.kind.as_deref() {
                Some("m.space") => children(tx, &head, self.suggested_only).await?,
                _ => Vec::new(),
            };
            if depth < max_depth {
                let below = children
                    .iter()
                    .rev()
                    .map(|child| (child.room_id.clone(), depth + 1));
                self.stack.extend(below);
            }
            let children = children.into_iter().map(|child| child.event).collect();
            return Ok(Some((head, children)));
        }
        Ok(None)
    }
}

/// The children of a space in their order, each with its `m.space.child` event, stripped.
pub(crate) async fn children(tx: &mut Tx<'_>, space: &Head, suggested_only: bool) -> Result<Vec<Child>> {
    let rows = tx
        .event_list_current(space.room.nid, "m.space.child", MAX_CHILDREN)
        .await?;
    let mut children = Vec::with_capacity(rows.len());
    for row in &rows {
        let event = pdu(&space.room.room_id, row)?;
        let Ok(content) = event.content_as::<ChildContent>() else {
            continue;
        };
        let room_id = event.state_key().and_then(|key| OwnedRoomId::try_from(key).ok());
        let Some(room_id) = room_id.filter(|_| !content.via.is_empty()) else {
            continue;
        };
        if suggested_only && !content.suggested {
            continue;
        }
        let stripped = Stripped {
            kind: event.kind(),
            state_key: &room_id,
            sender: event.sender(),
            content: event.content(),
            origin_server_ts: event.origin_server_ts().0.into(),
        };
        children.push(Child {
            event: to_raw_value(&stripped)?,
            order: content.order.filter(|order| is_order(order)),
            ts: stripped.origin_server_ts,
            room_id,
        });
    }
    children.sort_by(Child::compare);
    Ok(children)
}

/// A room in a space.
pub(crate) struct Child {
    pub(crate) room_id: OwnedRoomId,
    order: Option<String>,
    ts: i64,
    /// The event that says so, stripped.
    pub(crate) event: Box<RawValue>,
}

impl Child {
    /// <https://spec.matrix.org/v1.19/client-server-api/#ordering-of-children-within-a-space>
    fn compare(&self, other: &Self) -> Ordering {
        // Those without an order come last.
        let orders = match (&self.order, &other.order) {
            (Some(one), Some(two)) => one.cmp(two),
            (one, two) => two.is_some().cmp(&one.is_some()),
        };
        orders
            .then(self.ts.cmp(&other.ts))
            .then_with(|| self.room_id.cmp(&other.room_id))
    }
}

/// "Must consist of ASCII characters within the range \x20 and \x7E, and must not exceed 50 characters."
fn is_order(order: &str) -> bool {
    order.len() <= 50 && order.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

#[derive(Deserialize)]
struct ChildContent {
    via: Vec<String>,
    #[serde(default)]
    suggested: bool,
    #[serde(default)]
    order: Option<String>,
}

#[derive(Serialize)]
struct Stripped<'a> {
    #[serde(rename = "type")]
    kind: &'a TimelineEventType,
    state_key: &'a OwnedRoomId,
    sender: &'a UserId,
    content: &'a RawValue,
    origin_server_ts: i64,
}

#[cfg(test)]
mod tests {
    use serde_json::value::to_raw_value;

    use super::{Child, is_order, skip};

    #[test]
    fn children_with_an_order_come_first() {
        let child = |room: &str, order: Option<&str>, ts| Child {
            room_id: format!("!{room}:example.org").try_into().expect("a room id"),
            order: order.map(ToOwned::to_owned),
            ts,
            event: to_raw_value(&()).expect("JSON"),
        };
        let mut children = [
            child("d", None, 2),
            child("c", None, 1),
            child("a", None, 2),
            child("e", Some("b"), 9),
            child("b", Some("a"), 9),
        ];
        children.sort_by(Child::compare);
        let order = children.map(|child| child.room_id.to_string().chars().nth(1));
        assert_eq!(order, ['b', 'e', 'c', 'a', 'd'].map(Some));
    }

    #[test]
    fn an_order_is_short_and_printable() {
        assert!(is_order("") && is_order("~ a"));
        assert!(!is_order("\u{7f}") && !is_order("ä") && !is_order(&"a".repeat(51)));
    }

    #[test]
    fn a_token_belongs_to_one_kind_of_walk() {
        assert_eq!(skip("40_5a", "5a"), Some(40));
        for wrong in ["40_5s", "40", "_5a", "-1_5a", "99999999_5a", "x_5a"] {
            assert_eq!(skip(wrong, "5a"), None, "{wrong}");
        }
    }
}
