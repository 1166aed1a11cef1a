//! Keeps events that are known as parts of a state or of an auth chain, without a place in the timeline.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use rohrpost_room::{
    Pdu,
    receive::{AuthEventsError, allowed_by, auth_state},
};
use rohrpost_store::{EventNid, EventStatus, NewEventRow, RoomNid, StateNid, Tx, Work};
use ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId, RoomVersionId};

use super::place::redact_early;
use crate::{Refusal, Result, Server, rooms::head::pdu};

/// Events that one unit of work keeps: others write in between.
const BATCH: usize = 500;

/// Keeps verified events of a room of which nothing but their auth events is to be known. Those that are known stay as
/// they are. Each is judged by its auth events; those of which an auth event isn't known are left out, since they may be
/// allowed later. Answers how many of them were kept.
///
/// # Errors
/// `Forbidden` as for any room that isn't known here.
pub(crate) async fn keep_outliers(
    server: &Arc<Server>,
    room_id: &RoomId,
    events: Vec<Arc<Pdu>>,
) -> Result<usize> {
    let ids: BTreeSet<OwnedEventId> = events.iter().map(|event| event.event_id().to_owned()).collect();
    let cited = events.iter().flat_map(|event| event.auth_events());
    let mut wanted: BTreeSet<OwnedEventId> = cited.filter(|id| !ids.contains(*id)).cloned().collect();
    if room_id.server_name().is_none()
        && let Ok(create) = EventId::parse(format!("${}", room_id.strip_sigil()))
    {
        wanted.insert(create);
    }
    let room = room_id.to_owned();
    let known = server.store.read(move |tx| {
        Box::pin(async move {
            let room = tx.room_get(&room).await?.ok_or_else(Refusal::not_in_room)?;
            let here = tx.event_numbers(room.nid, ids.iter().map(|id| &**id)).await?;
            let here: HashSet<OwnedEventId> = here.into_iter().map(|(id, _)| id).collect();
            // What is here needs no judgement, but others may stand on it.
            wanted.extend(here.iter().cloned());
            let mut known = HashMap::new();
            for row in tx.event_get_each(room.nid, wanted.iter().map(|id| &**id)).await? {
                let event = pdu(&room.room_id, &row)?;
                let event = event.with_rejected(row.status == EventStatus::Rejected);
                known.insert(row.event_id, Arc::new(event));
            }
            Ok::<_, Refusal>((room, here, known))
        })
    });
    let (room, here, known) = known.await?;
    let version = room.version.clone();
    let judging = move || {
        let new = events
            .into_iter()
            .filter(|event| !here.contains(event.event_id()));
        judge_all(&version, new.collect(), known)
    };
    let judged = tokio::task::spawn_blocking(judging)
        .await
        .map_err(|error| Refusal::Internal(error.to_string()))?;
    let count = judged.len();
    let judged: Arc<[Arc<Pdu>]> = judged.into();
    for from in (0..count).step_by(BATCH) {
        let unit = Keep {
            server: Arc::clone(server),
            room_id: room.room_id.clone(),
            room: room.nid,
            events: Arc::clone(&judged),
            from,
        };
        server.store.write(unit).await?;
    }
    Ok(count)
}

/// Judges events by their auth events, those first that others stand on.
fn judge_all(
    version: &RoomVersionId,
    events: Vec<Arc<Pdu>>,
    mut known: HashMap<OwnedEventId, Arc<Pdu>>,
) -> Vec<Arc<Pdu>> {
    let mut judged = Vec::with_capacity(events.len());
    for event in sorted(events) {
        let allowed = auth_state(&event, version, |id| known.get(id).cloned());
        let rejected = match allowed {
            Err(AuthEventsError::Missing(_)) => {
                tracing::debug!(event = %event.event_id(), "an auth event is missing");
                continue;
            }
            Err(AuthEventsError::Refused(_)) => true,
            Ok(auth) => allowed_by(&event, version, &auth).is_err(),
        };
        let event = match rejected {
            true => Arc::new(Pdu::clone(&event).with_rejected(true)),
            false => event,
        };
        known.insert(event.event_id().to_owned(), Arc::clone(&event));
        judged.push(event);
    }
    judged
}

/// Sorts events so that those come first that others stand on. What stands on itself is left out.
fn sorted(events: Vec<Arc<Pdu>>) -> Vec<Arc<Pdu>> {
    let mut waiting: HashMap<OwnedEventId, usize> = HashMap::new();
    let mut followers: HashMap<&EventId, Vec<&Arc<Pdu>>> = HashMap::new();
    let ids: HashSet<&EventId> = events.iter().map(|event| event.event_id()).collect();
    let mut ready: Vec<&Arc<Pdu>> = Vec::new();
    for event in &events {
        let cited: BTreeSet<&OwnedEventId> = event.auth_events().iter().collect();
        let cited = cited.into_iter().filter(|id| ids.contains(&***id));
        let mut count = 0;
        for id in cited {
            followers.entry(id).or_default().push(event);
            count += 1;
        }
        match count {
            0 => ready.push(event),
            _ => drop(waiting.insert(event.event_id().to_owned(), count)),
        }
    }
    let mut sorted = Vec::with_capacity(events.len());
    // In version 12 nobody cites the create event.
    ready.sort_by_key(|event| !event.prev_events().is_empty());
    let mut next: std::collections::VecDeque<_> = ready.into();
    while let Some(event) = next.pop_front() {
        sorted.push(Arc::clone(event));
        for follower in followers.remove(event.event_id()).unwrap_or_default() {
            if let Some(count) = waiting.get_mut(follower.event_id()) {
                *count -= 1;
                if *count == 0 {
                    next.push_back(follower);
                }
            }
        }
    }
    sorted
}

struct Keep {
    server: Arc<Server>,
    room_id: OwnedRoomId,
    room: RoomNid,
    events: Arc<[Arc<Pdu>]>,
    from: usize,
}

impl Work for Keep {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let mut head = self.server.heads.lock(tx, &self.room_id).await?;
        let batch = self.events.iter().skip(self.from).take(BATCH);
        let ids = batch.clone().map(|event| event.event_id());
        // Somebody else may have kept some of them meanwhile.
        let here = tx.event_numbers(self.room, ids).await?;
        let here: HashSet<OwnedEventId> = here.into_iter().map(|(id, _)| id).collect();
        let new: Vec<&Arc<Pdu>> = batch.filter(|event| !here.contains(event.event_id())).collect();
        if new.is_empty() {
            return Ok(());
        }
        let first = tx.pos_take(u32::try_from(new.len()).unwrap_or(u32::MAX)).await?;
        let kinds: Vec<String> = new.iter().map(|event| event.kind().to_string()).collect();
        let rows: Vec<NewEventRow<'_>> = (first.0..)
            .zip(new.iter().zip(&kinds))
            .map(|(number, (event, kind))| NewEventRow {
                nid: EventNid(number),
                event_id: event.event_id(),
                pos: None,
                kind,
                state_key: event.state_key(),
                sender: event.sender(),
                origin_server_ts: i64::from(event.origin_server_ts().0),
                state_before: StateNid::UNKNOWN,
                status: match event.is_rejected() {
                    true => EventStatus::Rejected,
                    false => EventStatus::Accepted,
                },
                txn: None,
                replaces: None,
                json: event.json(),
            })
            .collect();
        tx.event_insert_outliers(self.room, &rows).await?;
        let ids: Vec<&EventId> = new.iter().map(|event| event.event_id()).collect();
        for target in tx.early_redaction_targets(self.room, &ids).await? {
            redact_early(tx, &mut head, &target).await?;
        }
        Ok(())
    }
}
