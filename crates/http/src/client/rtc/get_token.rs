//! `POST /_matrix/client/unstable/io.element.msc4195/rtc/livekit/get_token`
//!
//! A token for the SFU. [MSC4195](https://github.com/matrix-org/matrix-spec-proposals/pull/4195)
//!
//! `ruma` has the request as the proposal is now; clients in use send it as it was, with the member as an object.

use http::Method;
use rohrpost_core::{
    Refusal, Result,
    rtc::livekit::{self, GetToken, Member},
};
use ruma::{OwnedRoomId, OwnedServerName};
use serde::{Deserialize, Serialize};

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct Wanted {
    url: Option<String>,
    room_id: OwnedRoomId,
    slot_id: String,
    member_id: Option<String>,
    member: Option<Claimed>,
    server_name: Option<OwnedServerName>,
}

#[derive(Deserialize)]
struct Claimed {
    id: String,
    claimed_device_id: String,
}

#[derive(Serialize)]
pub(crate) struct Token {
    url: String,
    jwt: String,
}

impl OwnEndpoint for Wanted {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_matrix/client/unstable/io.element.msc4195/rtc/livekit/get_token";
    type Answer = Token;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn get_token(
    Authed { server, caller, .. }: Authed,
    Own(wanted): Own<Wanted>,
) -> Result<Answer<Token>> {
    if wanted.server_name.is_some_and(|name| name != *server.name()) {
        return Err(Refusal::InvalidParam(
            "this server gives tokens for its own SFU only".to_owned(),
        ));
    }
    let member = match (wanted.member_id, wanted.member) {
        (Some(id), _) => Member::Id(id),
        (None, Some(claimed)) => Member::OnDevice {
            id: claimed.id,
            device_id: claimed.claimed_device_id,
        },
        (None, None) => return Err(Refusal::MissingParam("member_id is missing".to_owned())),
    };
    let wanted = GetToken {
        caller,
        url: wanted.url,
        room_id: wanted.room_id,
        slot_id: wanted.slot_id,
        member,
    };
    let token = livekit::get_token(&server, wanted).await?;
    Ok(Answer(Token {
        url: token.url,
        jwt: token.jwt,
    }))
}
