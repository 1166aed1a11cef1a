//! Server access control lists: which servers may take part in a room.
//!
//! They concern the server that makes a request or sends an event, never the event: nothing here is part of the
//! authorization rules. Start with [`ServerAcl::new`].

use ruma::ServerName;
use ruma::events::room::server_acl::RoomServerAclEventContent;
use serde_json::{Map, Value};

use crate::pdu::Pdu;

/// The room's access control list, read once and asked for many servers.
///
/// # Spec
///
/// [`m.room.server_acl`](https://spec.matrix.org/v1.19/client-server-api/#mroomserver_acl)
#[derive(Debug, Clone)]
pub struct ServerAcl {
    /// `None` without a list: everybody may.
    content: Option<RoomServerAclEventContent>,
}

impl ServerAcl {
    /// Reads the room's `m.room.server_acl` event, if there is one.
    ///
    /// What isn't of the right type in it counts as if it weren't there, entry by entry: one bad entry must not
    /// open a room or close it.
    pub fn new(event: Option<&Pdu>) -> Self {
        let content = event.map(|pdu| pdu.content_as::<Map<String, Value>>().unwrap_or_default());
        Self {
            content: content.map(|content| {
                // "Defaults to true if missing or otherwise not a boolean."
                let allow_ip_literals = content
                    .get("allow_ip_literals")
                    .and_then(Value::as_bool)
                    .unwrap_or(true);
                RoomServerAclEventContent::new(
                    allow_ip_literals,
                    patterns(&content, "allow"),
                    patterns(&content, "deny"),
                )
            }),
        }
    }

    /// Whether the server may take part: send events of the room, and read what is in it.
    ///
    /// Costs at most (bytes of the event) × (length of the server name) steps, whatever the patterns.
    ///
    /// # Spec
    ///
    /// [Server ACLs](https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls)
    pub fn allows(&self, server: &ServerName) -> bool {
        // "1. If there is no m.room.server_acl event in the room state, allow." The other four are ruma's.
        self.content
            .as_ref()
            .is_none_or(|content| content.is_allowed(server))
    }
}

fn patterns(content: &Map<String, Value>, field: &str) -> Vec<String> {
    content
        .get(field)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .filter_map(|pattern| pattern.as_str().map(ToOwned::to_owned))
        .collect()
}

#[cfg(test)]
mod tests;
