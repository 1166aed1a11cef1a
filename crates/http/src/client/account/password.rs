//! `POST /_matrix/client/v3/account/password`
//!
//! Changes the password; it wants the old one first. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpassword)

use rohrpost_core::{
    Result,
    accounts::{
        change_password::{self, OtherDevices},
        password::Password,
        uia::{self, UiaRequest},
    },
};
use ruma::api::client::account::change_password::v3::{Request, Response};

use crate::call::Authed;

pub(crate) async fn change_password(
    Authed { server, caller, call }: Authed,
    request: Request,
) -> Result<Response> {
    let new = Password::new(request.new_password);
    // A password that can't be is told before the old one is asked for.
    new.check(&server.settings)?;
    let confirm = UiaRequest {
        operation: call.operation.to_owned(),
        body: &call.body,
        user: Some(&caller),
        auth: request.auth,
        flows: uia::by_password(),
    };
    let proof = uia::require(&server, confirm).await?;
    let others = if request.logout_devices {
        OtherDevices::SignOut
    } else {
        OtherDevices::Keep
    };
    change_password::change_password(&server, caller, &new, others, proof).await?;
    Ok(Response::new())
}
