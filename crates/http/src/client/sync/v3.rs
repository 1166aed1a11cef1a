//! `GET /_matrix/client/v3/sync`
//!
//! What changed since the last answer.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync)
//!
//! Deviation: the unstable spelling of MSC4222 (`org.matrix.msc4222.use_state_after`) is understood and answered under
//! its own name, because clients in use know only that one. `ruma`'s response type can't write it, so the answer is
//! written here.

mod answer;

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::header;
use rohrpost_core::{
    Refusal, Result, Server,
    caller::authenticate_guest_too,
    personal::{filters, presence},
    sync::{self, SyncRequest},
};
use ruma::api::{
    IncomingRequestExt,
    client::{
        filter::FilterDefinition,
        sync::sync_events::v3::{Filter, Request as RumaRequest},
    },
};

use self::answer::Spelling;
use crate::{
    error::ApiError,
    routes::{act_as, check_query, token},
};

pub(crate) async fn sync(State(server): State<Arc<Server>>, request: Request) -> Response {
    match handle(&server, request).await {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn handle(server: &Arc<Server>, request: Request) -> Result<Vec<u8>, ApiError> {
    let query = request.uri().query();
    let token = token(server, request.headers(), query).ok_or(Refusal::MissingToken)?;
    let caller = authenticate_guest_too(server, &token, &act_as(query)).await?;
    check_query(query)?;
    let is_unstable = request.uri().query().is_some_and(|query| {
        query
            .split('&')
            .any(|pair| pair == "org.matrix.msc4222.use_state_after=true")
    });
    let request = request.map(|_| [].as_slice());
    let request = RumaRequest::try_from_http_request(request, &[])
        .map_err(|error| Refusal::InvalidParam(format!("the request is not as it should be: {error}")))?;
    let since = request.since.as_deref().filter(|since| !since.is_empty());
    let since = since.map(str::parse).transpose();
    let filter = match request.filter {
        None => FilterDefinition::default(),
        Some(Filter::FilterDefinition(filter)) => filter,
        Some(Filter::FilterId(id)) if id.starts_with('{') => {
            return Err(Refusal::BadJson("the filter is not as it should be".to_owned()).into());
        }
        Some(Filter::FilterId(id)) => filters::get(server, &caller, id).await?,
        Some(_) => return Err(Refusal::InvalidParam("there is no such kind of filter".to_owned()).into()),
    };
    let spelling = Spelling {
        is_unstable,
        by_thread: filter.room.timeline.unread_thread_notifications,
    };
    presence::seen(server, &caller, request.set_presence).await?;
    let wanted = SyncRequest {
        since: since.map_err(|_| Refusal::InvalidParam("since is not a token of this server".to_owned()))?,
        caller,
        filter,
        full_state: request.full_state,
        use_state_after: request.use_state_after || is_unstable,
        timeout: request.timeout.unwrap_or(Duration::ZERO),
    };
    let answer = sync::sync(server, wanted).await?;
    let body = answer::write(&answer, spelling).map_err(Refusal::from)?;
    Ok(body)
}
