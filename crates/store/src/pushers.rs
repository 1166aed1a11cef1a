//! Where devices want to be notified.

use std::collections::HashSet;

use ruma::{DeviceId, OwnedUserId, UserId};

use crate::{
    Result, StreamPos, Tx,
    value::{Row, Value, params},
};

/// A pusher.
#[derive(Clone)]
pub struct PusherRow {
    /// The application.
    pub app_id: String,
    /// Where the push gateway finds the device. Secret.
    pub pushkey: String,
    /// As the client set it: JSON.
    pub json: String,
}

/// A pusher that has something to say.
#[derive(Clone)]
pub struct DuePusher {
    /// Whose it is.
    pub user_id: OwnedUserId,
    /// The pusher.
    pub pusher: PusherRow,
    /// There is something to say up to here.
    pub due: StreamPos,
    /// It was said up to here.
    pub upto: StreamPos,
    /// Failures in a row.
    pub failures: i64,
    /// The number on the icon that was told last; -1: none.
    pub badge: i64,
    /// What its client has to show before it is used. `None`: it is in use.
    pub ack_token: Option<String>,
}

/// What became of an attempt to say something.
#[derive(Clone, Copy, Debug)]
pub struct PusherProgress {
    /// It was said up to here.
    pub upto: StreamPos,
    /// The number on the icon that was told last.
    pub badge: i64,
    /// Failures in a row.
    pub failures: i64,
    /// Not again before.
    pub retry_ts: i64,
}

fn due(row: &Row) -> Result<DuePusher> {
    Ok(DuePusher {
        user_id: row.get(0)?,
        pusher: PusherRow {
            app_id: row.get(1)?,
            pushkey: row.get(2)?,
            json: row.get(3)?,
        },
        due: row.get(4)?,
        upto: row.get(5)?,
        failures: row.get(6)?,
        badge: row.get(7)?,
        ack_token: row.get(8)?,
    })
}

