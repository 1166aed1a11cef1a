//! Takes the join of a user of another server, and tells that server the room.

use std::{collections::HashSet, sync::Arc};

use rohrpost_store::{EventRow, Tx};
use ruma::{
    EventId, OwnedEventId, OwnedServerName,
    events::{StateEventType, TimelineEventType, room::member::MembershipState},
};
use serde_json::value::RawValue;

pub use super::handed::Handover;
use super::{handed, no_such_room, take::take};
use crate::{
    Refusal, Result, Server,
    federation::rooms::{auth_chain::auth_chain, reader::raw},
    rooms::head::Head,
};

/// People by whom a room without a name is named.
const HEROES: u32 = 5;

/// A room as somebody found it who came in.
pub struct Joined {
    /// The join, with all signatures that it needs.
    pub event: Box<RawValue>,
    /// The state before it.
    pub state: Vec<Box<RawValue>>,
    /// What allowed the join and that state.
    pub auth_chain: Vec<Box<RawValue>>,
    /// The servers that were in the room before it, where the members are left out of the state.
    pub servers: Option<Vec<OwnedServerName>>,
}

/// Somebody of another server comes in. The whole state of a large room is put together for few at a time.
///
/// # Errors
/// `NotFound`, `InvalidParam`, `BadJson`, `Forbidden`, `UnableToAuthorizeJoin`, `UnableToGrantJoin`: nothing was kept.
///
/// # Spec
/// [`PUT /send_join`](https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid)
pub async fn take_join(server: &Arc<Server>, handover: Handover, omit_members: bool) -> Result<Joined> {
    let event = handed::check(server, &handover, MembershipState::Join).await?;
    let Handover {
        origin,
        room_id,
        event_id,
        ..
    } = handover;
    take(server, origin.clone(), event).await?;
    let _place = server.large_answers.acquire().await;
    let server_ = Arc::clone(server);
    server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let head = server_.heads.peek(tx, &room_id).await?;
                let mut head = head.ok_or_else(no_such_room)?;
                joined(tx, &mut head, (&event_id, &origin), omit_members).await
            })
        })
        .await
}

async fn joined(
    tx: &mut Tx<'_>,
    head: &mut Head,
    (event_id, origin): (&EventId, &OwnedServerName),
    omit_members: bool,
) -> Result<Joined> {
    let join = tx.event_get(head.room.nid, event_id).await?;
    let join = join.ok_or_else(|| Refusal::Internal("a join that was taken isn't there".to_owned()))?;
    let nids = tx.state_full(join.state_before).await?;
    let mut state = tx.event_get_many(head.room.nid, &nids).await?;
    let mut servers = None;
    if omit_members {
        let heroes = heroes(tx, head, &join, &state).await?;
        let member = TimelineEventType::RoomMember.to_string();
        state.retain(|row| row.kind != member || heroes.contains(&row.event_id));
        let there = tx.room_servers(head.room.nid).await?.into_iter();
        let before = there.filter(|there| there.server != *origin || Some(there.since) < join.pos);
        servers = Some(before.map(|there| there.server).collect());
    }
    let mut rests_on = state.clone();
    rests_on.push(join.clone());
    let mut chain = auth_chain(tx, head, &rests_on).await?;
    if omit_members {
        let told: HashSet<&EventId> = state.iter().map(|row| &*row.event_id).collect();
        chain.retain(|row| !told.contains(&*row.event_id));
    }
    Ok(Joined {
        event: raw(join)?,
        state: state.into_iter().map(raw).collect::<Result<_>>()?,
        auth_chain: chain.into_iter().map(raw).collect::<Result<_>>()?,
        servers,
    })
}

/// The member events of those by whom the room is named, if it has no name.
///
/// "the resident server should determine the room members who would be included in the m.heroes property of the room
/// summary [...]. The resident server should include these members' membership events".
async fn heroes(
    tx: &mut Tx<'_>,
    head: &Head,
    join: &EventRow,
    state: &[EventRow],
) -> Result<HashSet<OwnedEventId>> {
    let names = [StateEventType::RoomName, StateEventType::RoomCanonicalAlias].map(|kind| kind.to_string());
    if state.iter().any(|row| names.contains(&row.kind)) {
        return Ok(HashSet::new());
    }
    let heroes = tx.membership_heroes(head.room.nid, &join.sender, HEROES).await?;
    let is_hero = |row: &&EventRow| {
        heroes
            .iter()
            .any(|hero| Some(hero.as_str()) == row.state_key.as_deref())
    };
    let events = state.iter().filter(is_hero);
    Ok(events.map(|row| row.event_id.clone()).collect())
}
