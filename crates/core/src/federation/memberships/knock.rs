//! Knocks at a room that nobody here is in.

use std::sync::Arc;

use rohrpost_room::handshake::AskedMembership;
use rohrpost_store::StrippedState;
use ruma::{ServerName, api::federation::membership::create_knock_event};

use super::{
    Wanted,
    handed_over::{NotMade, make, raw},
    may_know_better,
    outside::Outside,
    told, worse,
};
use crate::{Refusal, Result, Server, federation::invited};

/// Knocks at a room.
///
/// # Errors
/// `Forbidden` when the room doesn't let people knock, `Elsewhere` when no server answers.
pub(super) async fn knock(server: &Arc<Server>, wanted: Wanted) -> Result<()> {
    let mut refusal = None;
    for resident in &wanted.candidates {
        match knock_at(server, resident, &wanted).await {
            Ok(()) => return Ok(()),
            Err(NotMade::Ask(error)) => {
                let is_last = !may_know_better(&error);
                refusal = Some(worse(refusal, told(error, &wanted.room_id)));
                if is_last {
                    break;
                }
            }
            Err(NotMade::Refusal(next)) => refusal = Some(worse(refusal, next)),
        }
    }
    Err(refusal.unwrap_or_else(Refusal::no_way_in))
}

async fn knock_at(server: &Arc<Server>, resident: &ServerName, wanted: &Wanted) -> Result<(), NotMade> {
    let made = make(server, resident, wanted, AskedMembership::Knock).await?;
    let event_id = made.event.event_id().to_owned();
    let event = raw(&made.event).map_err(NotMade::Refusal)?;
    let request = create_knock_event::v1::Request::new(wanted.room_id.clone(), event_id, event);
    let answer = server.ask(resident, request).await?;
    let told = StrippedState {
        events: invited::stripped_events(&answer.knock_room_state, &made.event),
        via: resident.to_string(),
    };
    let unit = Outside {
        server: Arc::clone(server),
        user_id: wanted.user_id.clone(),
        version: made.version,
        event: made.event,
        told: Some(told),
        is_ours: true,
    };
    server.store.write(unit).await.map_err(NotMade::Refusal)?;
    Ok(())
}
