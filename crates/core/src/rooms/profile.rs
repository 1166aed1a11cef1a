//! Carries a changed profile into the rooms its user is in.

use std::sync::Arc;

use rohrpost_room::{NewEvent, canonical_object};
use rohrpost_store::{Tx, Work};
use ruma::{
    MilliSecondsSinceUnixEpoch, OwnedRoomId, OwnedUserId,
    events::{StateEventType, TimelineEventType, room::member::MembershipState},
};

use crate::{Refusal, Result, Server, rooms::append::append};

struct Unit {
    server: Arc<Server>,
    user_id: OwnedUserId,
    room_id: OwnedRoomId,
    now: MilliSecondsSinceUnixEpoch,
}

/// Sends a member event with the present profile to every room the user is joined to and that shows another one. A
/// room whose rules refuse it keeps the old one. Repeated, it finishes what was left.
///
/// # Errors
/// Only when the store fails.
pub async fn propagate(server: &Arc<Server>, user_id: OwnedUserId) -> Result<()> {
    let of_user = user_id.clone();
    let rooms: Vec<OwnedRoomId> = server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let mut rooms = Vec::new();
                for member in tx.membership_list_of(&of_user, &MembershipState::Join).await? {
                    rooms.extend(tx.room_get_by_nid(member.room).await?.map(|room| room.room_id));
                }
                Ok::<_, Refusal>(rooms)
            })
        })
        .await?;
    for room_id in rooms {
        let (user_id, now) = (user_id.clone(), server.clock.now());
        match server
            .store
            .write(Unit {
                server: Arc::clone(server),
                user_id,
                room_id,
                now,
            })
            .await
        {
            Err(Refusal::Store(error)) => return Err(error.into()),
            Err(refusal) => tracing::debug!(%refusal, "a room keeps the old profile"),
            Ok(()) => {}
        }
    }
    Ok(())
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let mut head = self.server.heads.lock(tx, &self.room_id).await?;
        let member = head
            .state(tx, StateEventType::RoomMember, self.user_id.as_str())
            .await?;
        let Some(member) = member.filter(|member| member.membership() == Some(MembershipState::Join)) else {
            return Ok(());
        };
        let mut content: serde_json::Map<String, serde_json::Value> = member.content_as()?;
        let before = content.clone();
        // Read under the lock of the room, so that of two changes at once the room never ends with the first.
        let profile = tx.profile_get(&self.user_id).await?;
        for (key, value) in [
            ("displayname", profile.display_name),
            ("avatar_url", profile.avatar_url),
        ] {
            match value {
                Some(value) => drop(content.insert(key.to_owned(), value.into())),
                None => drop(content.remove(key)),
            }
        }
        if content == before {
            return Ok(());
        }
        let new = NewEvent {
            kind: TimelineEventType::RoomMember,
            state_key: Some(self.user_id.to_string()),
            content: canonical_object(content.into())?,
            sender: self.user_id.clone(),
            redacts: None,
            origin_server_ts: self.now,
        };
        append(&self.server, tx, &mut head, new, None).await?;
        Ok(())
    }
}
