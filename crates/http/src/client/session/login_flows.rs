//! `GET /_matrix/client/v3/login`
//!
//! The ways to sign in. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3login)
//!
//! Deviation: that OAuth 2.0 is to be preferred is said under the names of MSC3824, too, which are the ones that clients
//! in use look for. `ruma`'s type can't write them, so the answer is written here.

use rohrpost_core::{Refusal, Result, Server, oauth::sso};
use ruma::api::client::session::get_login_types::v3::Request;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    call::Public,
    rohrpost::own::{Answer, Answering},
};

#[derive(Serialize)]
pub(crate) struct Flows {
    flows: Vec<Value>,
}

pub(crate) async fn login_flows(
    Public { server, .. }: Public,
    _: Answering<Request, Flows>,
) -> Result<Answer<Flows>> {
    let mut flows = Vec::new();
    if server.settings.legacy_login {
        flows.push(json!({ "type": "m.login.password" }));
    }
    if sso::is_offered(&server) {
        flows.push(by_page(&server));
    }
    if server.settings.legacy_login {
        flows.push(json!({ "type": "m.login.token", "get_login_token": true }));
    }
    if !server.settings.appservices.is_empty() {
        flows.push(json!({ "type": "m.login.application_service" }));
    }
    // "404 with M_UNRECOGNIZED: the homeserver does not support the legacy authentication API."
    if flows.is_empty() {
        return Err(Refusal::Unrecognized);
    }
    Ok(Answer(Flows { flows }))
}

/// Clients that know what OAuth 2.0 is shall show no other way: people sign in on one page, whatever program they use.
fn by_page(server: &Server) -> Value {
    json!({
        "type": "m.login.sso",
        "identity_providers": [{ "id": sso::OWN_PAGES, "name": server.name() }],
        "oauth_aware_preferred": true,
        "delegated_oidc_compatibility": true,
        "org.matrix.msc3824.delegated_oidc_compatibility": true,
    })
}
