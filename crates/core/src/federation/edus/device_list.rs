//! `m.device_list_update` and `m.signing_key_update`: somebody's devices or identity changed. What they are now is asked of
//! their server when somebody here needs it; what stands in the news isn't believed.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#device-management>

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use ruma::{OwnedUserId, ServerName};

use super::is_of;
use crate::{Refusal, Result, Server, devices::changed::changed};

struct Unit {
    user_id: OwnedUserId,
}

pub(super) async fn receive(server: &Arc<Server>, origin: &ServerName, user_id: OwnedUserId) -> Result<()> {
    if !is_of(&user_id, origin) {
        return Ok(());
    }
    server.store.write(Unit { user_id }).await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        // Nobody here needs to know of those with whom they share no room.
        if tx.membership_local_sharing(&self.user_id).await?.is_empty() {
            return Ok(());
        }
        changed(tx, &self.user_id).await
    }
}
