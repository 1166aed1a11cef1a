//! `GET /.well-known/matrix/client`: where this server is, for clients that only know its name; beside it whom to ask for
//! help, and the key of a policy server, where the operator set them.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#well-known-uris>

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use rohrpost_core::Server;
use ruma::{
    api::client::discovery::{
        discover_homeserver::{HomeserverInfo, Response as Discovered},
        discover_policy_server::Response as PolicyServer,
        discover_support::{Contact, ContactRole, Response as Support},
    },
    serde::Base64,
};

use crate::error::{ApiError, render};

pub(crate) async fn client(State(server): State<Arc<Server>>) -> Response {
    render(Discovered::new(HomeserverInfo::new(
        server.settings.public_url.clone(),
    )))
}

/// `GET /.well-known/matrix/support`
///
/// <https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixsupport>
pub(crate) async fn support(State(server): State<Arc<Server>>) -> Response {
    let support = &server.settings.support;
    let mut contacts = Vec::new();
    match (&support.admin_email, &support.admin_user) {
        (Some(email), user) => {
            let mut contact = Contact::with_email_address(ContactRole::Admin, email.clone());
            contact.matrix_id.clone_from(user);
            contacts.push(contact);
        }
        (None, Some(user)) => contacts.push(Contact::with_matrix_id(ContactRole::Admin, user.clone())),
        (None, None) => {}
    }
    if let Some(email) = &support.security_email {
        contacts.push(Contact::with_email_address(ContactRole::Security, email.clone()));
    }
    if contacts.is_empty() && support.page.is_none() {
        return ApiError::NoEndpoint.into_response();
    }
    let mut response = Support::with_contacts(contacts);
    response.support_page.clone_from(&support.page);
    render(response)
}

/// `GET /.well-known/matrix/policy_server`
///
/// <https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixpolicy_server>
pub(crate) async fn policy_server(State(server): State<Arc<Server>>) -> Response {
    let key = server.settings.support.policy_server_key.as_ref();
    match key.and_then(|key| Base64::parse(key).ok()) {
        Some(key) => render(PolicyServer::new(key)),
        None => ApiError::NoEndpoint.into_response(),
    }
}
