//! `GET /health`: for load balancers and scripts. 200 when the store answers.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use rohrpost_core::{Refusal, Server};

use crate::error::ApiError;

pub(crate) async fn health(State(server): State<Arc<Server>>) -> Response {
    let answered = server
        .store
        .read(|tx| Box::pin(async move { tx.pos_now().await }))
        .await;
    match answered {
        Ok(_) => "ok\n".into_response(),
        Err(error) => ApiError::from(Refusal::Store(error)).into_response(),
    }
}
