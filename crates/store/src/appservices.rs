//! How far application services were told what happened.

use ruma::OwnedRoomId;

use crate::{EventNid, Result, RoomNid, StreamPos, Tx, value::params};

/// How far a service was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppserviceProgress {
    /// It has everything up to here.
    pub pos: StreamPos,
    /// The number of the last transaction that it took.
    pub txn: i64,
    /// The end of the transaction under way.
    pub pending: Option<StreamPos>,
}

impl Tx<'_> {
    /// How far a service was told. `None`: it is new.
    pub async fn appservice_get(&mut self, id: &str) -> Result<Option<AppserviceProgress>> {
        let sql = "SELECT pos, txn, pending_pos FROM appservices WHERE appservice_id = $1";
        let Some(row) = self.query_opt(sql, params![id]).await? else {
            return Ok(None);
        };
        Ok(Some(AppserviceProgress {
            pos: row.get(0)?,
            txn: row.get(1)?,
            pending: row.get(2)?,
        }))
    }

    /// Notes how far a service was told.
    pub async fn appservice_put(&mut self, id: &str, progress: &AppserviceProgress) -> Result<()> {
        let sql = "INSERT INTO appservices (appservice_id, pos, txn, pending_pos) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (appservice_id) DO UPDATE SET pos = excluded.pos, txn = excluded.txn, \
                   pending_pos = excluded.pending_pos";
        let values = params![id, progress.pos, progress.txn, progress.pending];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// The accepted timeline events of all rooms after `after` up to and including `upto`, oldest first: room and
    /// number.
    pub async fn event_list_everywhere(
        &mut self,
        after: StreamPos,
        upto: StreamPos,
        limit: u32,
    ) -> Result<Vec<(RoomNid, OwnedRoomId, EventNid)>> {
        let sql = "SELECT r.nid, r.room_id, e.nid FROM events e JOIN rooms r ON r.nid = e.room_nid \
                   WHERE e.nid > $1 AND e.nid <= $2 AND e.pos IS NOT NULL AND e.status = 0 ORDER BY e.nid LIMIT $3";
        let rows = self.query(sql, params![after, upto, limit]).await?;
        rows.iter()
            .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .collect()
    }

    /// The rooms where receipts or typing changed after `after` up to and including `upto`.
    pub async fn ephemeral_rooms(
        &mut self,
        after: StreamPos,
        upto: StreamPos,
        limit: u32,
    ) -> Result<Vec<(RoomNid, OwnedRoomId)>> {
        let sql = "SELECT nid, room_id FROM rooms WHERE nid IN \
                   (SELECT room_nid FROM receipts WHERE pos > $1 AND pos <= $2 \
                   UNION SELECT room_nid FROM typing WHERE pos > $1 AND pos <= $2) ORDER BY nid LIMIT $3";
        let rows = self.query(sql, params![after, upto, limit]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// Whether typing in a room changed after `after` up to and including `upto`.
    pub async fn typing_changed(&mut self, room: RoomNid, after: StreamPos, upto: StreamPos) -> Result<bool> {
        let sql = "SELECT 1 FROM typing WHERE room_nid = $1 AND pos > $2 AND pos <= $3 LIMIT 1";
        Ok(self.query_opt(sql, params![room, after, upto]).await?.is_some())
    }
}
