//! Messages of our users to devices of other servers, as they wait in the outbox.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging>

use std::collections::BTreeMap;

use ruma::{OwnedServerName, OwnedUserId, UserId};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{Result, Server, random};

/// Where another piece of news begins, in bytes: each is as large as an event, or has one message.
const MAX_EDU_BYTES: usize = 65_536;

/// A message to a device of another server; `*`: to all of the user.
pub(crate) struct Message {
    pub(crate) user_id: OwnedUserId,
    pub(crate) device_id: String,
    /// A JSON object.
    pub(crate) content: String,
}

#[derive(Serialize)]
struct Edu<'a> {
    edu_type: &'static str,
    content: Content<'a>,
}

#[derive(Serialize)]
struct Content<'a> {
    sender: &'a UserId,
    #[serde(rename = "type")]
    kind: &'a str,
    message_id: String,
    messages: &'a BTreeMap<&'a UserId, BTreeMap<&'a str, Box<RawValue>>>,
}

/// The pieces of news that carry these messages, by the servers they are for. Those for servers that are none of this
/// server's partners are left out.
///
/// # Errors
/// When a content isn't JSON.
pub(crate) fn edus(
    server: &Server,
    sender: &UserId,
    kind: &str,
    messages: &[Message],
) -> Result<Vec<(OwnedServerName, String)>> {
    let mut by_server: BTreeMap<OwnedServerName, Vec<&Message>> = BTreeMap::new();
    for message in messages {
        let name = message.user_id.server_name();
        if server.keeps_news_for(name) {
            by_server.entry(name.to_owned()).or_default().push(message);
        }
    }
    let mut edus = Vec::new();
    for (destination, messages) in by_server {
        let mut part = BTreeMap::new();
        let mut bytes = 0;
        for message in messages {
            if bytes > 0 && bytes + message.content.len() > MAX_EDU_BYTES {
                edus.push((destination.clone(), edu(server, sender, kind, &part)?));
                part.clear();
                bytes = 0;
            }
            bytes += message.content.len();
            let content = RawValue::from_string(message.content.clone())?;
            let of_user: &mut BTreeMap<&str, Box<RawValue>> = part.entry(&*message.user_id).or_default();
            of_user.insert(&message.device_id, content);
        }
        edus.push((destination, edu(server, sender, kind, &part)?));
    }
    Ok(edus)
}

fn edu(
    server: &Server,
    sender: &UserId,
    kind: &str,
    messages: &BTreeMap<&UserId, BTreeMap<&str, Box<RawValue>>>,
) -> Result<String> {
    let edu = Edu {
        edu_type: "m.direct_to_device",
        content: Content {
            sender,
            kind,
            message_id: random::name(&*server.rng, 24),
            messages,
        },
    };
    Ok(serde_json::to_string(&edu)?)
}
