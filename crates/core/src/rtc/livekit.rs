//! Tokens for the SFU of this server, for members of the room only.
//!
//! The SFU learns neither room nor person: both are hashes. It makes the room of a call when its first member comes.
//!
//! [MSC4195](https://github.com/matrix-org/matrix-spec-proposals/pull/4195)

use std::sync::Arc;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, Mac};
use ruma::OwnedRoomId;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{Caller, Refusal, Result, Server, settings::SharedSecret};

/// How long a token lets somebody in, in seconds. Who is in stays in.
const LIFETIME_S: i64 = 60 * 60;
/// How far the clock of the SFU may be behind, in seconds.
const LEEWAY_S: i64 = 60;
/// Longest name of a slot or a member, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// The SFU of this server.
#[derive(Clone)]
pub struct Livekit {
    /// Where clients reach it: `wss://...`.
    pub url: String,
    /// The name of the key that SFU and server share.
    pub key: String,
    /// The key.
    pub secret: SharedSecret,
}

/// How a member is named towards the SFU.
pub enum Member {
    /// By a random id, new for each call.
    Id(String),
    /// By an id together with the device, as clients of the earlier proposal do.
    OnDevice {
        /// The id.
        id: String,
        /// The device that they say they are; must be the one that asks.
        device_id: String,
    },
    /// By user and device in the clear: the first way, which some clients still have.
    Plain,
}

/// A token that is wanted.
pub struct GetToken {
    /// Who asks.
    pub caller: Caller,
    /// The SFU, if the client names it; must be this server's.
    pub url: Option<String>,
    /// The room of the call.
    pub room_id: OwnedRoomId,
    /// The call in the room.
    pub slot_id: String,
    /// The caller's name in the call.
    pub member: Member,
}

/// A token for the SFU. Holds a secret, so it has no `Debug`.
pub struct Token {
    /// The SFU.
    pub url: String,
    /// The token, a JWT.
    pub jwt: String,
}

/// Makes a token.
///
/// # Errors
/// `NotFound` when there is no SFU, `InvalidParam` for another SFU or device, `Forbidden` when the caller isn't in the
/// room.
pub async fn get_token(server: &Arc<Server>, wanted: GetToken) -> Result<Token> {
    let livekit = server.settings.livekit.as_ref();
    let livekit = livekit.ok_or_else(|| Refusal::NotFound("this server has no calls".to_owned()))?;
    let same = |url: &str| url.trim_end_matches('/') == livekit.url.trim_end_matches('/');
    if wanted.url.as_deref().is_some_and(|url| !same(url)) {
        return Err(Refusal::InvalidParam(
            "this is not the SFU of this server; ask for transports to find it".to_owned(),
        ));
    }
    let caller = &wanted.caller;
    let identity = match &wanted.member {
        Member::Id(id) => pseudonym(&[caller.user_id.as_str(), short(id)?])?,
        Member::OnDevice { id, device_id } if *device_id == caller.device_id.as_str() => {
            pseudonym(&[caller.user_id.as_str(), device_id, short(id)?])?
        }
        Member::OnDevice { .. } => {
            return Err(Refusal::InvalidParam("this is another device's name".to_owned()));
        }
        Member::Plain => format!("{}:{}", caller.user_id, caller.device_id),
    };
    let room = pseudonym(&[wanted.room_id.as_str(), short(&wanted.slot_id)?])?;
    let (server_, user_id, room_id) = (Arc::clone(server), caller.user_id.clone(), wanted.room_id.clone());
    let is_joined = server.store.read(move |tx| {
        Box::pin(async move {
            let head = server_.heads.read(tx, &room_id).await?;
            Ok::<_, Refusal>(head.local_joined.binary_search(&user_id).is_ok())
        })
    });
    if !is_joined.await? {
        return Err(Refusal::not_in_room());
    }
    let now_s = server.now_ts() / 1000;
    let claims = Claims {
        iss: &livekit.key,
        sub: &identity,
        nbf: now_s - LEEWAY_S,
        exp: now_s + LIFETIME_S,
        video: Grant {
            room: &room,
            room_join: true,
            room_create: false,
            can_publish: true,
            can_subscribe: true,
            can_publish_data: true,
            can_update_own_metadata: true,
        },
    };
    Ok(Token {
        url: livekit.url.clone(),
        jwt: sign(&claims, livekit.secret.as_bytes())?,
    })
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    nbf: i64,
    exp: i64,
    video: Grant<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the SFU's own words")]
struct Grant<'a> {
    room: &'a str,
    room_join: bool,
    room_create: bool,
    can_publish: bool,
    can_subscribe: bool,
    can_publish_data: bool,
    can_update_own_metadata: bool,
}

fn short(name: &str) -> Result<&str> {
    match name.len() {
        1..=MAX_NAME_BYTES => Ok(name),
        _ => Err(Refusal::InvalidParam(format!(
            "names of calls and their members have 1 to {MAX_NAME_BYTES} bytes"
        ))),
    }
}

/// A name that says nothing to who doesn't know the parts. An array of texts as JSON is canonical JSON already.
fn pseudonym(parts: &[&str]) -> Result<String> {
    Ok(STANDARD_NO_PAD.encode(Sha256::digest(serde_json::to_string(parts)?)))
}

/// A JWT, signed with HMAC-SHA256.
fn sign(claims: &Claims<'_>, secret: &[u8]) -> Result<String> {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = URL_SAFE_NO_PAD.encode(serde_json::to_string(claims)?);
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret).map_err(|error| Refusal::Internal(error.to_string()))?;
    mac.update(format!("{header}.{claims}").as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    Ok(format!("{header}.{claims}.{signature}"))
}

#[cfg(test)]
mod tests {
    use super::pseudonym;

    #[test]
    fn members_have_the_names_that_clients_compute() {
        // The vector that clients test with.
        let name = pseudonym(&["@alice:example.com", "DEVICE123", "memberABC"]).expect("texts");
        assert_eq!(name, "J+T45tGruxc+HrUOqJJlyQSV33m728Cme4+vt8/SWrU");
    }
}
