//! `GET /_matrix/federation/v1/query/profile`
//!
//! Name, picture and further fields of somebody who has an account here.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryprofile>

use rohrpost_core::{Refusal, accounts::profile};
use ruma::api::federation::query::get_profile_information::v1::{Request, Response};

use crate::federation::receive::FromServer;

pub(crate) async fn profile(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let found = profile::local(&from.server, request.user_id).await?;
    let wanted = request.field.map(|field| field.to_string());
    let mut response = Response::new();
    for (name, value) in found.into_fields() {
        if wanted.as_ref().is_none_or(|wanted| *wanted == name) {
            response.set(name, value);
        }
    }
    Ok(response)
}
