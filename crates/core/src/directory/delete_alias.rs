//! Removing an alias.

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use ruma::OwnedRoomAliasId;

use crate::{Caller, Refusal, Result, Server, directory::may_administer};

struct Unit {
    server: Arc<Server>,
    caller: Caller,
    alias: OwnedRoomAliasId,
}

/// Removes an alias. The room's events, which may name it, stay as they are.
///
/// # Errors
/// `NotFound`; `Exclusive` for an alias of an application service; `Forbidden` unless the caller made the alias, has the power to set the room's canonical alias, or
/// is an administrator.
///
/// # Spec
/// [Room aliases](https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3directoryroomroomalias)
pub async fn delete(server: &Arc<Server>, caller: Caller, alias: OwnedRoomAliasId) -> Result<()> {
    // An administrator may all the same: the service may be gone for good.
    let services = &server.settings.appservices;
    if !caller.administrator && services.keep_alias(&alias, caller.appservice.as_deref()) {
        return Err(Refusal::Exclusive);
    }
    server
        .store
        .write(Unit {
            server: Arc::clone(server),
            caller,
            alias,
        })
        .await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let not_found = || Refusal::not_found("room alias");
        let row = tx.alias_get(&self.alias).await?.ok_or_else(not_found)?;
        if row.creator != self.caller.user_id {
            let mut head = self.server.heads.read(tx, &row.room_id).await?;
            if !may_administer(tx, &mut head, &self.caller).await? {
                return Err(Refusal::Forbidden(
                    "this address was made by somebody else".to_owned(),
                ));
            }
        }
        match tx.alias_delete(&self.alias).await? {
            true => Ok(()),
            false => Err(not_found()),
        }
    }
}
