//! Stored events in the form that clients get, with what the server adds for the one who asks.

use std::collections::HashMap;

use rohrpost_room::{Pdu, Shape, Unsigned, client_event};
use rohrpost_store::{EventNid, EventRow, Tx};
use ruma::events::room::member::MembershipState;
use serde_json::value::RawValue;

use crate::{
    Caller, Result,
    personal::ignored::Ignored,
    rooms::{
        access::{Access, Seen},
        bundle::bundle,
        head::{Head, pdu},
    },
};

/// Who asks, and when.
#[derive(Clone, Copy)]
pub(crate) struct Viewer<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) now_ts: i64,
    pub(crate) shape: Shape,
}

/// What state events replaced, by number, and whether the user may see it.
type Replaced = HashMap<EventNid, (Pdu, bool)>;

impl Viewer<'_> {
    /// Events that were found to be visible.
    pub(crate) async fn events(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        seen: &[Seen],
    ) -> Result<Vec<Box<RawValue>>> {
        let rows = seen.iter().map(|seen| &seen.row);
        let replaced = self.replaced(tx, head, rows, true).await?;
        let mut events = Vec::with_capacity(seen.len());
        for Seen { row, membership } in seen {
            events.push(
                self.one(tx, head, row, Some(membership.clone()), None, &replaced)
                    .await?,
            );
        }
        Ok(events)
    }

    /// State events that the user may read as part of a state. There may be many, so what they replaced is only told
    /// where that costs nothing to find out: by whoever was in the room already then.
    pub(crate) async fn state(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        rows: &[EventRow],
    ) -> Result<Vec<Box<RawValue>>> {
        let replaced = self.replaced(tx, head, rows, false).await?;
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            events.push(self.one(tx, head, row, None, None, &replaced).await?);
        }
        Ok(events)
    }

    /// Events that were found to be visible, each with what relates to it.
    pub(crate) async fn page(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        access: &mut Access,
        ignored: &Ignored,
        seen: &[Seen],
    ) -> Result<Vec<Box<RawValue>>> {
        let mut relations = bundle(self, tx, head, access, ignored, seen).await?;
        let replaced = self
            .replaced(tx, head, seen.iter().map(|seen| &seen.row), true)
            .await?;
        let mut events = Vec::with_capacity(seen.len());
        for Seen { row, membership } in seen {
            let relations = relations.remove(&row.nid);
            events.push(
                self.one(tx, head, row, Some(membership.clone()), relations, &replaced)
                    .await?,
            );
        }
        Ok(events)
    }

    /// One event that was found to be visible, with what relates to it.
    pub(crate) async fn page_of_one(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        access: &mut Access,
        ignored: &Ignored,
        seen: &Seen,
    ) -> Result<Box<RawValue>> {
        let mut relations = bundle(self, tx, head, access, ignored, std::slice::from_ref(seen)).await?;
        let relations = relations.remove(&seen.row.nid);
        self.event_with(tx, head, &seen.row, Some(seen.membership.clone()), relations)
            .await
    }

    /// One event.
    pub(crate) async fn event(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        row: &EventRow,
        membership: Option<MembershipState>,
    ) -> Result<Box<RawValue>> {
        self.event_with(tx, head, row, membership, None).await
    }

    /// One event with what relates to it.
    pub(crate) async fn event_with(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        row: &EventRow,
        membership: Option<MembershipState>,
        relations: Option<Box<RawValue>>,
    ) -> Result<Box<RawValue>> {
        let replaced = self.replaced(tx, head, [row], true).await?;
        self.one(tx, head, row, membership, relations, &replaced).await
    }

    async fn one(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        row: &EventRow,
        membership: Option<MembershipState>,
        relations: Option<Box<RawValue>>,
        replaced: &Replaced,
    ) -> Result<Box<RawValue>> {
        let pdu = pdu(&head.room.room_id, row)?;
        let replaced = row.replaces.and_then(|nid| replaced.get(&nid));
        // "only returned if the event is a state event, and the client has permission to see the previous event"
        let shown = replaced.filter(|(_, is_visible)| *is_visible).map(|(pdu, _)| pdu);
        let is_own = row.sender == self.caller.user_id;
        let txn = row
            .txn
            .as_ref()
            .filter(|txn| is_own && txn.device_id == self.caller.device_id);
        let age_ms = self.now_ts - i64::from(pdu.origin_server_ts().0);
        let unsigned = Unsigned {
            age_ms: Some(u64::try_from(age_ms).unwrap_or(0)),
            transaction_id: txn.map(|txn| txn.txn_id.as_str().into()),
            prev_content: shown.map(Pdu::content),
            prev_sender: shown.map(|pdu| pdu.sender().to_owned()),
            // "Unlike `prev_content`, this field is included regardless of history visibility."
            replaces_state: replaced.map(|(pdu, _)| pdu.event_id().to_owned()),
            redacted_because: self.redacted_because(tx, head, row).await?,
            membership,
            relations,
            sticky_left_ms: pdu.sticky_ms().and_then(|sticky_ms| {
                let until_ms = i64::from(pdu.origin_server_ts().0) + i64::from(sticky_ms);
                u64::try_from(until_ms - self.now_ts)
                    .ok()
                    .filter(|left_ms| *left_ms > 0)
            }),
        };
        Ok(client_event(&pdu, &head.room.version, self.shape, &unsigned))
    }

    /// What these events replaced. With `search` the history visibility of each is looked up where that is needed.
    async fn replaced(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        rows: impl IntoIterator<Item = &EventRow>,
        search: bool,
    ) -> Result<Replaced> {
        let nids: Vec<EventNid> = rows.into_iter().filter_map(|row| row.replaces).collect();
        if nids.is_empty() {
            return Ok(Replaced::new());
        }
        let rows = tx.event_get_many(head.room.nid, &nids).await?;
        let mut access = Access::of(tx, head, &self.caller.user_id).await?;
        let mut replaced = Replaced::with_capacity(rows.len());
        for row in rows {
            let (nid, event) = (row.nid, pdu(&head.room.room_id, &row)?);
            let shown = if access.was_there(&row) {
                (event, true)
            } else if !search {
                (event, false)
            } else {
                match access.see(tx, head, &self.caller.user_id, row).await? {
                    // As it may be shown: of those who were erased, without what was theirs.
                    Some(seen) => (pdu(&head.room.room_id, &seen.row)?, true),
                    None => (event, false),
                }
            };
            replaced.insert(nid, shown);
        }
        Ok(replaced)
    }

    async fn redacted_because(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        row: &EventRow,
    ) -> Result<Option<Box<RawValue>>> {
        let Some(event_id) = &row.redacted_by else {
            return Ok(None);
        };
        let Some(row) = tx.event_get(head.room.nid, event_id).await? else {
            return Ok(None);
        };
        let redaction = pdu(&head.room.room_id, &row)?;
        Ok(Some(client_event(
            &redaction,
            &head.room.version,
            self.shape,
            &Unsigned::default(),
        )))
    }
}
