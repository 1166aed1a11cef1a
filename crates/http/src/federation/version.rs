//! `GET /_matrix/federation/v1/version`
//!
//! What runs here. Everybody may ask; it names the program and not its version, which helps nobody but who looks for
//! old ones.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1version>

use rohrpost_core::Refusal;
use ruma::api::federation::discovery::get_server_version::v1::{Request, Response, Server};

use crate::{call::Public, routes::Routes};

pub(crate) fn routes(routes: &mut Routes) {
    routes.public(version);
}

async fn version(public: Public, _: Request) -> Result<Response, Refusal> {
    if !public.server.settings.federation.is_on() {
        return Err(Refusal::Unrecognized);
    }
    let mut server = Server::new();
    server.name = Some("Rohrpost".to_owned());
    let mut response = Response::new();
    response.server = Some(server);
    Ok(response)
}
