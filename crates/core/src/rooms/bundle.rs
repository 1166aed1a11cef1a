//! What is told together with an event about the events that relate to it: its thread, its newest replacement, and
//! what references it.
//!
//! Derived for a whole page at once when somebody asks; nothing of it is kept. State events have none.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events>

use std::collections::{BTreeMap, HashMap, HashSet};

use rohrpost_store::{EventNid, EventRow, StreamPos, ThreadPart, Tx};
use ruma::{EventId, OwnedEventId, UserId};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    Result,
    personal::ignored::Ignored,
    rooms::{
        access::{Access, Seen},
        head::Head,
        present::Viewer,
        relation::{REPLACE, relation},
    },
};

/// Events of a thread that are looked at where not all of it can be seen; more aren't counted.
const MAX_LOOKED_AT: u32 = 100;
/// References that are told of one event.
const MAX_REFERENCES: usize = 100;

/// What is told together with events, by the number of the event.
pub(crate) type Bundles = HashMap<EventNid, Box<RawValue>>;

#[derive(Serialize)]
struct Bundle<'a> {
    #[serde(rename = "m.thread", skip_serializing_if = "Option::is_none")]
    thread: Option<Thread>,
    #[serde(rename = "m.replace", skip_serializing_if = "Option::is_none")]
    replace: Option<Box<RawValue>>,
    #[serde(rename = "m.reference", skip_serializing_if = "Option::is_none")]
    reference: Option<References<'a>>,
}

#[derive(Serialize)]
struct Thread {
    latest_event: Box<RawValue>,
    count: i64,
    current_user_participated: bool,
}

#[derive(Serialize)]
struct References<'a> {
    chunk: Vec<Reference<'a>>,
}

#[derive(Serialize)]
struct Reference<'a> {
    event_id: &'a EventId,
}

/// A thread as the caller may see it.
pub(crate) struct Summary {
    latest: StreamPos,
    count: i64,
    has_own: bool,
}

/// Whom the bundles are for, and what they may see.
struct Bundler<'a> {
    viewer: &'a Viewer<'a>,
    head: &'a Head,
    ignored: &'a Ignored,
}

/// What is told together with these events, which the caller was found to see.
pub(crate) async fn bundle(
    viewer: &Viewer<'_>,
    tx: &mut Tx<'_>,
    head: &Head,
    access: &mut Access,
    ignored: &Ignored,
    seen: &[Seen],
) -> Result<Bundles> {
    let rows: Vec<&EventRow> = seen.iter().map(|seen| &seen.row).collect();
    let rows: Vec<&EventRow> = rows.into_iter().filter(|row| row.state_key.is_none()).collect();
    if rows.is_empty() {
        return Ok(Bundles::new());
    }
    let bundler = Bundler {
        viewer,
        head,
        ignored,
    };
    let user_id = &viewer.caller.user_id;
    let summaries = summaries(tx, head, access, ignored, user_id, &rows).await?;
    let places: Vec<StreamPos> = summaries.values().map(|summary| summary.latest).collect();
    let latest = tx.event_get_at(head.room.nid, &places).await?;
    let latest = access.filter(tx, head, user_id, latest).await?;

    // The newest events of threads have replacements and references as well, but no threads.
    let mut all = rows.clone();
    all.extend(latest.iter().map(|latest| &latest.row));
    let mut replacements = bundler.replacements(tx, access, &all).await?;
    let references = bundler.references(tx, access, &all).await?;
    let mut newest = HashMap::new();
    for Seen { row, membership } in latest {
        let bundle = Bundle {
            thread: None,
            replace: replacements.get(&row.event_id).cloned(),
            reference: chunk(&references, &row.event_id),
        };
        let event = viewer
            .event_with(tx, head, &row, Some(membership), bundle.write()?)
            .await?;
        newest.extend(row.pos.map(|pos| (pos, event)));
    }

    let mut bundles = Bundles::new();
    for row in rows {
        let summary = summaries.get(&row.event_id);
        let thread = summary.and_then(|summary| {
            Some(Thread {
                latest_event: newest.get(&summary.latest)?.clone(),
                count: summary.count,
                current_user_participated: summary.has_own || row.sender == *user_id,
            })
        });
        let bundle = Bundle {
            thread,
            replace: replacements.remove(&row.event_id),
            reference: chunk(&references, &row.event_id),
        };
        bundles.extend(bundle.write()?.map(|bundle| (row.nid, bundle)));
    }
    Ok(bundles)
}

impl Bundle<'_> {
    fn write(&self) -> Result<Option<Box<RawValue>>> {
        if self.thread.is_none() && self.replace.is_none() && self.reference.is_none() {
            return Ok(None);
        }
        Ok(Some(to_raw_value(self)?))
    }
}

fn chunk<'a>(
    references: &'a HashMap<OwnedEventId, Vec<OwnedEventId>>,
    event_id: &EventId,
) -> Option<References<'a>> {
    let chunk = references.get(event_id)?.iter();
    Some(References {
        chunk: chunk.map(|event_id| Reference { event_id }).collect(),
    })
}

