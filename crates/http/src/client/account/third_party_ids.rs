//! `GET /_matrix/client/v3/account/3pid` and everything else about e-mail addresses and telephone numbers.
//!
//! Accounts have none here, and no identity server is told of anybody. [Specification](https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information)

use rohrpost_core::{Refusal, Result};
use ruma::api::client::account::{
    add_3pid, bind_3pid, delete_3pid, get_3pids, request_3pid_management_token_via_email,
    request_3pid_management_token_via_msisdn, request_password_change_token_via_email,
    request_password_change_token_via_msisdn, request_registration_token_via_email,
    request_registration_token_via_msisdn, unbind_3pid,
};
use serde::Serialize;

use crate::{
    call::{Authed, Public},
    rohrpost::own::{Answer, Answering},
    routes::Routes,
};

/// `ruma` leaves an empty list out, which clients stumble over.
#[derive(Serialize)]
pub(crate) struct ThirdPartyIds {
    threepids: [(); 0],
}

type List = Answering<get_3pids::v3::Request, ThirdPartyIds>;

async fn list(_: Authed, _: List) -> Result<Answer<ThirdPartyIds>> {
    Ok(Answer(ThirdPartyIds { threepids: [] }))
}

fn refused<T>() -> Result<T> {
    Err(Refusal::NotOffered(
        "accounts of this server have no e-mail addresses or telephone numbers".to_owned(),
    ))
}

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(list);
    routes.authed(async |_, _: add_3pid::v3::Request| refused());
    routes.authed(async |_, _: bind_3pid::v3::Request| refused());
    routes.authed(async |_, _: delete_3pid::v3::Request| refused());
    routes.authed(async |_, _: unbind_3pid::v3::Request| refused());
    routes.public(async |_: Public, _: request_3pid_management_token_via_email::v3::Request| refused());
    routes.public(async |_: Public, _: request_3pid_management_token_via_msisdn::v3::Request| refused());
    routes.public(async |_: Public, _: request_password_change_token_via_email::v3::Request| refused());
    routes.public(async |_: Public, _: request_password_change_token_via_msisdn::v3::Request| refused());
    routes.public(async |_: Public, _: request_registration_token_via_email::v3::Request| refused());
    routes.public(async |_: Public, _: request_registration_token_via_msisdn::v3::Request| refused());
}
