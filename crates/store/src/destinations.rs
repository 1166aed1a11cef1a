//! How it stands with the servers that are told something: whether rows wait for them, and whether they answer.

use std::collections::BTreeSet;

use ruma::{OwnedServerName, ServerName};

use crate::{
    EventNid, Result, Tx,
    room_servers::server_name,
    value::{Row, Value, params},
};

/// A transaction that failed and is to be sent again as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it was made, ms since the epoch.
    pub ts: i64,
    /// The last event in it.
    pub event: Option<EventNid>,
    /// The number of the last other news in it.
    pub edu: Option<i64>,
}

/// How it stands with a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its name.
    pub server: OwnedServerName,
    /// Not to be tried before then, ms since the epoch; 0: it answers.
    pub retry_ts: i64,
    /// Since when it doesn't answer, ms since the epoch; 0: it answers.
    pub failing_since_ts: i64,
    /// Attempts since then.
    pub failures: i64,
    /// The transaction that failed.
    pub attempt: Option<Attempt>,
}

/// Figures for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxFigures {
    /// Events that wait, for all servers together.
    pub events: i64,
    /// Other news that wait.
    pub edus: i64,
    /// Servers that don't answer.
    pub failing: i64,
}

fn destination(row: &Row) -> Result<Destination> {
    let ts: Option<i64> = row.get(4)?;
    let (event, edu): (Option<EventNid>, Option<i64>) = (row.get(5)?, row.get(6)?);
    Ok(Destination {
        server: server_name(row, 0)?,
        retry_ts: row.get(1)?,
        failing_since_ts: row.get(2)?,
        failures: row.get(3)?,
        attempt: ts.map(|ts| Attempt { ts, event, edu }),
    })
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT server, retry_ts, failing_since_ts, failures, attempt_ts, attempt_event, attempt_edu \
             FROM destinations ",
            $rest
        )
    };
}

const REST: &str = "UPDATE destinations SET waiting = 0, leased_ts = 0 WHERE server = $1 \
                    AND NOT EXISTS (SELECT 1 FROM outbox_events WHERE destination = $1) \
                    AND NOT EXISTS (SELECT 1 FROM outbox_edus WHERE destination = $1)";

