//! Puts one event at the head of a room: the one place where a room grows.

use std::sync::Arc;

use rohrpost_room::{
    Encryption, NewEvent, Pdu, Place, RoomEncryption, auth_types, build_sticky, check_send, redact,
    redact::redaction_applies,
};
use rohrpost_store::{EventNid, EventRow, EventStatus, NewEventRow, NewMembership, StatePair, StreamPos, Tx};
use ruma::{
    DeviceId, OwnedUserId, UserId,
    events::{StateEventType, TimelineEventType, room::member::MembershipState},
};
use serde::Deserialize;

use crate::{
    Result, Server, random,
    rooms::{
        guest_access,
        head::{Head, pdu},
        relation,
    },
    search::words,
};

/// The device and transaction id that an event is sent with.
pub(crate) type Sent<'a> = Option<(&'a DeviceId, &'a str)>;

/// Builds an event of one of our users, authorizes it and appends it. The head moves behind it.
///
/// # Errors
/// `Forbidden` when the rules of the room or the policy of this server refuse it.
pub(crate) async fn append(
    server: &Server,
    tx: &mut Tx<'_>,
    head: &mut Head,
    new: NewEvent,
    sent: Sent<'_>,
) -> Result<Arc<Pdu>> {
    append_sticky(server, tx, head, new, sent, None).await
}

/// The same as [`append`] for an event that is sticky for so many milliseconds.
pub(crate) async fn append_sticky(
    server: &Server,
    tx: &mut Tx<'_>,
    head: &mut Head,
    new: NewEvent,
    sent: Sent<'_>,
    sticky_ms: Option<u32>,
) -> Result<Arc<Pdu>> {
    let policy = server.settings.encryption;
    append_under(server, tx, head, new, sent, (sticky_ms, policy)).await
}

/// The same as [`append_sticky`] under a policy that needn't be the server's: what the server itself has to say, it
/// can't encrypt.
pub(crate) async fn append_under(
    server: &Server,
    tx: &mut Tx<'_>,
    head: &mut Head,
    new: NewEvent,
    sent: Sent<'_>,
    (sticky_ms, policy): (Option<u32>, Encryption),
) -> Result<Arc<Pdu>> {
    let rules = rohrpost_room::rules(&head.room.version)
        .ok_or_else(|| crate::Refusal::UnsupportedRoomVersion(head.room.version.to_string()))?;
    let state = head.states(tx, &auth_types(&new, rules)?).await?;
    let is_state = new.state_key.is_some();
    let current = match new.kind {
        TimelineEventType::RoomEncryption => head.state(tx, StateEventType::RoomEncryption, "").await?,
        _ => None,
    };
    let encryption = RoomEncryption {
        policy,
        ever_encrypted: head.room.ever_encrypted,
        current: current.as_deref(),
    };
    let place = Place {
        version: &head.room.version,
        room_id: Some(&head.room.room_id),
        prev_events: &head.extremities,
        depth: next_depth(head),
    };
    // The rules of the room come first: who isn't in the room learns nothing about its encryption.
    let checked = check_send(encryption, &new.kind, is_state, &new.content);
    let pdu = build_sticky(new, place, &state, server.name(), &server.key, sticky_ms)?;
    checked?;
    guest_access::check(server, tx, head, &pdu).await?;
    relation::check(tx, head, &pdu).await?;
    append_built(server, tx, head, pdu, sent).await
}

/// The depth of the next event. Where somebody gave theirs the greatest number that JSON can hold, it stays that one.
pub(crate) fn next_depth(head: &Head) -> u64 {
    const MAX_DEPTH: u64 = (1 << 53) - 1;
    (u64::try_from(head.room.depth).unwrap_or(0) + 1).min(MAX_DEPTH)
}

