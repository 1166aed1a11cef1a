//! What people reported to the administrators.

use ruma::{OwnedUserId, UserId};

use crate::{
    Result, Tx,
    value::{Row, params},
};

/// A report.
#[derive(Clone, Debug)]
pub struct ReportRow {
    /// Its number.
    pub nid: i64,
    /// Who reported.
    pub reporter: OwnedUserId,
    /// The room it is about, or in which the event is. Empty: it is about a person.
    pub room_id: String,
    /// The event or the person. Empty: it is about the room.
    pub target: String,
    /// What the reporter says.
    pub reason: String,
    /// When, ms since the epoch.
    pub created_ts: i64,
}

fn report(row: &Row) -> Result<ReportRow> {
    Ok(ReportRow {
        nid: row.get(0)?,
        reporter: row.get(1)?,
        room_id: row.get(2)?,
        target: row.get(3)?,
        reason: row.get(4)?,
        created_ts: row.get(5)?,
    })
}

impl Tx<'_> {
    /// Keeps a report. Whoever reports the same thing again replaces what they said before.
    pub async fn report_put(
        &mut self,
        reporter: &UserId,
        (room_id, target): (&str, &str),
        reason: &str,
        now_ts: i64,
    ) -> Result<()> {
        let sql = "INSERT INTO reports (reporter, room_id, target, reason, created_ts) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (reporter, room_id, target) DO UPDATE SET reason = excluded.reason, \
                   created_ts = excluded.created_ts";
        self.execute(sql, params![reporter, room_id, target, reason, now_ts])
            .await?;
        Ok(())
    }

    /// Reports, the newest first.
    pub async fn report_list(&mut self, limit: u32) -> Result<Vec<ReportRow>> {
        let sql = "SELECT nid, reporter, room_id, target, reason, created_ts FROM reports \
                   ORDER BY created_ts DESC, nid DESC LIMIT $1";
        self.query(sql, params![limit])
            .await?
            .iter()
            .map(report)
            .collect()
    }

    /// Removes a report that was dealt with. `false`: there is none of this number.
    pub async fn report_delete(&mut self, nid: i64) -> Result<bool> {
        Ok(self
            .execute("DELETE FROM reports WHERE nid = $1", params![nid])
            .await?
            == 1)
    }
}
