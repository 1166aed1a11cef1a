//! `GET /_rohrpost/admin/v1/reports`
//!
//! What people reported and nobody dealt with yet, newest first.

use http::Method;
use rohrpost_core::{Result, reports};
use serde::Serialize;

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Own, OwnEndpoint},
};

pub(crate) struct List;

#[derive(Serialize)]
pub(crate) struct Listed {
    reports: Vec<Report>,
}

#[derive(Serialize)]
struct Report {
    id: i64,
    reporter: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    reason: String,
    created_ts: i64,
}

impl OwnEndpoint for List {
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/_rohrpost/admin/v1/reports";
    type Answer = Listed;

    fn parse(_: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        Ok(Self)
    }
}

pub(crate) async fn list(Authed { server, .. }: Authed, Own(List): Own<List>) -> Result<Answer<Listed>> {
    let rows = reports::list(&server).await?.into_iter();
    let reports = rows.map(|row| {
        let is_event = row.target.starts_with('$');
        let target = Some(row.target).filter(|target| !target.is_empty());
        let (event_id, user_id) = if is_event { (target, None) } else { (None, target) };
        Report {
            id: row.nid,
            reporter: row.reporter.into(),
            room_id: Some(row.room_id).filter(|room_id| !room_id.is_empty()),
            event_id,
            user_id,
            reason: row.reason,
            created_ts: row.created_ts,
        }
    });
    Ok(Answer(Listed {
        reports: reports.collect(),
    }))
}