/// Appends an event that was built and authorized.
pub(crate) async fn append_built(
    server: &Server,
    tx: &mut Tx<'_>,
    head: &mut Head,
    pdu: Pdu,
    sent: Sent<'_>,
) -> Result<Arc<Pdu>> {
    let pdu = Arc::new(pdu);
    let pos = tx.pos_next().await?;
    let nid = EventNid(pos.0);
    let state_before = head.room.state;
    let replaces = match pdu.state_key() {
        Some(state_key) => set_state(tx, head, &pdu, state_key, pos).await?,
        None => None,
    };
    let kind = pdu.kind().to_string();
    let row = NewEventRow {
        nid,
        event_id: pdu.event_id(),
        pos: Some(pos),
        kind: &kind,
        state_key: pdu.state_key(),
        sender: pdu.sender(),
        origin_server_ts: i64::from(pdu.origin_server_ts().0),
        state_before,
        status: EventStatus::Accepted,
        txn: sent,
        replaces,
        json: pdu.json(),
    };
    tx.event_insert(head.room.nid, &row).await?;
    let was_joined = Arc::clone(&head.local_joined);
    let changed = enter(server, tx, head, &pdu, (nid, pos)).await?;
    if let Some(user) = member(&pdu) {
        set_membership(server, tx, head, &pdu, user, (nid, pos)).await?;
        tx.wake_user(user);
    }
    advance(server, head, &pdu, pos);
    head.extremities = vec![pdu.event_id().to_owned()];
    tx.room_advance(&head.room, nid, pdu.event_id()).await?;
    tx.wake(was_joined);
    server.heads.put(head.clone());
    if changed == Some(TimelineEventType::RoomGuestAccess) {
        guest_access::send_out(server, tx, head, &pdu).await?;
    }
    Ok(pdu)
}

/// What an event means that comes into the timeline, besides its part in the state: what it relates to, that it is
/// sticky, its words, and what it redacts. Answers the type of the state that it sets or redacts.
pub(crate) async fn enter(
    server: &Server,
    tx: &mut Tx<'_>,
    head: &mut Head,
    pdu: &Pdu,
    (nid, pos): (EventNid, StreamPos),
) -> Result<Option<TimelineEventType>> {
    relation::note(tx, head, pdu, pos, nid).await?;
    if let Some(sticky_ms) = pdu.sticky_ms() {
        let until_ts = i64::from(pdu.origin_server_ts().0).min(server.now_ts()) + i64::from(sticky_ms);
        tx.sticky_event_insert(head.room.nid, nid, until_ts).await?;
    }
    words::note(tx, head, pdu, pos).await?;
    match pdu.kind() {
        TimelineEventType::RoomRedaction => apply_redaction(tx, head, pdu, nid).await,
        _ => Ok(pdu.state_key().is_some().then(|| pdu.kind().clone())),
    }
}

/// Moves the numbers of a head behind an event.
pub(crate) fn advance(server: &Server, head: &mut Head, pdu: &Pdu, pos: StreamPos) {
    head.room.tag = random::tag(&*server.rng);
    let depth = i64::try_from(pdu.depth()).unwrap_or(i64::MAX);
    head.room.depth = head.room.depth.max(depth);
    head.room.last_pos = pos;
    if is_activity(&pdu.kind().to_string()) {
        head.room.bump_pos = pos;
    }
}

/// Whether an event of this type brings a room to the top of people's lists.
fn is_activity(kind: &str) -> bool {
    matches!(
        kind,
        "m.room.create"
            | "m.room.message"
            | "m.room.encrypted"
            | "m.sticker"
            | "m.call.invite"
            | "m.poll.start"
            | "org.matrix.msc3381.poll.start"
            | "m.beacon_info"
            | "org.matrix.msc3672.beacon_info"
    )
}

/// Puts a state event into the current state. Answers the event whose place it takes.
async fn set_state(
    tx: &mut Tx<'_>,
    head: &mut Head,
    pdu: &Arc<Pdu>,
    state_key: &str,
    pos: StreamPos,
) -> Result<Option<EventNid>> {
    let kind = StateEventType::from(pdu.kind().to_string());
    let event = EventNid(pos.0);
    let replaces = tx.state_current(head.room.nid, &kind, state_key).await?;
    let key = tx.state_key_intern(&kind, state_key).await?;
    head.room.state = tx
        .state_put(head.room.nid, head.room.state, &[StatePair { key, event }])
        .await?;
    tx.state_current_put(head.room.nid, &kind, state_key, event, pos)
        .await?;
    if kind == StateEventType::RoomEncryption && state_key.is_empty() {
        head.room.ever_encrypted = true;
    }
    head.put_state(pdu);
    Ok(replaces)
}

