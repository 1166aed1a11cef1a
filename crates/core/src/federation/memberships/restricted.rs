//! Joins a restricted room in which this server is, but has nobody who may let people in: another server of the room does.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#restricted-rooms>

use std::sync::Arc;

use rohrpost_room::handshake::AskedMembership;
use ruma::{OwnedServerName, ServerName, api::federation::membership::create_join_event};

use super::{
    Wanted, content,
    handed_over::{NotMade, make, raw},
    join::{MAX_BYTES, TIMEOUT, countersigned},
    told, worse,
};
use crate::{
    Refusal, Result, Server,
    federation::{accept::Outcome, missing},
    rooms::{
        create::person,
        membership::ChangeMembership,
        restricted::{allowed_rooms, join_rule},
    },
};

/// Servers of a room that are asked.
const MAX_ASKED: usize = 4;

/// Asks other servers of the room to let somebody in. `None`: that is not for others to say, or there are none.
///
/// # Errors
/// What the others say.
pub(crate) async fn join(server: &Arc<Server>, wanted: &ChangeMembership) -> Result<Option<()>> {
    let Some(wanted) = find(server, wanted).await? else {
        return Ok(None);
    };
    let mut refusal = None;
    for resident in &wanted.candidates {
        match join_through(server, resident, &wanted).await {
            Ok(()) => return Ok(Some(())),
            Err(NotMade::Ask(error)) => refusal = Some(worse(refusal, told(error, &wanted.room_id))),
            Err(NotMade::Refusal(next)) => refusal = Some(worse(refusal, next)),
        }
    }
    refusal.map_or(Ok(None), Err)
}

/// What is to be asked of whom, if the room is one for members of other rooms.
async fn find(server: &Arc<Server>, wanted: &ChangeMembership) -> Result<Option<Wanted>> {
    let (server_, room_id) = (Arc::clone(server), wanted.room_id.clone());
    let (user_id, reason) = (wanted.caller.user_id.clone(), wanted.reason.clone());
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let Some(mut head) = server_.heads.peek(tx, &room_id).await? else {
                return Ok(None);
            };
            if allowed_rooms(&join_rule(tx, &mut head).await?).is_empty() {
                return Ok(None);
            }
            let there = tx.room_servers(head.room.nid).await?.into_iter();
            let speaks = |name: &OwnedServerName| server_.speaks_with(name);
            let others = there.map(|there| there.server).filter(speaks);
            let person = person(&server_, tx, &user_id).await?;
            let avatar_url = person.avatar_url.map(|url| url.to_string());
            Ok::<_, Refusal>(Some(Wanted {
                candidates: others.take(MAX_ASKED).collect(),
                content: content(reason, person.displayname, avatar_url),
                room: Some(head.room),
                room_id,
                user_id,
            }))
        })
    });
    reading.await
}

async fn join_through(server: &Arc<Server>, resident: &ServerName, wanted: &Wanted) -> Result<(), NotMade> {
    let made = make(server, resident, wanted, AskedMembership::Join).await?;
    let event_id = made.event.event_id().to_owned();
    let event = raw(&made.event).map_err(NotMade::Refusal)?;
    let mut request = create_join_event::v2::Request::new(wanted.room_id.clone(), event_id, event);
    // The room is here already.
    request.omit_members = true;
    let answer = server.ask_within(resident, request, (MAX_BYTES, TIMEOUT)).await?;
    let event = countersigned(server, &made, answer.room_state.event).await?;
    let _turn = server.incoming.rooms.wait(wanted.room_id.clone()).await;
    let outcomes = missing::accept_from(server, resident, &wanted.room_id, &[event]).await;
    match outcomes.map_err(NotMade::Refusal)?.into_iter().next() {
        Some(Outcome::Accepted | Outcome::Known) => Ok(()),
        _ => Err(NotMade::Refusal(Refusal::no_way_in())),
    }
}
