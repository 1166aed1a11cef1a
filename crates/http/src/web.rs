//! The web client: files of `web/dist`, embedded into the program with their compressed forms.

use axum::{extract::Request, response::{IntoResponse, Response}};

use crate::error::ApiError;

pub(crate) async fn fallback(_request: Request) -> Response {
    ApiError::NoEndpoint.into_response()
}
