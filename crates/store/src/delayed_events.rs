//! Events that are to be sent later.

use ruma::{EventId, OwnedDeviceId, OwnedEventId, OwnedRoomId, OwnedUserId, UserId};

use crate::{
    Result, Tx,
    value::{Row, params},
};

/// An event that is to be sent later, or was.
#[derive(Clone)]
pub struct DelayedEvent {
    /// Its name. Whoever knows it may restart, cancel or send it.
    pub delay_id: String,
    /// Who sends it.
    pub user_id: OwnedUserId,
    /// From which device.
    pub device_id: OwnedDeviceId,
    /// Where to.
    pub room_id: OwnedRoomId,
    /// Its type.
    pub kind: String,
    /// Its state key, for state events.
    pub state_key: Option<String>,
    /// Its content: a JSON object. Empty once it was sent.
    pub content: String,
    /// How long it is sticky, in ms.
    pub sticky_ms: Option<i64>,
    /// The device's name for the request; empty for state events.
    pub txn_id: String,
    /// How long it waits, in ms.
    pub delay_ms: i64,
    /// Since when it waits, ms since the epoch.
    pub running_since_ts: i64,
    /// When it was sent, cancelled or refused, ms since the epoch.
    pub finalised_ts: Option<i64>,
    /// What it became.
    pub event_id: Option<OwnedEventId>,
    /// Why it was refused: errcode and words.
    pub error: Option<(String, String)>,
}

impl DelayedEvent {
    /// When it is to be sent, ms since the epoch.
    #[must_use]
    pub fn send_ts(&self) -> i64 {
        self.running_since_ts.saturating_add(self.delay_ms)
    }
}

fn delayed(row: &Row) -> Result<DelayedEvent> {
    let (errcode, error): (Option<String>, Option<String>) = (row.get(13)?, row.get(14)?);
    Ok(DelayedEvent {
        delay_id: row.get(0)?,
        user_id: row.get(1)?,
        device_id: row.get(2)?,
        room_id: row.get(3)?,
        kind: row.get(4)?,
        state_key: row.get(5)?,
        content: row.get(6)?,
        sticky_ms: row.get(7)?,
        txn_id: row.get(8)?,
        delay_ms: row.get(9)?,
        running_since_ts: row.get(10)?,
        finalised_ts: row.get(11)?,
        event_id: row.get(12)?,
        error: errcode.zip(error),
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT delay_id, user_id, device_id, room_id, kind, state_key, content, sticky_ms, txn_id, delay_ms, \
             running_since_ts, finalised_ts, event_id, errcode, error FROM delayed_events ",
            $rest
        )
    };
}

