//! `GET /_matrix/federation/v1/openid/userinfo`
//!
//! Whose OpenID token this is. For whoever was shown one, also without a federation: services beside this server, such
//! as those for calls, ask here.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1openiduserinfo>

use rohrpost_core::{Refusal, accounts::openid};
use ruma::api::federation::openid::get_openid_userinfo::v1::{Request, Response};

use crate::{call::Public, routes::Routes};

pub(crate) fn routes(routes: &mut Routes) {
    routes.public(userinfo);
}

async fn userinfo(public: Public, request: Request) -> Result<Response, Refusal> {
    let owner = openid::owner(&public.server, &request.access_token).await?;
    let unknown = Refusal::UnknownToken { soft_logout: false };
    owner.map(Response::new).ok_or(unknown)
}
