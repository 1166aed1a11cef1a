//! `GET /_matrix/key/v2/server`
//!
//! The keys by which others know what this server signed. This server is no notary: it vouches for its own keys alone,
//! so `/_matrix/key/v2/query` isn't answered.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#publishing-keys>

use rohrpost_core::{Refusal, federation::own_keys};
use ruma::api::federation::discovery::get_server_keys::v2::{Request, Response};

use crate::{call::Public, routes::Routes};

pub(crate) fn routes(routes: &mut Routes) {
    routes.public(keys);
}

async fn keys(public: Public, _: Request) -> Result<Response, Refusal> {
    Ok(Response::new(own_keys::document(&public.server).await?))
}
