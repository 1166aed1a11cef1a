//! `m.typing`
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#typing-notifications>

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use ruma::{
    OwnedServerName, ServerName, api::federation::transactions::edu::TypingContent,
    events::room::member::MembershipState,
};

use super::{is_of, room};
use crate::{Refusal, Result, Server, personal::typing::note};

/// How long somebody types of whom nothing else is heard, in ms. Servers repeat it before that.
const TYPES_MS: i64 = 60_000;

struct Unit {
    server: Arc<Server>,
    origin: OwnedServerName,
    content: TypingContent,
    now_ts: i64,
}

pub(super) async fn receive(server: &Arc<Server>, origin: &ServerName, content: TypingContent) -> Result<()> {
    if !is_of(&content.user_id, origin) {
        return Ok(());
    }
    let unit = Unit {
        server: Arc::clone(server),
        origin: origin.to_owned(),
        content,
        now_ts: server.now_ts(),
    };
    server.store.write(unit).await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let TypingContent {
            room_id,
            user_id,
            typing,
            ..
        } = &self.content;
        let Some(head) = room(&self.server, tx, &self.origin, room_id).await? else {
            return Ok(());
        };
        let member = tx.membership_get(user_id, head.room.nid).await?;
        if member.is_none_or(|member| member.membership != MembershipState::Join) {
            return Ok(());
        }
        let types_ms = if *typing { TYPES_MS } else { 0 };
        note(tx, &head, user_id, self.now_ts, types_ms).await
    }
}