impl Tx<'_> {
    /// Notes that rows wait for servers.
    pub(crate) async fn destination_wait<'d>(
        &mut self,
        servers: impl Iterator<Item = &'d ServerName>,
    ) -> Result<()> {
        let sql = "INSERT INTO destinations (server, waiting, leased_ts, retry_ts, failing_since_ts, failures) \
                   VALUES ($1, 1, 0, 0, 0, 0) ON CONFLICT (server) DO UPDATE SET waiting = 1";
        let servers: BTreeSet<&str> = servers.map(ServerName::as_str).collect();
        let rows: Vec<Vec<Value<'_>>> = servers.into_iter().map(|server| vec![server.into()]).collect();
        self.execute_each(sql, &rows).await
    }

    /// How it stands with a server. `None`: it was never told anything.
    pub async fn destination_get(&mut self, server: &ServerName) -> Result<Option<Destination>> {
        let row = self
            .query_opt(select!("WHERE server = $1"), params![server.as_str()])
            .await?;
        row.as_ref().map(destination).transpose()
    }

    /// Whether any server can be told something at `now_ts` that nobody else is telling it.
    pub async fn destination_any_due(&mut self, now_ts: i64) -> Result<bool> {
        let sql =
            "SELECT 1 FROM destinations WHERE waiting = 1 AND retry_ts <= $1 AND leased_ts <= $1 LIMIT 1";
        Ok(self.query_opt(sql, params![now_ts]).await?.is_some())
    }

    /// Takes servers that can be told something at `now_ts`, of those that answer or of those that don't: until `until_ts`
    /// nobody else gets them.
    pub async fn destination_lease(
        &mut self,
        now_ts: i64,
        until_ts: i64,
        is_failing: bool,
        limit: u32,
    ) -> Result<Vec<OwnedServerName>> {
        let sql = "UPDATE destinations SET leased_ts = $2 WHERE server IN (SELECT server FROM destinations \
                   WHERE waiting = 1 AND retry_ts <= $1 AND leased_ts <= $1 \
                   AND CASE WHEN failures > 0 THEN 1 ELSE 0 END = $3 ORDER BY retry_ts, server LIMIT $4) RETURNING server";
        let rows = self
            .query(sql, params![now_ts, until_ts, is_failing, limit])
            .await?;
        rows.iter().map(|row| server_name(row, 0)).collect()
    }

    /// Keeps a server for longer, or gives it back (`until_ts` 0).
    pub async fn destination_lease_until(&mut self, server: &ServerName, until_ts: i64) -> Result<()> {
        let sql = "UPDATE destinations SET leased_ts = $2 WHERE server = $1";
        self.put(sql, params![server.as_str(), until_ts]).await
    }

    /// Gives all servers back. For the start where there is one node only: what an earlier process held is free.
    pub async fn destination_release_all(&mut self) -> Result<()> {
        self.put(
            "UPDATE destinations SET leased_ts = 0 WHERE leased_ts > 0",
            params![],
        )
        .await
    }

    /// Notes that a server answered as it should. If rows still wait for it, it is kept until `until_ts`, else it is given
    /// back.
    pub async fn destination_answers(&mut self, server: &ServerName, until_ts: i64) -> Result<()> {
        let sql = "INSERT INTO destinations (server, waiting, leased_ts, retry_ts, failing_since_ts, failures) \
                   VALUES ($1, 1, $2, 0, 0, 0) ON CONFLICT (server) DO UPDATE SET leased_ts = excluded.leased_ts, \
                   retry_ts = 0, failing_since_ts = 0, failures = 0, attempt_ts = NULL, attempt_event = NULL, \
                   attempt_edu = NULL";
        self.execute_all(&[
            (sql, params![server.as_str(), until_ts]),
            (REST, params![server.as_str()]),
        ])
        .await
    }

    /// Gives a server back for which no rows wait any more.
    pub async fn destination_rest(&mut self, server: &ServerName) -> Result<()> {
        self.put(REST, params![server.as_str()]).await
    }

    /// Notes that a server didn't answer, and when it is tried again.
    pub async fn destination_fails(&mut self, failed: &Destination) -> Result<()> {
        let sql = "INSERT INTO destinations (server, waiting, leased_ts, retry_ts, failing_since_ts, failures, attempt_ts, \
                   attempt_event, attempt_edu) VALUES ($1, 0, 0, $2, $3, $4, $5, $6, $7) ON CONFLICT (server) DO UPDATE SET \
                   leased_ts = 0, retry_ts = excluded.retry_ts, failing_since_ts = excluded.failing_since_ts, \
                   failures = excluded.failures, attempt_ts = excluded.attempt_ts, \
                   attempt_event = excluded.attempt_event, attempt_edu = excluded.attempt_edu";
        let attempt = failed.attempt;
        let values = params![
            failed.server.as_str(),
            failed.retry_ts,
            failed.failing_since_ts,
            failed.failures,
            attempt.map(|attempt| attempt.ts),
            attempt.and_then(|attempt| attempt.event),
            attempt.and_then(|attempt| attempt.edu)
        ];
        self.put(sql, values).await
    }

    /// Lets a server be tried at once, because it was heard of.
    pub async fn destination_retry_now(&mut self, server: &ServerName) -> Result<()> {
        let sql = "UPDATE destinations SET retry_ts = 0 WHERE server = $1 AND retry_ts > 0";
        self.put(sql, params![server.as_str()]).await
    }

    /// The servers that don't answer, those first that haven't for longest.
    pub async fn destination_failing(&mut self, limit: u32) -> Result<Vec<Destination>> {
        let sql = select!("WHERE failing_since_ts > 0 ORDER BY failing_since_ts, server LIMIT $1");
        let rows = self.query(sql, params![limit]).await?;
        rows.iter().map(destination).collect()
    }

    /// Figures for the operator. Counts all rows: for now and then.
    pub async fn outbox_figures(&mut self) -> Result<OutboxFigures> {
        let sql = "SELECT (SELECT COUNT(*) FROM outbox_events), (SELECT COUNT(*) FROM outbox_edus), \
                   (SELECT COUNT(*) FROM destinations WHERE failing_since_ts > 0)";
        let row = self.query_one(sql, params![]).await?;
        Ok(OutboxFigures {
            events: row.get(0)?,
            edus: row.get(1)?,
            failing: row.get(2)?,
        })
    }
}
