//! Puts a membership that another server handed over into its room.

use std::{collections::HashMap, sync::Arc};

use rohrpost_room::{
    Pdu,
    receive::{allowed_by, auth_state, needed_state},
};
use rohrpost_store::{EventStatus, Tx};
use ruma::{OwnedEventId, OwnedServerName, ServerName, events::room::member::MembershipState};

use super::{host, no_such_room};
use crate::{
    Refusal, Result, Server,
    federation::{
        accept::{Outcome, accept_and_pass_on},
        rooms::reader::check_acl,
    },
    rooms::head::{Head, pdu},
};

/// Puts the event into its room, and sees to it that the other servers there are told. One that is there already stays as
/// it is.
///
/// # Errors
/// `Forbidden` when the rules of the room refuse it, or the conditions of a restricted room aren't met; `InvalidParam` when
/// it follows events that aren't known here: it wasn't made of a template of this server.
pub(super) async fn take(server: &Arc<Server>, origin: OwnedServerName, event: Pdu) -> Result<()> {
    let event = Arc::new(event);
    let (server_, checked) = (Arc::clone(server), Arc::clone(&event));
    let checking = server
        .store
        .read(move |tx| Box::pin(async move { is_new(&server_, tx, &origin, &checked).await }));
    if !checking.await? {
        return Ok(());
    }
    let refused = |reason: String| Err(Refusal::Forbidden(format!("not allowed in this room: {reason}")));
    match accept_and_pass_on(server, event.room_id(), event.clone()).await? {
        Outcome::Accepted | Outcome::Known => Ok(()),
        Outcome::SoftFailed(reason) | Outcome::Rejected(reason) => refused(reason),
        Outcome::Missing { .. } => Err(Refusal::InvalidParam(
            "the event follows others that aren't known here; please make it anew".to_owned(),
        )),
    }
}

/// Whether the event isn't there yet, and may come in as things are. What may not isn't kept at all: nobody else has it.
async fn is_new(server: &Server, tx: &mut Tx<'_>, origin: &ServerName, event: &Pdu) -> Result<bool> {
    let head = server.heads.peek(tx, event.room_id()).await?;
    let mut head = head.ok_or_else(no_such_room)?;
    check_acl(tx, &mut head, origin).await?;
    let known = tx.event_get(head.room.nid, event.event_id()).await?;
    match known.map(|row| (row.status, row.pos)) {
        Some((EventStatus::Accepted, Some(_))) => return Ok(false),
        Some((EventStatus::SoftFailed | EventStatus::Rejected, _)) => {
            return Err(Refusal::Forbidden("this event was refused before".to_owned()));
        }
        Some((EventStatus::Accepted, None)) | None => {}
    }
    if event.membership() == Some(MembershipState::Join) {
        host(tx, &mut head, event.sender()).await?;
    }
    authorize(tx, &mut head, event).await?;
    Ok(true)
}

/// Whether its auth events and the present state allow it.
async fn authorize(tx: &mut Tx<'_>, head: &mut Head, event: &Pdu) -> Result<()> {
    let version = head.room.version.clone();
    let refused = |text: String| Refusal::Forbidden(format!("not allowed in this room: {text}"));
    let mut ids: Vec<OwnedEventId> = event.auth_events().to_vec();
    if let Ok(create) = OwnedEventId::try_from(format!("${}", head.room.room_id.strip_sigil())) {
        ids.push(create);
    }
    let mut known = HashMap::new();
    for row in tx
        .event_get_each(head.room.nid, ids.iter().map(|id| &**id))
        .await?
    {
        let is_rejected = row.status == EventStatus::Rejected;
        let auth_event = pdu(&head.room.room_id, &row)?.with_rejected(is_rejected);
        known.insert(row.event_id, Arc::new(auth_event));
    }
    let auth = auth_state(event, &version, |id| known.get(id).cloned());
    let auth = auth.map_err(|error| refused(error.to_string()))?;
    allowed_by(event, &version, &auth).map_err(|error| refused(error.to_string()))?;
    let needed = needed_state(event, &version).map_err(|error| refused(error.to_string()))?;
    let state = head.states(tx, &Vec::from_iter(needed)).await?;
    allowed_by(event, &version, &state).map_err(|error| refused(error.to_string()))
}
