//! `POST /_matrix/client/v3/users/{userId}/report`
//!
//! Reports a person; the answer is the same whether or not there is such a thing. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3usersuseridreport)

use rohrpost_core::{
    Result,
    reports::{self, Target},
};
use ruma::api::client::reporting::report_user::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn report_user(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let target = Target::User(request.user_id);
    reports::report(&server, caller, target, Some(request.reason)).await?;
    Ok(Response::new())
}
