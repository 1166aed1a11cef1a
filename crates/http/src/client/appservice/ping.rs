//! `POST /_matrix/client/v1/appservice/{appserviceId}/ping`
//!
//! Tells an application service whether this server reaches it. [Specification](https://spec.matrix.org/v1.19/application-service-api/#post_matrixclientv1appserviceappserviceidping)

use rohrpost_core::{Result, appservices::ping as use_case};
use ruma::api::client::appservice::request_ping::v1::{Request, Response};

use crate::call::Authed;

pub(crate) async fn ping(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let duration = use_case::ping(&server, &caller, &request.appservice_id, request.transaction_id).await?;
    Ok(Response::new(duration))
}
