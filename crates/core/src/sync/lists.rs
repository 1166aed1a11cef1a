//! Device lists: whose devices the client must ask for again, and whose it may forget.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user>

use std::collections::BTreeSet;

use rohrpost_store::{StreamPos, Tx};
use ruma::{OwnedUserId, UserId, events::room::member::MembershipState};

use crate::{Result, rooms::head::Head};

/// What the rooms of an answer say about device lists.
#[derive(Default)]
pub(crate) struct Lists {
    /// Came to share a room with the user.
    came: BTreeSet<OwnedUserId>,
    /// May not share a room any more.
    went: BTreeSet<OwnedUserId>,
}

impl Lists {
    /// The user joined a room: all its members come into sight.
    pub(crate) async fn joined(&mut self, tx: &mut Tx<'_>, head: &Head) -> Result<()> {
        let members = tx
            .membership_list_in(head.room.nid, &MembershipState::Join)
            .await?;
        self.came.extend(members.into_iter().map(|member| member.user_id));
        Ok(())
    }

    /// The user left a room: its members may be out of sight.
    pub(crate) async fn left(&mut self, tx: &mut Tx<'_>, head: &Head) -> Result<()> {
        let members = tx
            .membership_list_in(head.room.nid, &MembershipState::Join)
            .await?;
        self.went.extend(members.into_iter().map(|member| member.user_id));
        Ok(())
    }

    /// Member events of a room changed since `since`.
    pub(crate) async fn members_changed(
        &mut self,
        tx: &mut Tx<'_>,
        head: &Head,
        users: &[&str],
        since: StreamPos,
    ) -> Result<()> {
        for user in users {
            let Ok(user_id) = <&UserId>::try_from(*user) else {
                continue;
            };
            let Some(member) = tx.membership_get(user_id, head.room.nid).await? else {
                continue;
            };
            match member.membership {
                MembershipState::Join if member.since > since => drop(self.came.insert(member.user_id)),
                MembershipState::Leave | MembershipState::Ban => drop(self.went.insert(member.user_id)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Changed and left, as the client is told.
    pub(crate) async fn finish(
        self,
        tx: &mut Tx<'_>,
        user_id: &UserId,
        since: StreamPos,
        now: StreamPos,
    ) -> Result<(BTreeSet<OwnedUserId>, BTreeSet<OwnedUserId>)> {
        let mut changed = self.came;
        changed.remove(user_id);
        changed.extend(tx.device_list_changed(user_id, since, now).await?);
        let mut left = BTreeSet::new();
        for user in self.went {
            if user != *user_id
                && !changed.contains(&user)
                && !tx.membership_is_sharing(user_id, &user).await?
            {
                left.insert(user);
            }
        }
        Ok((changed, left))
    }
}
