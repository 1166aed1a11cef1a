//! Whom a user wants to hear nothing of.
//!
//! Clients keep the list as account data. Messages of these people are left out of what the user is shown, their
//! state events are not.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#ignoring-users>

use std::collections::HashSet;

use rohrpost_store::{AccountData, EventRow, GLOBAL, Tx};
use ruma::{OwnedUserId, UserId, events::ignored_user_list::IgnoredUserListEventContent};

use crate::Result;

/// The type of the account data.
pub(crate) const KIND: &str = "m.ignored_user_list";

/// Whom a user wants to hear nothing of.
#[derive(Default)]
pub(crate) struct Ignored(HashSet<OwnedUserId>);

impl Ignored {
    pub(crate) async fn of(tx: &mut Tx<'_>, user_id: &UserId) -> Result<Self> {
        let data = tx.account_data_get(user_id, GLOBAL, KIND).await?;
        Ok(Self::read(user_id, data.as_ref()))
    }

    /// From the list as it is kept. Clients write it as they like; what can't be read ignores nobody, and nobody
    /// ignores themselves.
    pub(crate) fn read(user_id: &UserId, data: Option<&AccountData>) -> Self {
        let content =
            data.and_then(|data| serde_json::from_str::<IgnoredUserListEventContent>(&data.content).ok());
        let mut users: HashSet<OwnedUserId> = content
            .map(|content| content.ignored_users.into_keys().collect())
            .unwrap_or_default();
        users.remove(user_id);
        Self(users)
    }

    /// Whether this user is ignored.
    pub(crate) fn contains(&self, user_id: &UserId) -> bool {
        self.0.contains(user_id)
    }

    /// Whether this event isn't shown. "Servers must still send state events sent by ignored users to clients."
    pub(crate) fn hides(&self, row: &EventRow) -> bool {
        row.state_key.is_none() && self.contains(&row.sender)
    }
}

#[cfg(test)]
mod tests {
    use rohrpost_store::{AccountData, GLOBAL, StreamPos};
    use ruma::user_id;

    use super::{Ignored, KIND};

    #[test]
    fn a_list_that_can_not_be_read_ignores_nobody_and_nobody_ignores_themselves() {
        let (anna, ben) = (user_id!("@anna:example.org"), user_id!("@ben:example.org"));
        for (content, ignores_ben) in [
            (
                r#"{"ignored_users":{"@ben:example.org":{},"@anna:example.org":{}}}"#,
                true,
            ),
            (r#"{"ignored_users":["@ben:example.org"]}"#, false),
            ("{}", false),
        ] {
            let data = AccountData {
                room: GLOBAL,
                kind: KIND.to_owned(),
                content: content.to_owned(),
                pos: StreamPos(1),
            };
            let ignored = Ignored::read(anna, Some(&data));
            assert_eq!(ignored.contains(ben), ignores_ben, "{content}");
            assert!(!ignored.contains(anna), "{content}");
        }
    }
}
