//! Web Push begins when the client has shown what it was sent: then the address is one that it reads.

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use subtle::ConstantTimeEq;

use crate::{Caller, Refusal, Result, Server};

struct Unit {
    caller: Caller,
    app_id: String,
    token: String,
    now_ts: i64,
}

/// Puts the caller's pusher to use whose token this is.
///
/// # Errors
/// `NotFound` when there is no pusher of this application, `UnknownActivationToken` when the token isn't known or its
/// five minutes are over.
pub async fn activate(server: &Arc<Server>, caller: Caller, app_id: String, token: String) -> Result<()> {
    let now_ts = server.now_ts();
    server
        .store
        .write(Unit {
            caller,
            app_id,
            token,
            now_ts,
        })
        .await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let user_id = &self.caller.user_id;
        let tokens = tx.pusher_ack_tokens(user_id, &self.app_id).await?;
        if tokens.is_empty() {
            return Err(Refusal::not_found("pusher"));
        }
        let is_it = |token: &Option<String>| {
            token
                .as_ref()
                .is_some_and(|token| bool::from(token.as_bytes().ct_eq(self.token.as_bytes())))
        };
        let found = tokens
            .iter()
            .find(|(_, token, until_ts)| is_it(token) && self.now_ts < *until_ts);
        let Some((pushkey, _, _)) = found else {
            return Err(Refusal::UnknownActivationToken);
        };
        let at = tx.pos_now().await?;
        tx.pusher_activate(user_id, &self.app_id, pushkey, at).await?;
        Ok(())
    }
}
