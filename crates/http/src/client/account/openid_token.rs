//! `POST /_matrix/client/v3/user/{userId}/openid/request_token`
//!
//! A token by which another service learns who the caller is. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridopenidrequest_token)

use rohrpost_core::{Result, accounts::openid, personal::own};
use ruma::{
    api::client::account::request_openid_token::v3::{Request, Response},
    authentication::TokenType,
};

use crate::call::Authed;

pub(crate) async fn openid_token(
    Authed { server, caller, .. }: Authed,
    request: Request,
) -> Result<Response> {
    own(&caller, &request.user_id)?;
    let token = openid::request_token(&server, &caller).await?;
    let name = server.name().to_owned();
    Ok(Response::new(token, TokenType::Bearer, name, openid::LIFETIME))
}
