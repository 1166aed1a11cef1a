//! Auth events that aren't known, and events that are asked for one by one.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use rohrpost_room::{
    Pdu,
    receive::{Unverified, read},
};
use rohrpost_store::RoomRow;
use ruma::{
    OwnedEventId, OwnedServerName,
    api::federation::{authorization::get_event_authorization, event::get_event},
};

use super::{Asking, MAX_BYTES, TIMEOUT};
use crate::{
    Result, Server,
    federation::{accept::keep_outliers, verify::verify},
};

/// Events that an auth chain may bring.
const MAX_CHAIN: usize = 20_000;
/// Events that are asked for one by one, for one that was sent.
const MAX_SINGLE: usize = 200;
/// How many of them at the same time.
const SINGLE_AT_ONCE: usize = 8;

impl Asking<'_> {
    /// Fetches what an event cites, with what that stands on.
    pub(super) async fn fetch_auth(&mut self, event: &Pdu, missing: Vec<OwnedEventId>) -> Result<()> {
        let now_ts = self.server.now_ts();
        let unobtainable = &self.server.incoming.unobtainable;
        if missing.iter().any(|id| unobtainable.has(self.from, id, now_ts)) || !self.may_ask() {
            return Ok(());
        }
        let (room_id, event_id) = (self.room.room_id.clone(), event.event_id().to_owned());
        let request = get_event_authorization::v1::Request::new(room_id, event_id);
        let answer = self
            .server
            .ask_within(self.from, request, (MAX_BYTES, TIMEOUT))
            .await;
        match answer {
            Ok(answer) => {
                let chain = self.read(answer.auth_chain.into_iter().take(MAX_CHAIN));
                self.keep_cited(&missing, chain).await?;
            }
            Err(error) => tracing::debug!(%error, "an auth chain can't be fetched"),
        }
        let left = self.unknown(&missing.into_iter().collect()).await?;
        if !left.is_empty() {
            self.fetch_single(&left).await?;
        }
        for id in self.unknown(&left).await? {
            unobtainable.put(self.from, id, now_ts);
        }
        Ok(())
    }

    /// Keeps those of these events that are wanted, and those that they stand on.
    async fn keep_cited(&self, wanted: &[OwnedEventId], events: Vec<Unverified>) -> Result<()> {
        let mut by_id: HashMap<OwnedEventId, Unverified> = events
            .into_iter()
            .map(|event| (event.event_id().to_owned(), event))
            .collect();
        let mut cited = Vec::new();
        let mut next = wanted.to_vec();
        // In version 12 nobody cites the create event.
        next.extend(
            by_id
                .values()
                .filter(|event| event.kind() == "m.room.create")
                .map(|event| event.event_id().to_owned()),
        );
        while let Some(id) = next.pop() {
            if let Some(found) = by_id.remove(&id) {
                next.extend(found.auth_events());
                cited.push(found);
            }
        }
        self.keep(cited).await
    }

    /// Verifies events and keeps them, without a place in the timeline.
    pub(super) async fn keep(&self, events: Vec<Unverified>) -> Result<()> {
        let verified = verify(self.server, events).await?;
        let events = verified.into_iter().map(|received| Arc::new(received.pdu));
        keep_outliers(self.server, &self.room.room_id, events.collect()).await?;
        Ok(())
    }

    /// Fetches events one by one and keeps them.
    pub(super) async fn fetch_single(&self, ids: &BTreeSet<OwnedEventId>) -> Result<()> {
        let wanted: Vec<OwnedEventId> = ids.iter().take(MAX_SINGLE).cloned().collect();
        let fetching = stream::iter(wanted).map(|id| {
            let (server, room) = (Arc::clone(self.server), self.room.clone());
            fetch_event(server, self.from.to_owned(), room, id).boxed()
        });
        let fetched: Vec<Option<Unverified>> = fetching.buffer_unordered(SINGLE_AT_ONCE).collect().await;
        self.keep(fetched.into_iter().flatten().collect()).await
    }
}

/// Fetches one event: of this room, and with this id.
async fn fetch_event(
    server: Arc<Server>,
    from: OwnedServerName,
    room: RoomRow,
    id: OwnedEventId,
) -> Option<Unverified> {
    let request = get_event::v1::Request::new(id.clone());
    match server.ask(&from, request).await {
        Ok(answer) => read(answer.pdu.get(), &room.room_id, &room.version)
            .ok()
            .filter(|event| event.event_id() == id),
        Err(error) => {
            tracing::debug!(%error, "an event can't be fetched");
            None
        }
    }
}