/// The user whom a member event is about.
pub(crate) fn member(pdu: &Pdu) -> Option<&UserId> {
    if *pdu.kind() != TimelineEventType::RoomMember {
        return None;
    }
    <&UserId>::try_from(pdu.state_key()?).ok()
}

/// Notes what a member event of the current state makes of somebody.
pub(crate) async fn set_membership(
    server: &Server,
    tx: &mut Tx<'_>,
    head: &mut Head,
    pdu: &Pdu,
    user_id: &UserId,
    place: (EventNid, StreamPos),
) -> Result<()> {
    set_memberships(server, tx, head, &[(pdu, user_id)], |_| place).await
}

/// Notes what member events of the current state make of people. `place` says the number and the position of each.
pub(crate) async fn set_memberships(
    server: &Server,
    tx: &mut Tx<'_>,
    head: &mut Head,
    members: &[(&Pdu, &UserId)],
    place: impl Fn(&Pdu) -> (EventNid, StreamPos),
) -> Result<()> {
    #[derive(Deserialize)]
    struct Content {
        #[serde(default)]
        is_direct: bool,
    }
    let memberships: Vec<MembershipState> = members
        .iter()
        .map(|(pdu, _)| pdu.membership().unwrap_or(MembershipState::Leave))
        .collect();
    let new: Vec<NewMembership<'_>> = members
        .iter()
        .zip(&memberships)
        .map(|((pdu, user_id), membership)| {
            let (event, pos) = place(pdu);
            NewMembership {
                user_id,
                membership,
                event,
                sender: pdu.sender(),
                pos,
                is_direct: pdu.content_as::<Content>().is_ok_and(|content| content.is_direct),
                is_local: server.is_local(user_id),
            }
        })
        .collect();
    tx.membership_put_each(head.room.nid, &new).await?;
    if new.iter().any(|new| new.is_local) {
        let mut joined: Vec<OwnedUserId> = head.local_joined.to_vec();
        for new in new.iter().filter(|new| new.is_local) {
            let found = joined.binary_search_by(|joined| (**joined).cmp(new.user_id));
            match (found, new.membership) {
                (Err(place), MembershipState::Join) => joined.insert(place, new.user_id.to_owned()),
                (Ok(place), membership) if *membership != MembershipState::Join => drop(joined.remove(place)),
                _ => {}
            }
        }
        head.local_joined = joined.into();
    }
    Ok(())
}

/// Takes the content of the redacted event out of the database, if the redaction counts. Answers the type of the state
/// that was redacted. A redaction of what hasn't come yet is kept for when it comes.
async fn apply_redaction(
    tx: &mut Tx<'_>,
    head: &mut Head,
    redaction: &Pdu,
    nid: EventNid,
) -> Result<Option<TimelineEventType>> {
    let Some(target) = redaction.redacts() else {
        return Ok(None);
    };
    match tx.event_get(head.room.nid, target).await? {
        Some(row) => redact_row(tx, head, &row, redaction).await,
        None => {
            tx.early_redaction_put(head.room.nid, target, nid).await?;
            Ok(None)
        }
    }
}

/// Redacts a stored event, if the redaction counts and it wasn't redacted before. Answers its type, if it is state.
pub(crate) async fn redact_row(
    tx: &mut Tx<'_>,
    head: &mut Head,
    row: &EventRow,
    redaction: &Pdu,
) -> Result<Option<TimelineEventType>> {
    if row.redacted_by.is_some() {
        return Ok(None);
    }
    let target = pdu(&head.room.room_id, row)?;
    if !redaction_applies(&target, redaction, &head.power(tx).await?) {
        return Ok(None);
    }
    relation::forget(tx, head, row).await?;
    words::forget(tx, head, row).await?;
    let redacted = Arc::new(redact(&target, &head.room.version)?);
    tx.event_redact(head.room.nid, row.nid, redacted.json(), redaction.event_id())
        .await?;
    if target.sticky_ms().is_some() {
        tx.sticky_event_delete(head.room.nid, row.nid).await?;
    }
    head.put_redacted(&redacted);
    Ok(target.state_key().is_some().then(|| target.kind().clone()))
}
