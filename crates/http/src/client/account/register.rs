//! `POST /_matrix/client/v3/register`
//!
//! Makes an account. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register)

use rohrpost_core::{
    Refusal, Result,
    accounts::{
        guest,
        password::Password,
        register::{self, Register, Registered},
        sign_in::NewDevice,
    },
    appservices::accounts::{self as appservices, RegisterUser},
};
use ruma::api::client::account::register::{
    RegistrationKind,
    v3::{Request, Response},
};

use crate::call::Public;

pub(crate) async fn register(Public { server, caller, call }: Public, request: Request) -> Result<Response> {
    if request.kind != RegistrationKind::User {
        let name = request.initial_device_display_name;
        return Ok(answer(guest::register(&server, name, call.address).await?));
    }
    let device = NewDevice {
        device_id: request.device_id,
        display_name: request.initial_device_display_name,
        with_refresh_token: request.refresh_token,
    };
    let device = (!request.inhibit_login).then_some(device);
    if request.login_type.is_some() {
        let username = request.username;
        let wanted = RegisterUser {
            caller,
            username: username.ok_or_else(|| Refusal::MissingParam("username is missing".to_owned()))?,
            device,
        };
        return Ok(answer(appservices::register(&server, wanted).await?));
    }
    let wanted = Register {
        username: request.username,
        guest_token: request.guest_access_token,
        password: request.password.map(Password::new),
        device,
        address: call.address,
        operation: call.operation,
        auth: request.auth,
    };
    Ok(answer(register::register(&server, wanted).await?))
}

fn answer(registered: Registered) -> Response {
    let mut response = Response::new(registered.user_id);
    if let Some(signed_in) = registered.signed_in {
        response.expires_in = signed_in.tokens.expires_in();
        response.access_token = Some(signed_in.tokens.access);
        response.refresh_token = signed_in.tokens.refresh;
        response.device_id = Some(signed_in.device_id);
    }
    response
}
