//! `POST /_matrix/client/v3/account/3pid/bind`, `unbind`, and everything about telephone numbers.
//!
//! No identity server is told of anybody, and nobody needs a telephone number here. [Specification](https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information)

use rohrpost_core::{Refusal, Result};
use ruma::api::client::account::{
    bind_3pid, request_3pid_management_token_via_msisdn, request_password_change_token_via_msisdn,
    request_registration_token_via_msisdn, unbind_3pid,
};

use crate::{call::Public, routes::Routes};

fn no_identity_server<T>() -> Result<T> {
    Err(Refusal::NotOffered(
        "this server tells no identity server of anybody; people are found in its own directory".to_owned(),
    ))
}

fn no_numbers<T>() -> Result<T> {
    Err(Refusal::NotOffered(
        "accounts of this server have no telephone numbers; please use an e-mail address".to_owned(),
    ))
}

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(async |_, _: bind_3pid::v3::Request| no_identity_server());
    routes.authed(async |_, _: unbind_3pid::v3::Request| no_identity_server());
    routes.public(async |_: Public, _: request_3pid_management_token_via_msisdn::v3::Request| no_numbers());
    routes.public(async |_: Public, _: request_password_change_token_via_msisdn::v3::Request| no_numbers());
    routes.public(async |_: Public, _: request_registration_token_via_msisdn::v3::Request| no_numbers());
}
