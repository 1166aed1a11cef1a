//! `POST /_matrix/client/v3/createRoom`
//!
//! Makes a room. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom)

use rohrpost_core::{
    Refusal, Result,
    rooms::create::{self, CreateRoom},
};
use rohrpost_room::{NewEventTemplate, Preset, canonical_object};
use ruma::{
    CanonicalJsonObject,
    api::client::room::{
        Visibility,
        create_room::v3::{Request, Response, RoomPreset},
    },
    serde::Raw,
};
use serde::Deserialize;

use crate::call::{Authed, value};

pub(crate) async fn create_room(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    if !request.invite_3pid.is_empty() {
        return Err(Refusal::NotOffered(
            "invite people by their user id; addresses are not taken here".to_owned(),
        ));
    }
    let is_public = match request.visibility {
        Visibility::Public => true,
        Visibility::Private => false,
        _ => {
            return Err(Refusal::InvalidParam(
                "visibility is public or private".to_owned(),
            ));
        }
    };
    let preset = match request.preset {
        Some(RoomPreset::PrivateChat) => Preset::PrivateChat,
        Some(RoomPreset::TrustedPrivateChat) => Preset::TrustedPrivateChat,
        Some(RoomPreset::PublicChat) => Preset::PublicChat,
        None if is_public => Preset::PublicChat,
        None => Preset::PrivateChat,
        Some(_) => return Err(Refusal::InvalidParam("there is no such preset".to_owned())),
    };
    let wanted = CreateRoom {
        caller,
        version: request.room_version,
        preset,
        is_public,
        alias_localpart: request.room_alias_name,
        name: request.name,
        topic: request.topic,
        invite: request.invite,
        is_direct: request.is_direct,
        creation_content: object(request.creation_content.as_ref())?,
        initial_state: request
            .initial_state
            .iter()
            .map(template)
            .collect::<Result<_>>()?,
        power_levels: object(request.power_level_content_override.as_ref())?,
    };
    Ok(Response::new(create::create(&server, wanted).await?))
}

fn object<T>(raw: Option<&Raw<T>>) -> Result<CanonicalJsonObject> {
    match raw {
        Some(raw) => Ok(canonical_object(value(raw.json())?)?),
        None => Ok(CanonicalJsonObject::new()),
    }
}

fn template<T>(raw: &Raw<T>) -> Result<NewEventTemplate> {
    #[derive(Deserialize)]
    struct Event {
        #[serde(rename = "type")]
        kind: String,
        #[serde(default)]
        state_key: String,
        content: serde_json::Value,
    }
    let event: Event = serde_json::from_str(raw.json().get())
        .map_err(|error| Refusal::BadJson(format!("initial_state is not as it should be: {error}")))?;
    Ok(NewEventTemplate {
        kind: event.kind.into(),
        state_key: event.state_key,
        content: canonical_object(event.content)?,
    })
}
