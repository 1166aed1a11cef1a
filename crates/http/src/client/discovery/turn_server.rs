//! `GET /_matrix/client/v3/voip/turnServer`
//!
//! There is no relay for calls of the old kind, and nothing is what clients take for that. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3voipturnserver)

use rohrpost_core::Result;
use ruma::api::client::voip::get_turn_server_info::v3::Request;
use serde::Serialize;

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Answering},
};

#[derive(Serialize)]
pub(crate) struct Nothing {}

pub(crate) async fn turn_server(_: Authed, _: Answering<Request, Nothing>) -> Result<Answer<Nothing>> {
    Ok(Answer(Nothing {}))
}
