//! `POST /_rohrpost/client/v1/oauth/account`
//!
//! The account of whoever is signed in to the pages.

use http::Method;
use rohrpost_core::{
    Result,
    oauth::{manage, page::PageSecret},
};
use ruma::{MilliSecondsSinceUnixEpoch, OwnedDeviceId, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct Account {
    session: String,
}

#[derive(Serialize)]
pub(crate) struct Description {
    user_id: OwnedUserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    devices: Vec<Device>,
}

#[derive(Serialize)]
pub(crate) struct Device {
    device_id: OwnedDeviceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_ts: Option<MilliSecondsSinceUnixEpoch>,
}

impl OwnEndpoint for Account {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/oauth/account";
    type Answer = Description;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn account(
    Public { server, .. }: Public,
    Own(asked): Own<Account>,
) -> Result<Answer<Description>> {
    let account = manage::account(&server, &PageSecret(asked.session)).await?;
    let devices = account.devices.into_iter().map(|device| Device {
        device_id: device.device_id,
        display_name: device.display_name,
        last_seen_ts: device.last_seen,
    });
    Ok(Answer(Description {
        user_id: account.user_id,
        display_name: account.display_name,
        devices: devices.collect(),
    }))
}
