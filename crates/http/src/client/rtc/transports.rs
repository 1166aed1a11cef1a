//! `GET /_matrix/client/unstable/org.matrix.msc4143/rtc/transports`
//!
//! Where calls go. [MSC4143](https://github.com/matrix-org/matrix-spec-proposals/pull/4143)
//!
//! The same is told in the words of the earlier and of the present proposal: clients in use know the one or the other.

use rohrpost_core::Result;
use ruma::api::client::rtc::transports::v1::Request;
use serde::Serialize;

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Answering},
};

#[derive(Serialize)]
#[serde(tag = "type")]
pub(crate) enum Transport {
    #[serde(rename = "livekit")]
    Service { livekit_service_url: String },
    #[serde(rename = "m.livekit")]
    Sfu { url: String },
}

#[derive(Serialize)]
pub(crate) struct Transports {
    rtc_transports: Vec<Transport>,
    transports: Vec<Transport>,
}

pub(crate) async fn transports(
    Authed { server, .. }: Authed,
    _: Answering<Request, Transports>,
) -> Result<Answer<Transports>> {
    let livekit = server.settings.livekit.as_ref();
    let public_url = &server.settings.public_url;
    let service = |_| Transport::Service {
        livekit_service_url: format!("{public_url}/livekit/jwt"),
    };
    Ok(Answer(Transports {
        rtc_transports: livekit.iter().map(service).collect(),
        transports: livekit
            .map(|livekit| Transport::Sfu {
                url: livekit.url.clone(),
            })
            .into_iter()
            .collect(),
    }))
}