/// The threads of those of these events that have one, as far as the caller may see it.
pub(crate) async fn summaries(
    tx: &mut Tx<'_>,
    head: &Head,
    access: &mut Access,
    ignored: &Ignored,
    user_id: &UserId,
    roots: &[&EventRow],
) -> Result<BTreeMap<OwnedEventId, Summary>> {
    let ids: Vec<&EventId> = roots.iter().map(|row| &*row.event_id).collect();
    let mut by_root: HashMap<OwnedEventId, Vec<ThreadPart>> = HashMap::new();
    for part in tx.relation_thread_parts(head.room.nid, &ids).await? {
        by_root.entry(part.root_id.clone()).or_default().push(part);
    }
    let mut summaries = BTreeMap::new();
    for root in roots {
        let Some(mut parts) = by_root.remove(&root.event_id) else {
            continue;
        };
        let pos = root.pos.unwrap_or(StreamPos(i64::MIN));
        if !access.sees_all_from(tx, head, pos).await? {
            parts = visible_parts(tx, head, access, user_id, &root.event_id).await?;
        }
        // "It does not include events sent by ignored users."
        parts.retain(|part| !ignored.contains(&part.sender));
        let Some(latest) = parts.iter().map(|part| part.last).max() else {
            continue;
        };
        let summary = Summary {
            latest,
            count: parts.iter().map(|part| part.count).sum(),
            has_own: parts.iter().any(|part| part.sender == *user_id),
        };
        summaries.insert(root.event_id.clone(), summary);
    }
    Ok(summaries)
}

/// The newest events of a thread, those that the user may see.
async fn visible_parts(
    tx: &mut Tx<'_>,
    head: &Head,
    access: &mut Access,
    user_id: &UserId,
    root_id: &EventId,
) -> Result<Vec<ThreadPart>> {
    let newest = tx
        .relation_thread_newest(head.room.nid, root_id, MAX_LOOKED_AT)
        .await?;
    let mut parts = Vec::new();
    for child in newest {
        if access
            .sees_message(tx, head, user_id, child.pos, child.state_before)
            .await?
        {
            parts.push(ThreadPart {
                root_id: child.parent_id,
                sender: child.sender,
                count: 1,
                last: child.pos,
            });
        }
    }
    Ok(parts)
}

impl Bundler<'_> {
    /// The newest valid replacements of these events, in the client format.
    async fn replacements(
        &self,
        tx: &mut Tx<'_>,
        access: &mut Access,
        rows: &[&EventRow],
    ) -> Result<HashMap<OwnedEventId, Box<RawValue>>> {
        let ids: Vec<&EventId> = rows.iter().map(|row| &*row.event_id).collect();
        let mut found = tx.relation_replacements(self.head.room.nid, &ids).await?;
        if found.is_empty() {
            return Ok(HashMap::new());
        }
        // "The original event must not, itself, have a rel_type of m.replace."
        let replaceable = |row: &&&EventRow| relation(&row.json).rel_type.as_deref() != Some(REPLACE);
        let replaceable: HashSet<&EventId> = rows
            .iter()
            .filter(replaceable)
            .map(|row| &*row.event_id)
            .collect();
        found.retain(|(parent_id, _)| replaceable.contains(&**parent_id));
        let nids: Vec<EventNid> = found.iter().map(|(_, nid)| *nid).collect();
        let mut by_nid = HashMap::new();
        for row in tx.event_get_many(self.head.room.nid, &nids).await? {
            let user_id = &self.viewer.caller.user_id;
            let Some(Seen { row, membership }) = access.see(tx, self.head, user_id, row).await? else {
                continue;
            };
            let event = self.viewer.event(tx, self.head, &row, Some(membership)).await?;
            by_nid.insert(row.nid, event);
        }
        let found = found.into_iter();
        Ok(found
            .filter_map(|(parent_id, nid)| Some((parent_id, by_nid.remove(&nid)?)))
            .collect())
    }

    /// The ids of the events that reference these.
    async fn references(
        &self,
        tx: &mut Tx<'_>,
        access: &mut Access,
        rows: &[&EventRow],
    ) -> Result<HashMap<OwnedEventId, Vec<OwnedEventId>>> {
        let ids: Vec<&EventId> = rows.iter().map(|row| &*row.event_id).collect();
        let mut references: HashMap<OwnedEventId, Vec<OwnedEventId>> = HashMap::new();
        for child in tx.relation_references(self.head.room.nid, &ids).await? {
            let user_id = &self.viewer.caller.user_id;
            if self.ignored.contains(&child.sender)
                || !access
                    .sees_message(tx, self.head, user_id, child.pos, child.state_before)
                    .await?
            {
                continue;
            }
            let chunk = references.entry(child.parent_id).or_default();
            if chunk.len() < MAX_REFERENCES {
                chunk.push(child.event_id);
            }
        }
        Ok(references)
    }
}
