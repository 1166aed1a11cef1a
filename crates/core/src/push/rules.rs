//! The push rules of a user: what the specification predefines, with the user's own rules and changes.
//!
//! They are kept as account data `m.push_rules`, from the first change on, so that a sync tells all devices.
//! Until then they are worked out. Rules that the specification predefines later are added when rules are read.

use std::sync::Arc;

use rohrpost_store::{AccountData, GLOBAL, StreamPos, Tx};
use ruma::{UserId, events::push_rules::PushRulesEventContent, push::Ruleset};

use crate::{Caller, Result, Server};

/// The type of account data that push rules are kept as.
pub const KIND: &str = "m.push_rules";

/// The rules of a user.
///
/// # Errors
/// Those of the store.
///
/// # Spec
/// [Push rules](https://spec.matrix.org/v1.19/client-server-api/#push-rules)
pub async fn ruleset(tx: &mut Tx<'_>, user_id: &UserId) -> Result<Ruleset> {
    let stored = tx.account_data_get(user_id, GLOBAL, KIND).await?;
    read(user_id, stored.as_ref())
}

/// The rules of a user as account data, also when the user never changed them. Then `pos` is zero, and no
/// [`account_data_list`](Tx::account_data_list) has them: an initial sync adds them.
///
/// # Errors
/// Those of the store.
pub async fn account_data_event(tx: &mut Tx<'_>, user_id: &UserId) -> Result<AccountData> {
    let stored = tx.account_data_get(user_id, GLOBAL, KIND).await?;
    let pos = stored.as_ref().map_or(StreamPos(0), |stored| stored.pos);
    account_data(read(user_id, stored.as_ref())?, pos)
}

/// The rules in their stored form.
pub(crate) fn account_data(rules: Ruleset, pos: StreamPos) -> Result<AccountData> {
    let content = serde_json::to_string(&PushRulesEventContent::new(rules))?;
    Ok(AccountData {
        room: GLOBAL,
        kind: KIND.to_owned(),
        content,
        pos,
    })
}

/// The rules, from their stored form if there is one.
pub(crate) fn read(user_id: &UserId, stored: Option<&AccountData>) -> Result<Ruleset> {
    let Some(stored) = stored else {
        return Ok(Ruleset::server_default(user_id));
    };
    let mut rules = serde_json::from_str::<PushRulesEventContent>(&stored.content)?.global;
    rules.update_with_server_default(Ruleset::server_default(user_id));
    Ok(rules)
}

/// The rules of the caller.
///
/// # Errors
/// Those of the store.
pub async fn get(server: &Arc<Server>, caller: &Caller) -> Result<Ruleset> {
    let user_id = caller.user_id.clone();
    server
        .store
        .read(move |tx| Box::pin(async move { ruleset(tx, &user_id).await }))
        .await
}
