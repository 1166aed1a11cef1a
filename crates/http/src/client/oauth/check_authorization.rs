//! `POST /_rohrpost/client/v1/oauth/authorize/check`
//!
//! Says who asks for consent, or where the user is to be sent back to.

use http::Method;
use rohrpost_core::{
    Result,
    oauth::authorize::{self, Asked},
};
use ruma::OwnedDeviceId;
use serde::{Deserialize, Serialize};

use super::check_link::Asker;
use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct CheckAuthorization {
    query: String,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Question {
    Consent { client: Asker, device_id: OwnedDeviceId },
    Back { redirect_to: String },
}

impl OwnEndpoint for CheckAuthorization {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_rohrpost/client/v1/oauth/authorize/check";
    type Answer = Question;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn check_authorization(
    Public { server, .. }: Public,
    Own(asked): Own<CheckAuthorization>,
) -> Result<Answer<Question>> {
    let question = match authorize::check(&server, &asked.query).await? {
        Asked::Consent { client, device_id } => Question::Consent {
            client: (*client).into(),
            device_id,
        },
        Asked::Back { redirect_to } => Question::Back { redirect_to },
    };
    Ok(Answer(question))
}
