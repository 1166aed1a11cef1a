//! `POST /_matrix/client/v3/login`
//!
//! Signs in with a password, or with a token that a signed-in device asked for. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3login)

use rohrpost_core::{
    Refusal, Result,
    accounts::{
        login::{self, Login},
        login_token,
        password::Password,
        sign_in::{NewDevice, SignedIn},
    },
    appservices::accounts as appservices,
};
use ruma::api::{
    IncomingRequest, Metadata,
    client::{
        session::login::v3::{LoginInfo, Request, Response},
        uiaa::UserIdentifier,
    },
    error::DeserializationError,
};
use serde::Deserialize;

use crate::call::Public;

/// A login request that has a `type`: without one, `ruma` 0.25 would panic.
pub(crate) struct Typed(Request);

impl Metadata for Typed {
    const METHOD: http::Method = Request::METHOD;
    const RATE_LIMITED: bool = Request::RATE_LIMITED;
    type Authentication = <Request as Metadata>::Authentication;
    type PathBuilder = <Request as Metadata>::PathBuilder;
    const PATH_BUILDER: Self::PathBuilder = Request::PATH_BUILDER;
}

impl IncomingRequest for Typed {
    type EndpointError = <Request as IncomingRequest>::EndpointError;
    type OutgoingResponse = Response;

    fn try_from_http_request_inner(
        request: http::Request<&[u8]>,
        path_args: &[&str],
    ) -> Result<Self, DeserializationError> {
        #[derive(Deserialize)]
        struct HasType {
            #[serde(rename = "type")]
            _kind: String,
        }
        serde_json::from_slice::<HasType>(request.body())?;
        Ok(Self(Request::try_from_http_request_inner(request, path_args)?))
    }
}

pub(crate) async fn login(
    Public { server, caller, call }: Public,
    Typed(request): Typed,
) -> Result<Response> {
    let device = NewDevice {
        device_id: request.device_id,
        display_name: request.initial_device_display_name,
        with_refresh_token: request.refresh_token,
    };
    if let LoginInfo::ApplicationService(info) = &request.login_info {
        let Some(UserIdentifier::Matrix(identifier)) = &info.identifier else {
            return Err(Refusal::MissingParam("identifier is missing".to_owned()));
        };
        if !server.settings.legacy_login {
            return Err(Refusal::AppserviceLoginUnsupported);
        }
        let signed_in = appservices::login(&server, caller.as_ref(), &identifier.user, device).await?;
        return Ok(answer(signed_in));
    }
    if !server.settings.legacy_login {
        return Err(Refusal::Forbidden(
            "this server has a sign-in page of its own; please use a program that opens it (OAuth 2.0)"
                .to_owned(),
        ));
    }
    let info = match request.login_info {
        LoginInfo::Password(info) => info,
        LoginInfo::Token(info) => {
            let signed_in = login_token::login(&server, &info.token, device, call.address).await?;
            return Ok(answer(signed_in));
        }
        _ => {
            return Err(Refusal::Unknown(
                "this server only knows m.login.password and m.login.token".to_owned(),
            ));
        }
    };
    #[expect(deprecated, reason = "older clients still give their name in this field")]
    let user = match info.identifier {
        Some(UserIdentifier::Matrix(identifier)) => identifier.user,
        Some(_) => return Err(Refusal::Unknown("please sign in with your user name".to_owned())),
        None => info
            .user
            .ok_or_else(|| Refusal::MissingParam("identifier is missing".to_owned()))?,
    };
    let login = Login {
        user,
        password: Password::new(info.password),
        device,
        address: call.address,
    };
    Ok(answer(login::login(&server, login).await?))
}

fn answer(signed_in: SignedIn) -> Response {
    let mut response = Response::new(
        signed_in.user_id,
        signed_in.tokens.access.clone(),
        signed_in.device_id,
    );
    response.expires_in = signed_in.tokens.expires_in();
    response.refresh_token = signed_in.tokens.refresh;
    response
}
