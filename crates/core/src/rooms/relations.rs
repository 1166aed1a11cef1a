//! Reads the events that relate to an event.

use std::sync::Arc;

use rohrpost_room::Shape;
use rohrpost_store::{RelationQuery, StreamPos, Tx};
use ruma::{OwnedEventId, OwnedRoomId, api::Direction};
use serde_json::value::RawValue;

use crate::{
    Caller, Refusal, Result, Server,
    personal::ignored::Ignored,
    rooms::{
        access::{Access, Seen},
        head::Head,
        present::Viewer,
    },
    sync::token::SyncToken,
};

/// Events on one page when nobody says how many.
const DEFAULT_PAGE: usize = 50;
/// Events on one page at most.
const MAX_PAGE: usize = 100;
/// Events that are looked at for one page at most: bounds the work when the visibility hides many.
const MAX_SCANNED: usize = 1000;
/// Over how many relations a recursive request goes.
const MAX_DEPTH: u32 = 3;

/// The page that is wanted.
pub struct RelationsPage {
    /// The event that is related to.
    pub event_id: OwnedEventId,
    /// How the events relate; empty: in any way.
    pub rel_type: String,
    /// Of which type they are; empty: of any.
    pub kind: String,
    /// Also what relates to those that relate to the event.
    pub recurse: bool,
    /// Where it begins; `None`: at the newest event going back, at the oldest going forward.
    pub from: Option<SyncToken>,
    /// Where it ends at the latest.
    pub to: Option<SyncToken>,
    /// Which way.
    pub direction: Direction,
    /// How many events at most.
    pub limit: Option<usize>,
}

/// A page of events that relate to an event.
pub struct Relations {
    /// The events, in the direction that was asked for.
    pub chunk: Vec<Box<RawValue>>,
    /// Where the next page begins; `None`: there is nothing more.
    pub next_batch: Option<SyncToken>,
    /// Where this page begins; `None`: it is the first.
    pub prev_batch: Option<SyncToken>,
    /// Over how many relations it went, if that was asked for.
    pub recursion_depth: Option<u32>,
}

/// A page of the events that relate to an event, of those that the caller may see.
///
/// # Errors
/// `NotFound`, whether there is no such room or event or the caller may not see it.
pub async fn list(
    server: &Arc<Server>,
    caller: Caller,
    room_id: OwnedRoomId,
    page: RelationsPage,
) -> Result<Relations> {
    let (server_, now_ts) = (Arc::clone(server), server.now_ts());
    let not_found = || Refusal::not_found("this event was");
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let head = match server_.heads.read(tx, &room_id).await {
                    Err(Refusal::Forbidden(_)) => return Err(not_found()),
                    head => head?,
                };
                let user_id = &caller.user_id;
                let mut access = Access::of(tx, &head, user_id).await?;
                let row = tx.event_get(head.room.nid, &page.event_id).await?;
                let row = row.filter(|row| row.pos.is_some()).ok_or_else(not_found)?;
                access.see(tx, &head, user_id, row).await?.ok_or_else(not_found)?;

                let ignored = Ignored::of(tx, user_id).await?;
                let (seen, next_batch) = collect(tx, &head, &mut access, &caller, &ignored, &page).await?;
                let viewer = Viewer {
                    caller: &caller,
                    now_ts,
                    shape: Shape::WithRoomId,
                };
                Ok(Relations {
                    chunk: viewer.page(tx, &head, &mut access, &ignored, &seen).await?,
                    next_batch,
                    prev_batch: page.from,
                    recursion_depth: page.recurse.then_some(MAX_DEPTH),
                })
            })
        })
        .await
}

async fn collect(
    tx: &mut Tx<'_>,
    head: &Head,
    access: &mut Access,
    caller: &Caller,
    ignored: &Ignored,
    page: &RelationsPage,
) -> Result<(Vec<Seen>, Option<SyncToken>)> {
    let is_backward = page.direction == Direction::Backward;
    let limit = page.limit.unwrap_or(DEFAULT_PAGE).clamp(1, MAX_PAGE);
    let ask = u32::try_from(limit).unwrap_or(u32::MAX).saturating_add(1);
    let newest = head.room.last_pos;
    // A token stands between events: behind those up to its position.
    let (mut after, mut upto) = match is_backward {
        true => (page.to, page.from),
        false => (page.from, page.to),
    };
    let mut seen = Vec::new();
    let mut scanned = 0;
    loop {
        let wanted = RelationQuery {
            parent_id: &page.event_id,
            rel_type: &page.rel_type,
            kind: &page.kind,
            depth: if page.recurse { MAX_DEPTH } else { 1 },
            after: after.map_or(StreamPos(i64::MIN), |token| token.0),
            upto: upto.map_or(newest, |token| token.0),
            is_backward,
            limit: ask,
        };
        let nids = tx.relation_list(head.room.nid, &wanted).await?;
        let is_last = nids.len() < ask as usize;
        for row in tx.event_get_many(head.room.nid, &nids).await? {
            let Some(pos) = row.pos else { continue };
            if seen.len() == limit || scanned == MAX_SCANNED {
                let next = if is_backward { pos } else { StreamPos(pos.0 - 1) };
                return Ok((seen, Some(SyncToken(next))));
            }
            scanned += 1;
            match is_backward {
                true => upto = Some(SyncToken(StreamPos(pos.0 - 1))),
                false => after = Some(SyncToken(pos)),
            }
            if !ignored.hides(&row) {
                seen.extend(access.see(tx, head, &caller.user_id, row).await?);
            }
        }
        if is_last {
            return Ok((seen, None));
        }
    }
}
