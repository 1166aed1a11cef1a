//! `POST /_matrix/client/v3/account/password`
//!
//! Changes the password; it wants the old one first. Who isn't signed in shows that they can read mail at an address of
//! the account. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpassword)

use rohrpost_core::{
    Result,
    accounts::{
        change_password::{self, OtherDevices},
        password::Password,
        reset_by_email,
        uia::{self, UiaRequest},
    },
    limits::Kind,
};
use ruma::api::client::account::change_password::v3::{Request, Response};

use crate::call::Public;

pub(crate) async fn change_password(
    Public { server, caller, call }: Public,
    request: Request,
) -> Result<Response> {
    let flows = match &caller {
        Some(caller) => {
            server.limit(Kind::General, caller.user_id.as_str())?;
            uia::by_password()
        }
        None => reset_by_email::flows(&server)?,
    };
    let new = Password::new(request.new_password);
    // A password that can't be is told before the old one is asked for.
    new.check(&server.settings)?;
    let confirm = UiaRequest {
        operation: call.operation.to_owned(),
        body: &call.body,
        user: caller.as_ref(),
        auth: request.auth,
        flows,
    };
    let proof = uia::require(&server, confirm).await?;
    let others = if request.logout_devices {
        OtherDevices::SignOut
    } else {
        OtherDevices::Keep
    };
    match caller {
        Some(caller) => change_password::change_password(&server, caller, &new, others, proof).await?,
        None => reset_by_email::reset_by_email(&server, &new, others, proof).await?,
    }
    Ok(Response::new())
}
