//! `POST /_matrix/client/v3/account/3pid`
//!
//! Adds an address that was shown to be one's own, as clients did before `3pid/add`: the session stands in an object.
//! It wants the password first as well. No identity server is asked, whichever is named.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pid)

use http::Method;
use rohrpost_core::{
    Refusal, Result,
    accounts::uia::{self, UiaRequest},
    email::addresses,
};
use ruma::{
    OwnedClientSecret, OwnedSessionId,
    api::{
        IncomingRequest, Metadata,
        client::{account::get_3pids::v3::Request as List, uiaa::AuthData},
        error::{DeserializationError, Error},
    },
};
use serde::Deserialize;

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Empty, object},
};

/// `ruma` has no type for it.
#[derive(Deserialize)]
pub(crate) struct AddDeprecated {
    three_pid_creds: Credentials,
    auth: Option<AuthData>,
}

#[derive(Deserialize)]
struct Credentials {
    client_secret: OwnedClientSecret,
    sid: OwnedSessionId,
}

impl Metadata for AddDeprecated {
    const METHOD: Method = Method::POST;
    const RATE_LIMITED: bool = true;
    type Authentication = <List as Metadata>::Authentication;
    type PathBuilder = <List as Metadata>::PathBuilder;
    const PATH_BUILDER: Self::PathBuilder = List::PATH_BUILDER;
}

impl IncomingRequest for AddDeprecated {
    type EndpointError = Error;
    type OutgoingResponse = Answer<Empty>;

    fn try_from_http_request_inner(
        request: http::Request<&[u8]>,
        _: &[&str],
    ) -> Result<Self, DeserializationError> {
        Ok(object(request.body())?)
    }
}

pub(crate) async fn add_deprecated(
    Authed { server, caller, call }: Authed,
    request: AddDeprecated,
) -> Result<Answer<Empty>> {
    let confirm = UiaRequest {
        operation: call.operation.to_owned(),
        body: &call.body,
        user: Some(&caller),
        auth: request.auth,
        flows: uia::by_password(),
    };
    let proof = uia::require(&server, confirm).await?;
    let Credentials { sid, client_secret } = request.three_pid_creds;
    match addresses::add(&server, caller, sid.to_string(), client_secret.to_string(), proof).await {
        Err(Refusal::ThreepidAuthFailed) => Err(Refusal::ThreepidRefused),
        added => added.map(|()| Answer(Empty {})),
    }
}
