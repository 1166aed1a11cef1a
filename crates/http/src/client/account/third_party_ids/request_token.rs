//! `POST /_matrix/client/v3/account/3pid/email/requestToken`, `.../register/email/requestToken` and
//! `.../account/password/email/requestToken`
//!
//! Sends a link to an address, by which somebody shows that they can read mail there. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidemailrequesttoken)

use rohrpost_core::{
    EmailPurpose, Refusal, Result,
    email::request::{RequestToken, request},
};
use ruma::{
    OwnedSessionId,
    api::client::account::{
        request_3pid_management_token_via_email::v3 as add,
        request_password_change_token_via_email::v3 as password,
        request_registration_token_via_email::v3 as register,
    },
};

use crate::{call::Public, routes::Routes};

async fn begin(
    Public { server, call, .. }: Public,
    purpose: EmailPurpose,
    address: String,
    client_secret: String,
    send_attempt: ruma::UInt,
) -> Result<OwnedSessionId> {
    let wanted = RequestToken {
        purpose,
        address,
        client_secret,
        send_attempt: send_attempt.into(),
        from: call.address,
    };
    let sid = request(&server, wanted).await?;
    OwnedSessionId::try_from(sid).map_err(|error| Refusal::Internal(error.to_string()))
}

pub(crate) fn routes(routes: &mut Routes) {
    routes.public(async |call: Public, request: add::Request| {
        let secret = request.client_secret.to_string();
        let sid = begin(
            call,
            EmailPurpose::Add,
            request.email,
            secret,
            request.send_attempt,
        )
        .await?;
        Ok(add::Response::new(sid))
    });
    routes.public(async |call: Public, request: register::Request| {
        let secret = request.client_secret.to_string();
        let sid = begin(
            call,
            EmailPurpose::Register,
            request.email,
            secret,
            request.send_attempt,
        )
        .await?;
        Ok(register::Response::new(sid))
    });
    routes.public(async |call: Public, request: password::Request| {
        let secret = request.client_secret.to_string();
        let sid = begin(
            call,
            EmailPurpose::Password,
            request.email,
            secret,
            request.send_attempt,
        )
        .await?;
        Ok(password::Response::new(sid))
    });
}
