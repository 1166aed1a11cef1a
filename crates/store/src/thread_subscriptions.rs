//! Threads that people follow.

use ruma::{EventId, OwnedEventId, OwnedRoomId, UserId};

use crate::{
    Result, RoomNid, StreamPos, Tx,
    value::{Row, params},
};

/// How a user stands to a thread that they followed at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadSubscription {
    /// Whether they follow it now.
    pub subscribed: bool,
    /// A client subscribed by itself.
    pub automatic: bool,
    /// When this last changed.
    pub pos: StreamPos,
}

/// A thread with its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedThread {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The event that the thread began with.
    pub root_id: OwnedEventId,
    /// How the user stands to it.
    pub subscription: ThreadSubscription,
}

fn subscription(row: &Row, from: usize) -> Result<ThreadSubscription> {
    Ok(ThreadSubscription {
        subscribed: row.get(from)?,
        automatic: row.get(from + 1)?,
        pos: row.get(from + 2)?,
    })
}

impl Tx<'_> {
    /// How a user stands to a thread; `None`: they never followed it.
    pub async fn thread_subscription_get(
        &mut self,
        user_id: &UserId,
        room: RoomNid,
        root_id: &EventId,
    ) -> Result<Option<ThreadSubscription>> {
        let sql = "SELECT subscribed, automatic, pos FROM thread_subscriptions \
                   WHERE user_id = $1 AND room_nid = $2 AND root_id = $3";
        let row = self.query_opt(sql, params![user_id, room, root_id]).await?;
        row.map(|row| subscription(&row, 0)).transpose()
    }

    /// Notes how a user stands to a thread from now on.
    pub async fn thread_subscription_put(
        &mut self,
        user_id: &UserId,
        room: RoomNid,
        root_id: &EventId,
        new: ThreadSubscription,
    ) -> Result<()> {
        let sql = "INSERT INTO thread_subscriptions (user_id, room_nid, root_id, subscribed, automatic, pos) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id, room_nid, root_id) DO UPDATE SET \
                   subscribed = excluded.subscribed, automatic = excluded.automatic, pos = excluded.pos";
        let values = params![user_id, room, root_id, new.subscribed, new.automatic, new.pos];
        self.put(sql, values).await
    }

    /// What changed for a user after `after` up to and including `upto`, the newest first.
    pub async fn thread_subscription_list(
        &mut self,
        user_id: &UserId,
        after: StreamPos,
        upto: StreamPos,
        limit: u32,
    ) -> Result<Vec<ListedThread>> {
        let sql = "SELECT r.room_id, t.root_id, t.subscribed, t.automatic, t.pos FROM thread_subscriptions t \
                   JOIN rooms r ON r.nid = t.room_nid WHERE t.user_id = $1 AND t.pos > $2 AND t.pos <= $3 \
                   ORDER BY t.pos DESC LIMIT $4";
        let rows = self.query(sql, params![user_id, after, upto, limit]).await?;
        let listed = rows.iter().map(|row| {
            Ok(ListedThread {
                room_id: row.get(0)?,
                root_id: row.get(1)?,
                subscription: subscription(row, 2)?,
            })
        });
        listed.collect()
    }
}
