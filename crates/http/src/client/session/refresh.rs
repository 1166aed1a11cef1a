//! `POST /_matrix/client/v3/refresh`
//!
//! Exchanges a refresh token for new tokens. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3refresh)

use rohrpost_core::{
    Result,
    accounts::refresh::{self, RefreshToken},
};
use ruma::api::client::session::refresh_token::v3::{Request, Response};

use crate::call::Public;

pub(crate) async fn refresh(Public { server, .. }: Public, request: Request) -> Result<Response> {
    let tokens = refresh::refresh(&server, RefreshToken(request.refresh_token)).await?;
    let mut response = Response::new(tokens.access.clone());
    response.expires_in_ms = tokens.expires_in();
    response.refresh_token = tokens.refresh;
    Ok(response)
}
