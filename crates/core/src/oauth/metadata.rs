//! What clients have to know of this authorization server.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#server-metadata-discovery>

use std::sync::Arc;

use serde_json::{Value, json};

use super::client::GRANT_TYPES;
use crate::{Refusal, Result, Server, settings::Registration};

/// What people can be sent to the account page for. The last three are older names of the ones before.
const ACTIONS: [&str; 9] = [
    "org.matrix.profile",
    "org.matrix.devices_list",
    "org.matrix.device_view",
    "org.matrix.device_delete",
    "org.matrix.account_deactivate",
    "org.matrix.cross_signing_reset",
    "org.matrix.sessions_list",
    "org.matrix.session_view",
    "org.matrix.session_end",
];

/// The name of this authorization server.
pub(super) fn issuer(server: &Server) -> String {
    format!("{}/", server.settings.public_url)
}

/// The account page.
pub(crate) fn account_url(server: &Server) -> String {
    format!("{}/account", server.settings.public_url)
}

/// The page where people allow that their identity is replaced.
pub(crate) fn identity_reset_url(server: &Server) -> String {
    format!("{}?action=org.matrix.cross_signing_reset", account_url(server))
}

/// The page where people type the code that a device shows.
#[must_use]
pub fn link_url(server: &Server) -> String {
    format!("{}/oauth2/link", server.settings.public_url)
}

/// What clients have to know.
///
/// # Errors
/// `Unrecognized` when OAuth 2.0 is switched off.
pub fn metadata(server: &Arc<Server>) -> Result<Value> {
    if !server.settings.oauth {
        return Err(Refusal::Unrecognized);
    }
    let base = &server.settings.public_url;
    // Where accounts are made by administrators alone, no page makes one.
    let prompts: &[&str] = match server.settings.registration {
        Registration::Closed => &[],
        _ => &["create"],
    };
    Ok(json!({
        "issuer": issuer(server),
        "authorization_endpoint": format!("{base}/oauth2/authorize"),
        "token_endpoint": format!("{base}/oauth2/token"),
        "revocation_endpoint": format!("{base}/oauth2/revoke"),
        "registration_endpoint": format!("{base}/oauth2/register"),
        "device_authorization_endpoint": format!("{base}/oauth2/device"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment"],
        "grant_types_supported": GRANT_TYPES,
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
        "account_management_uri": account_url(server),
        "account_management_actions_supported": ACTIONS,
        "prompt_values_supported": prompts,
    }))
}
