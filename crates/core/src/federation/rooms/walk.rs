//! Walks back through a room, from event to the events before it.

use std::{
    collections::{BinaryHeap, HashMap, HashSet},
    mem,
};

use rohrpost_store::{EventRow, EventStatus, StreamPos, Tx};
use ruma::{EventId, OwnedEventId};
use serde::Deserialize;

use crate::{Result, rooms::head::Head};

/// Events that a walk begins with at most.
pub(super) const MAX_STARTS: usize = 20;
/// Events that one walk looks at, of which those that were rejected or soft failed are given to nobody.
const MAX_STEPS: usize = 1000;
/// Events of the timeline that are read ahead.
const PAGE: u32 = 100;

/// A walk that is wanted.
pub(super) struct Walk<'a> {
    /// Where it begins; what isn't in the room's timeline is left aside.
    pub(super) starts: &'a [OwnedEventId],
    /// Whether the first events are wanted, too.
    pub(super) with_starts: bool,
    /// Events that aren't wanted, nor what is behind them.
    pub(super) but: HashSet<OwnedEventId>,
    /// Events of a smaller depth aren't wanted.
    pub(super) min_depth: u64,
    /// How many events at most.
    pub(super) limit: usize,
}

/// The place of an event in the graph.
#[derive(Deserialize)]
struct Links {
    depth: u64,
    prev_events: Vec<OwnedEventId>,
}

/// What is to be visited, deepest and newest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    depth: u64,
    pos: StreamPos,
    event_id: OwnedEventId,
}

impl Walk<'_> {
    /// The events, newest first: only accepted ones of the timeline.
    pub(super) async fn back(self, tx: &mut Tx<'_>, head: &Head) -> Result<Vec<EventRow>> {
        let starts = &self.starts[..self.starts.len().min(MAX_STARTS)];
        let mut ahead = Ahead::default();
        let rows = ahead.take(tx, head, starts).await?;
        let mut seen: HashSet<OwnedEventId> = self.but;
        let mut wanted = Vec::new();
        let mut visits = Visits::default();
        for row in rows {
            if seen.insert(row.event_id.clone()) {
                visits.push(row)?;
            }
        }
        for _ in 0..MAX_STEPS {
            let Some((row, links)) = visits.pop() else { break };
            if links.depth < self.min_depth {
                continue;
            }
            let prev: Vec<OwnedEventId> = links
                .prev_events
                .into_iter()
                .filter(|id| seen.insert(id.clone()))
                .collect();
            let is_start = starts.contains(&row.event_id);
            if row.status == EventStatus::Accepted && (self.with_starts || !is_start) {
                wanted.push(row);
                if wanted.len() == self.limit {
                    break;
                }
            }
            for row in ahead.take(tx, head, &prev).await? {
                visits.push(row)?;
            }
        }
        Ok(wanted)
    }
}

#[derive(Default)]
struct Visits {
    order: BinaryHeap<Step>,
    rows: HashMap<OwnedEventId, (EventRow, Links)>,
}

impl Visits {
    fn push(&mut self, row: EventRow) -> Result<()> {
        let links: Links = serde_json::from_str(&row.json)?;
        self.order.push(Step {
            depth: links.depth,
            pos: row.pos.unwrap_or_default(),
            event_id: row.event_id.clone(),
        });
        self.rows.insert(row.event_id.clone(), (row, links));
        Ok(())
    }

    fn pop(&mut self) -> Option<(EventRow, Links)> {
        self.rows.remove(&self.order.pop()?.event_id)
    }
}

/// Events that were read ahead: what comes before an event mostly stands before it in the timeline, too.
#[derive(Default)]
struct Ahead {
    rows: HashMap<OwnedEventId, EventRow>,
}

impl Ahead {
    /// Events by their ids; unknown ones, and those of which only the content is known, are left out.
    async fn take(&mut self, tx: &mut Tx<'_>, head: &Head, ids: &[OwnedEventId]) -> Result<Vec<EventRow>> {
        let mut found = Vec::with_capacity(ids.len());
        let mut missing: Vec<&EventId> = Vec::new();
        for id in ids {
            match self.rows.remove(id) {
                Some(row) => found.push(row),
                None => missing.push(id),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let read = tx.event_get_each(head.room.nid, missing).await?;
        if let Some(newest) = read.iter().filter_map(|row| row.pos).max() {
            let before = StreamPos(newest.0.saturating_sub(1));
            let page = tx
                .event_list_back(head.room.nid, StreamPos(i64::MIN), before, PAGE)
                .await?;
            let page = page.into_iter().map(|row| (row.event_id.clone(), row));
            // What was read ahead before and not used since is far from where the walk is now.
            drop(mem::replace(&mut self.rows, page.collect()));
        }
        // What wasn't let in has no place; what was before it may.
        let is_part = |row: &EventRow| row.pos.is_some() || row.status != EventStatus::Accepted;
        found.extend(read.into_iter().filter(is_part));
        Ok(found)
    }
}