impl Tx<'_> {
    /// Sets a pusher; one with the same application and push key is replaced.
    pub async fn pusher_put(
        &mut self,
        user_id: &UserId,
        device_id: &DeviceId,
        new: &PusherRow,
    ) -> Result<()> {
        let sql = "INSERT INTO pushers (user_id, app_id, pushkey, device_id, json) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (user_id, app_id, pushkey) DO UPDATE SET device_id = excluded.device_id, json = excluded.json";
        self.execute(
            sql,
            params![user_id, &new.app_id, &new.pushkey, device_id, &new.json],
        )
        .await?;
        Ok(())
    }

    /// The pushers of a user, in order.
    pub async fn pusher_list(&mut self, user_id: &UserId) -> Result<Vec<PusherRow>> {
        let sql = "SELECT app_id, pushkey, json FROM pushers WHERE user_id = $1 ORDER BY app_id, pushkey LIMIT 1000";
        let rows = self.query(sql, params![user_id]).await?;
        rows.iter()
            .map(|row| {
                Ok(PusherRow {
                    app_id: row.get(0)?,
                    pushkey: row.get(1)?,
                    json: row.get(2)?,
                })
            })
            .collect()
    }

    /// Removes a pusher of a user. `false`: there is none.
    pub async fn pusher_delete(&mut self, user_id: &UserId, app_id: &str, pushkey: &str) -> Result<bool> {
        let sql = "DELETE FROM pushers WHERE user_id = $1 AND app_id = $2 AND pushkey = $3";
        Ok(self.execute(sql, params![user_id, app_id, pushkey]).await? == 1)
    }

    /// Removes the pushers that others have with this application and push key: a device that changed hands.
    pub async fn pusher_delete_others(
        &mut self,
        user_id: &UserId,
        app_id: &str,
        pushkey: &str,
    ) -> Result<()> {
        let sql = "DELETE FROM pushers WHERE app_id = $2 AND pushkey = $3 AND user_id <> $1";
        self.execute(sql, params![user_id, app_id, pushkey]).await?;
        Ok(())
    }

    /// Lets a pusher begin at a position: what was before is not pushed. With a token, the first thing it says is the
    /// token, and nothing else until its client has shown it.
    pub async fn pusher_begin(
        &mut self,
        user_id: &UserId,
        pusher: &PusherRow,
        at: StreamPos,
        ack: Option<(&str, i64)>,
    ) -> Result<()> {
        let sql = "UPDATE pushers SET due_pos = $4, upto_pos = $5, failures = 0, retry_ts = 0, badge = -1, \
                   ack_token = $6, ack_ts = $7 WHERE user_id = $1 AND app_id = $2 AND pushkey = $3";
        let upto = StreamPos(at.0 - i64::from(ack.is_some()));
        let (token, until_ts) = ack.unzip();
        let values = params![
            user_id,
            &pusher.app_id,
            &pusher.pushkey,
            at,
            upto,
            token,
            until_ts.unwrap_or(0)
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// The tokens that clients of this application still have to show, each with the end of its time.
    pub async fn pusher_ack_tokens(
        &mut self,
        user_id: &UserId,
        app_id: &str,
    ) -> Result<Vec<(String, Option<String>, i64)>> {
        let sql = "SELECT pushkey, ack_token, ack_ts FROM pushers WHERE user_id = $1 AND app_id = $2 \
                   ORDER BY pushkey LIMIT 1000";
        let rows = self.query(sql, params![user_id, app_id]).await?;
        rows.iter()
            .map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .collect()
    }

    /// The pushers of a user, by application and push key, that wait for their clients to show a token.
    pub async fn pusher_list_waiting(&mut self, user_id: &UserId) -> Result<HashSet<(String, String)>> {
        let sql =
            "SELECT app_id, pushkey FROM pushers WHERE user_id = $1 AND ack_token IS NOT NULL LIMIT 1000";
        let rows = self.query(sql, params![user_id]).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// A client has shown its token: the pusher is in use from a position on.
    pub async fn pusher_activate(
        &mut self,
        user_id: &UserId,
        app_id: &str,
        pushkey: &str,
        at: StreamPos,
    ) -> Result<()> {
        let sql = "UPDATE pushers SET ack_token = NULL, due_pos = $4, upto_pos = $4 \
                   WHERE user_id = $1 AND app_id = $2 AND pushkey = $3";
        self.execute(sql, params![user_id, app_id, pushkey, at]).await?;
        Ok(())
    }

    /// There is something to say to these users up to a position.
    pub async fn pusher_set_due<'a>(
        &mut self,
        users: impl IntoIterator<Item = &'a OwnedUserId>,
        at: StreamPos,
    ) -> Result<()> {
        let sql = "UPDATE pushers SET due_pos = $2 WHERE user_id = $1 AND due_pos < $2 AND ack_token IS NULL";
        let rows: Vec<Vec<Value<'_>>> = users.into_iter().map(|user| params![user, at].to_vec()).collect();
        self.execute_each(sql, &rows).await
    }

    /// Takes pushers that have something to say; nobody else takes them before `until_ts`.
    pub async fn pusher_claim(&mut self, now_ts: i64, until_ts: i64, limit: u32) -> Result<Vec<DuePusher>> {
        let sql = "UPDATE pushers SET retry_ts = $2 WHERE due_pos > upto_pos AND retry_ts <= $1 \
                   AND (user_id, app_id, pushkey) IN (SELECT user_id, app_id, pushkey FROM pushers \
                   WHERE due_pos > upto_pos AND retry_ts <= $1 ORDER BY retry_ts LIMIT $3) \
                   RETURNING user_id, app_id, pushkey, json, due_pos, upto_pos, failures, badge, ack_token";
        let rows = self.query(sql, params![now_ts, until_ts, limit]).await?;
        rows.iter().map(due).collect()
    }

    /// Keeps what became of a pusher that was taken.
    pub async fn pusher_progress(&mut self, due: &DuePusher, progress: PusherProgress) -> Result<()> {
        let sql = "UPDATE pushers SET upto_pos = $4, badge = $5, failures = $6, retry_ts = $7 \
                   WHERE user_id = $1 AND app_id = $2 AND pushkey = $3 AND upto_pos <= $4";
        let values = params![
            &due.user_id,
            &due.pusher.app_id,
            &due.pusher.pushkey,
            progress.upto,
            progress.badge,
            progress.failures,
            progress.retry_ts
        ];
        self.execute(sql, values).await?;
        Ok(())
    }
}
