//! `POST /_matrix/client/v3/account/deactivate`
//!
//! Closes the account for good; it wants the password first. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate)

use rohrpost_core::{
    Result,
    accounts::{
        deactivate::{self, Traces},
        uia::{self, UiaRequest},
    },
};
use ruma::api::client::account::{
    ThirdPartyIdRemovalStatus,
    deactivate::v3::{Request, Response},
};

use crate::call::Authed;

pub(crate) async fn deactivate(
    Authed { server, caller, call }: Authed,
    request: Request,
) -> Result<Response> {
    let confirm = UiaRequest {
        operation: call.operation.to_owned(),
        body: &call.body,
        user: Some(&caller),
        auth: request.auth,
        flows: uia::by_password(),
    };
    let proof = uia::require(&server, confirm).await?;
    let traces = if request.erase {
        Traces::Erase
    } else {
        Traces::Keep
    };
    deactivate::deactivate(&server, caller, traces, proof).await?;
    // There are no third-party identifiers, so none is bound any more.
    Ok(Response::new(ThirdPartyIdRemovalStatus::Success))
}
