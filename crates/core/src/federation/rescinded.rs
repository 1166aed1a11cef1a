//! Invitations that are taken back, and knocks that are refused, in rooms that nobody here is in.
//!
//! Without the room's state nothing can be authorized. So what is believed is what comes from the server that told of the
//! invitation or took the knock, and only for somebody who is invited or knocks.

use std::sync::Arc;

use rohrpost_room::receive::{Unverified, read};
use rohrpost_store::RoomRow;
use ruma::{OwnedEventId, OwnedRoomId, OwnedServerName, OwnedUserId, events::room::member::MembershipState};
use serde_json::value::RawValue;

use super::{memberships::outside::Outside, verify::verify};
use crate::{Refusal, Result, Server};

/// Takes those of the events that say that somebody here isn't invited any more. Answers their ids.
///
/// # Errors
/// Only those of the store.
pub(super) async fn take(
    server: &Arc<Server>,
    room_id: &OwnedRoomId,
    pdus: &[Box<RawValue>],
) -> Result<Vec<OwnedEventId>> {
    let mut taken = Vec::new();
    let Some(room) = room(server, room_id).await? else {
        return Ok(taken);
    };
    for pdu in pdus {
        let Ok(event) = read(pdu.get(), room_id, &room.version) else {
            continue;
        };
        let Some(user_id) = concerned(server, &room, &event).await? else {
            continue;
        };
        for received in verify(server, vec![event]).await? {
            let event = Arc::new(received.pdu);
            if !matches!(
                event.membership(),
                Some(MembershipState::Leave | MembershipState::Ban)
            ) {
                continue;
            }
            taken.push(event.event_id().to_owned());
            let unit = Outside {
                server: Arc::clone(server),
                user_id: user_id.clone(),
                version: room.version.clone(),
                event,
                told: None,
                is_ours: false,
            };
            server.store.write(unit).await?;
        }
    }
    Ok(taken)
}

async fn room(server: &Arc<Server>, room_id: &OwnedRoomId) -> Result<Option<RoomRow>> {
    let room_id = room_id.clone();
    let reading = server
        .store
        .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.room_get(&room_id).await?) }));
    reading.await
}

/// The user of this server whom the event is about, if its sender's server is to be believed about them.
async fn concerned(server: &Arc<Server>, room: &RoomRow, event: &Unverified) -> Result<Option<OwnedUserId>> {
    let user_id = event.state_key().and_then(|key| OwnedUserId::try_from(key).ok());
    let Some(user_id) = user_id.filter(|user_id| event.kind() == "m.room.member" && server.is_local(user_id))
    else {
        return Ok(None);
    };
    let (room, by) = (room.nid, event.sender().server_name().to_owned());
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            let member = tx.membership_get(&user_id, room).await?;
            let Some(member) = member else { return Ok(None) };
            let told = tx.stripped_state_get(&user_id, room).await?.unwrap_or_default();
            let is_told_by = |by: &OwnedServerName| told.via.split(' ').any(|name| name == by.as_str());
            let is_believed = match member.membership {
                MembershipState::Invite => member.sender.server_name() == by || is_told_by(&by),
                MembershipState::Knock => is_told_by(&by),
                _ => false,
            };
            Ok::<_, Refusal>(is_believed.then_some(user_id))
        })
    });
    reading.await
}
