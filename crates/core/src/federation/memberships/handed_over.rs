//! The event of a membership: from the template of another server to our own, signed.

use std::sync::Arc;

use rohrpost_room::{
    Pdu, SUPPORTED,
    handshake::{Ask, AskedMembership, Template, check_template},
};
use rohrpost_store::StateNid;
use ruma::{
    RoomVersionId, ServerName,
    api::federation::membership::{prepare_join_event, prepare_knock_event, prepare_leave_event},
};
use serde_json::value::{RawValue, to_raw_value};

use super::Wanted;
use crate::{Refusal, Result, Server, federation::ask::AskError};

/// Our event, and what is known of the room by its template.
pub(super) struct Made {
    pub(super) event: Arc<Pdu>,
    pub(super) version: RoomVersionId,
    /// Whether the other server has to sign it, too.
    pub(super) needs_countersign: bool,
}

/// Why there is no event.
pub(super) enum NotMade {
    /// The other server can't be asked, or refuses.
    Ask(AskError),
    /// What it offers can't be used, or something here is wrong.
    Refusal(Refusal),
}

impl From<AskError> for NotMade {
    fn from(error: AskError) -> Self {
        Self::Ask(error)
    }
}

/// Has a server offer a template, and makes our event of it.
pub(super) async fn make(
    server: &Arc<Server>,
    resident: &ServerName,
    wanted: &Wanted,
    membership: AskedMembership,
) -> Result<Made, NotMade> {
    let (room_id, user_id) = (wanted.room_id.clone(), wanted.user_id.clone());
    let versions = || {
        SUPPORTED
            .iter()
            .filter_map(|name| RoomVersionId::try_from(*name).ok())
    };
    let (event, version) = match membership {
        AskedMembership::Join => {
            let mut request = prepare_join_event::v1::Request::new(room_id, user_id);
            request.ver = versions().collect();
            let answer = server.ask(resident, request).await?;
            (answer.event, answer.room_version)
        }
        AskedMembership::Knock => {
            let mut request = prepare_knock_event::v1::Request::new(room_id, user_id);
            request.ver = versions().collect();
            let answer = server.ask(resident, request).await?;
            (answer.event, Some(answer.room_version))
        }
        AskedMembership::Leave => {
            let request = prepare_leave_event::v1::Request::new(room_id, user_id);
            let answer = server.ask(resident, request).await?;
            (answer.event, answer.room_version)
        }
    };
    // Of a room that was never entered, the version is what somebody said.
    let entered = wanted
        .room
        .as_ref()
        .filter(|room| room.state != StateNid::default());
    let ask = Ask {
        room_id: &wanted.room_id,
        user: &wanted.user_id,
        membership,
        resident,
        version: entered.map(|room| &room.version),
    };
    let template = check_template(event.get(), version.as_ref(), ask).map_err(|error| {
        tracing::info!(%resident, %error, "a template of another server can't be used");
        NotMade::Refusal(Refusal::Elsewhere(
            "the other server answered something else".to_owned(),
        ))
    })?;
    sign(server, template, wanted).map_err(NotMade::Refusal)
}

fn sign(server: &Server, template: Template, wanted: &Wanted) -> Result<Made> {
    let version = template.version().clone();
    let needs_countersign = template.authorizer().is_some();
    let now = server.clock.now();
    let event = template.sign(wanted.content.clone(), now, server.name(), &server.key)?;
    Ok(Made {
        event: Arc::new(event),
        version,
        needs_countersign,
    })
}

/// An event as it goes over the wire.
pub(super) fn raw(event: &Pdu) -> Result<Box<RawValue>> {
    Ok(to_raw_value(&event.to_object()?)?)
}
