//! Device lists: whose devices the client must ask for again, and whose it may forget.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#tracking-the-device-list-for-a-user>

use std::collections::BTreeSet;

use rohrpost_store::{RoomNid, StreamPos, Tx};
use ruma::{
    OwnedUserId, UserId,
    events::{StateEventType, room::member::MembershipState},
};

use crate::Result;

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
    pub(crate) async fn joined(&mut self, tx: &mut Tx<'_>, room: RoomNid) -> Result<()> {
        let members = tx.membership_list_in(room, &MembershipState::Join).await?;
        self.came.extend(members.into_iter().map(|member| member.user_id));
        Ok(())
    }

    /// The user left a room: its members may be out of sight.
    pub(crate) async fn left(&mut self, tx: &mut Tx<'_>, room: RoomNid) -> Result<()> {
        let members = tx.membership_list_in(room, &MembershipState::Join).await?;
        self.went.extend(members.into_iter().map(|member| member.user_id));
        Ok(())
    }

    /// Member events of a room changed since `since`.
    pub(crate) async fn members_changed(
        &mut self,
        tx: &mut Tx<'_>,
        room: RoomNid,
        users: &[&str],
        since: StreamPos,
    ) -> Result<()> {
        let users: Vec<&UserId> = users
            .iter()
            .filter_map(|user| <&UserId>::try_from(*user).ok())
            .collect();
        for member in tx.membership_get_each(room, &users).await? {
            match member.membership {
                MembershipState::Join if member.since > since => drop(self.came.insert(member.user_id)),
                MembershipState::Leave | MembershipState::Ban => drop(self.went.insert(member.user_id)),
                _ => {}
            }
        }
        Ok(())
    }

    /// What all rooms say, where `active` are the joined rooms with events between the two positions.
    pub(crate) async fn between(
        tx: &mut Tx<'_>,
        user_id: &UserId,
        active: &BTreeSet<RoomNid>,
        since: StreamPos,
        now: StreamPos,
    ) -> Result<Self> {
        let mut lists = Self::default();
        let mut joined = BTreeSet::new();
        for member in tx.membership_list_changed(user_id, since, now).await? {
            match member.membership {
                MembershipState::Join if member.since > since => {
                    joined.insert(member.room);
                    lists.joined(tx, member.room).await?;
                }
                MembershipState::Leave | MembershipState::Ban => lists.left(tx, member.room).await?,
                _ => {}
            }
        }
        for room in active.difference(&joined) {
            let changed = tx.state_current_list(*room, Some(since)).await?;
            let members: Vec<_> = changed
                .iter()
                .filter(|entry| entry.kind == StateEventType::RoomMember)
                .map(|entry| &*entry.state_key)
                .collect();
            lists.members_changed(tx, *room, &members, since).await?;
        }
        Ok(lists)
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
        let mut left = self.went;
        left.retain(|user| user != user_id && !changed.contains(user));
        let went: Vec<OwnedUserId> = left.iter().cloned().collect();
        for user in tx.membership_sharing_each(user_id, &went).await? {
            left.remove(&user);
        }
        Ok((changed, left))
    }
}
