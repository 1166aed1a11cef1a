//! Mail that is still to be sent.

use crate::{Result, Tx, value::params};

/// Mail that is to be sent. May hold a link that is worth something, so it has no `Debug`.
#[derive(Clone)]
pub struct MailRow {
    /// Its number.
    pub nid: i64,
    /// Where to.
    pub address: String,
    /// What about.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// When it was written, ms since the epoch.
    pub created_ts: i64,
    /// Failed attempts.
    pub failures: i64,
}

impl Tx<'_> {
    /// Keeps mail to be sent.
    pub async fn mail_insert(&mut self, address: &str, subject: &str, body: &str, now_ts: i64) -> Result<()> {
        let sql = "INSERT INTO mails (address, subject, body, created_ts, failures, retry_ts) VALUES ($1, $2, $3, $4, 0, 0)";
        self.execute(sql, params![address, subject, body, now_ts]).await?;
        Ok(())
    }

    /// Takes mail that is to be sent; nobody else takes it before `until_ts`.
    pub async fn mail_claim(&mut self, now_ts: i64, until_ts: i64, limit: u32) -> Result<Vec<MailRow>> {
        let sql = "UPDATE mails SET retry_ts = $2 WHERE retry_ts <= $1 AND nid IN \
                   (SELECT nid FROM mails WHERE retry_ts <= $1 ORDER BY retry_ts LIMIT $3) \
                   RETURNING nid, address, subject, body, created_ts, failures";
        let rows = self.query(sql, params![now_ts, until_ts, limit]).await?;
        rows.iter()
            .map(|row| {
                Ok(MailRow {
                    nid: row.get(0)?,
                    address: row.get(1)?,
                    subject: row.get(2)?,
                    body: row.get(3)?,
                    created_ts: row.get(4)?,
                    failures: row.get(5)?,
                })
            })
            .collect()
    }

    /// It is to be tried again, not before `retry_ts`.
    pub async fn mail_retry(&mut self, nid: i64, failures: i64, retry_ts: i64) -> Result<()> {
        let sql = "UPDATE mails SET failures = $2, retry_ts = $3 WHERE nid = $1";
        self.execute(sql, params![nid, failures, retry_ts]).await?;
        Ok(())
    }

    /// It was sent, or never will be.
    pub async fn mail_delete(&mut self, nid: i64) -> Result<()> {
        self.execute("DELETE FROM mails WHERE nid = $1", params![nid])
            .await?;
        Ok(())
    }
}
