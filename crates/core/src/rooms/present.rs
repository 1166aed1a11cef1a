//! Stored events in the form that clients get, with what the server adds for the one who asks.

use rohrpost_room::{Pdu, Shape, Unsigned, client_event};
use rohrpost_store::{EventRow, Tx};
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

impl Viewer<'_> {
    /// Events that were found to be visible.
    pub(crate) async fn events(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        seen: &[Seen],
    ) -> Result<Vec<Box<RawValue>>> {
        let mut events = Vec::with_capacity(seen.len());
        for Seen { row, membership } in seen {
            events.push(self.event(tx, head, row, Some(membership.clone())).await?);
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
        let mut events = Vec::with_capacity(seen.len());
        for Seen { row, membership } in seen {
            let relations = relations.remove(&row.nid);
            events.push(
                self.event_with(tx, head, row, Some(membership.clone()), relations)
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
        let pdu = pdu(&head.room.room_id, row)?;
        let replaced = self.replaced(tx, head, row).await?;
        let is_own = row.sender == self.caller.user_id;
        let txn = row
            .txn
            .as_ref()
            .filter(|txn| is_own && txn.device_id == self.caller.device_id);
        let age_ms = self.now_ts - i64::from(pdu.origin_server_ts().0);
        let unsigned = Unsigned {
            age_ms: Some(u64::try_from(age_ms).unwrap_or(0)),
            transaction_id: txn.map(|txn| txn.txn_id.as_str().into()),
            prev_content: replaced.as_ref().map(Pdu::content),
            prev_sender: replaced.as_ref().map(|pdu| pdu.sender().to_owned()),
            replaces_state: replaced.as_ref().map(|pdu| pdu.event_id().to_owned()),
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

    async fn replaced(&self, tx: &mut Tx<'_>, head: &Head, row: &EventRow) -> Result<Option<Pdu>> {
        let Some(nid) = row.replaces else { return Ok(None) };
        let rows = tx.event_get_many(head.room.nid, &[nid]).await?;
        rows.first().map(|row| pdu(&head.room.room_id, row)).transpose()
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
