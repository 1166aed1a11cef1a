//! `GET /_matrix/client/v1/media/preview_url`
//!
//! Says what stands behind a link; a newer preview than the one of `ts` is what everybody gets.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediapreview_url)

use rohrpost_core::{Refusal, Result, media::preview::preview};
use ruma::api::client::{
    authenticated_media::get_media_preview::v1::{Request, Response},
    media::get_media_preview::v3,
};
use serde_json::value::RawValue;

use crate::call::Authed;

pub(crate) async fn preview_url(authed: Authed, request: Request) -> Result<Response> {
    Ok(Response::from_raw_value(find(&authed, &request.url).await?))
}

/// The same under its old path.
#[expect(deprecated, reason = "older clients ask here")]
pub(crate) async fn preview_url_legacy(authed: Authed, request: v3::Request) -> Result<v3::Response> {
    Ok(v3::Response::from_raw_value(find(&authed, &request.url).await?))
}

async fn find(authed: &Authed, url: &str) -> Result<Box<RawValue>> {
    let found = preview(&authed.server, &authed.caller, url).await?;
    RawValue::from_string(found).map_err(Refusal::from)
}
