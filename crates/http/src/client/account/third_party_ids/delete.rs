//! `POST /_matrix/client/v3/account/3pid/delete`
//!
//! Takes an address from the account. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3piddelete)

use rohrpost_core::{Result, email::addresses};
use ruma::{
    api::client::account::{
        ThirdPartyIdRemovalStatus,
        delete_3pid::v3::{Request, Response},
    },
    thirdparty::Medium,
};

use crate::call::Authed;

pub(crate) async fn delete(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    if request.medium == Medium::Email {
        addresses::delete(&server, caller, &request.address).await?;
    }
    // No identity server knew of it.
    Ok(Response::new(ThirdPartyIdRemovalStatus::NoSupport))
}