impl Tx<'_> {
    /// Keeps an event that is to be sent later.
    pub async fn delayed_event_insert(&mut self, new: &DelayedEvent) -> Result<()> {
        let sql = "INSERT INTO delayed_events (delay_id, user_id, device_id, room_id, kind, state_key, content, sticky_ms, \
                   txn_id, delay_ms, running_since_ts, send_ts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        let values = params![
            &new.delay_id,
            &new.user_id,
            &new.device_id,
            &new.room_id,
            &new.kind,
            new.state_key.as_ref(),
            &new.content,
            new.sticky_ms,
            &new.txn_id,
            new.delay_ms,
            new.running_since_ts,
            new.send_ts()
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// One of them, whatever became of it.
    pub async fn delayed_event_get(&mut self, delay_id: &str) -> Result<Option<DelayedEvent>> {
        let sql = select!("WHERE delay_id = $1");
        let row = self.query_opt(sql, params![delay_id]).await?;
        row.as_ref().map(delayed).transpose()
    }

    /// The same as [`Tx::delayed_event_get`], keeping others from deciding about it until the commit.
    pub async fn delayed_event_lock(&mut self, delay_id: &str) -> Result<Option<DelayedEvent>> {
        let sql = self.choose(
            select!("WHERE delay_id = $1"),
            select!("WHERE delay_id = $1 FOR UPDATE"),
        );
        let row = self.query_opt(sql, params![delay_id]).await?;
        row.as_ref().map(delayed).transpose()
    }

    /// Those of a user, in the order in which they are or were to be sent.
    pub async fn delayed_event_list(&mut self, user_id: &UserId, limit: u32) -> Result<Vec<DelayedEvent>> {
        let sql = select!("WHERE user_id = $1 ORDER BY send_ts, delay_id LIMIT $2");
        let rows = self.query(sql, params![user_id, limit]).await?;
        rows.iter().map(delayed).collect()
    }

    /// How many of a user's are still to be sent, and when the next one is.
    pub async fn delayed_event_waiting(&mut self, user_id: &UserId) -> Result<(i64, Option<i64>)> {
        let sql =
            "SELECT COUNT(*), MIN(send_ts) FROM delayed_events WHERE user_id = $1 AND finalised_ts IS NULL";
        let row = self.query_one(sql, params![user_id]).await?;
        Ok((row.get(0)?, row.get(1)?))
    }

    /// Those whose time has come, the longest overdue first.
    pub async fn delayed_event_due(&mut self, now_ts: i64, limit: u32) -> Result<Vec<DelayedEvent>> {
        let sql = select!("WHERE finalised_ts IS NULL AND send_ts <= $1 ORDER BY send_ts LIMIT $2");
        let rows = self.query(sql, params![now_ts, limit]).await?;
        rows.iter().map(delayed).collect()
    }

    /// Lets the time of one begin anew.
    pub async fn delayed_event_restart(&mut self, delay_id: &str, now_ts: i64) -> Result<()> {
        let sql =
            "UPDATE delayed_events SET running_since_ts = $2, send_ts = $2 + delay_ms WHERE delay_id = $1";
        self.execute(sql, params![delay_id, now_ts]).await?;
        Ok(())
    }

    /// Notes that one was cancelled.
    pub async fn delayed_event_cancelled(&mut self, delay_id: &str, now_ts: i64) -> Result<()> {
        let sql = "UPDATE delayed_events SET finalised_ts = $2 WHERE delay_id = $1";
        self.execute(sql, params![delay_id, now_ts]).await?;
        Ok(())
    }

    /// Notes that one was sent, and drops its content.
    pub async fn delayed_event_sent(
        &mut self,
        delay_id: &str,
        event_id: &EventId,
        now_ts: i64,
    ) -> Result<()> {
        let sql =
            "UPDATE delayed_events SET finalised_ts = $3, event_id = $2, content = '{}' WHERE delay_id = $1";
        self.execute(sql, params![delay_id, event_id, now_ts]).await?;
        Ok(())
    }

    /// Notes that one was refused, and why.
    pub async fn delayed_event_refused(
        &mut self,
        delay_id: &str,
        errcode: &str,
        error: &str,
        now_ts: i64,
    ) -> Result<()> {
        let sql = "UPDATE delayed_events SET finalised_ts = $4, errcode = $2, error = $3 WHERE delay_id = $1";
        self.execute(sql, params![delay_id, errcode, error, now_ts])
            .await?;
        Ok(())
    }

    /// Forgets those that were decided before `before_ts`.
    pub async fn delayed_event_delete_old(&mut self, before_ts: i64) -> Result<u64> {
        let sql = "DELETE FROM delayed_events WHERE finalised_ts IS NOT NULL AND finalised_ts < $1";
        self.execute(sql, params![before_ts]).await
    }

    /// Forgets those of a user that were decided, but for the newest `keep`.
    pub async fn delayed_event_trim(&mut self, user_id: &UserId, keep: u32) -> Result<()> {
        let sql = "DELETE FROM delayed_events WHERE user_id = $1 AND finalised_ts < (SELECT d.finalised_ts FROM delayed_events d \
                   WHERE d.user_id = $1 AND d.finalised_ts IS NOT NULL ORDER BY d.finalised_ts DESC LIMIT 1 OFFSET $2)";
        self.execute(sql, params![user_id, keep]).await?;
        Ok(())
    }
}
