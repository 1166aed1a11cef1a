//! `POST /_rohrpost/client/v1/oauth/account/sign_out_device`
//!
//! Signs out on a device.

use http::Method;
use rohrpost_core::{
    Result,
    oauth::{manage, page::PageSecret},
};
use ruma::OwnedDeviceId;
use serde::Deserialize;

use crate::{
    call::Public,
    rohrpost::own::{Answer, Empty, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct SignOutDevice {
    session: String,
    device_id: OwnedDeviceId,
}

impl OwnEndpoint for SignOutDevice {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/oauth/account/sign_out_device";
    type Answer = Empty;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn sign_out_device(
    Public { server, .. }: Public,
    Own(asked): Own<SignOutDevice>,
) -> Result<Answer<Empty>> {
    manage::sign_out_device(&server, &PageSecret(asked.session), asked.device_id).await?;
    Ok(Answer(Empty {}))
}
