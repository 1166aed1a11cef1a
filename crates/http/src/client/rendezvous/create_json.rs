//! `POST /_matrix/client/unstable/io.element.msc4388/rendezvous`
//!
//! Leaves a note for another device.

use http::Method;
use rohrpost_core::{
    Result,
    rendezvous::{self, LIFETIME_MS},
};
use serde::{Deserialize, Serialize};

use super::JSON_PATH;
use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
};

#[derive(Deserialize)]
pub(crate) struct Create {
    data: String,
}

#[derive(Serialize)]
pub(crate) struct Created {
    id: String,
    sequence_token: String,
    expires_in_ms: i64,
}

impl OwnEndpoint for Create {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = JSON_PATH;
    type Answer = Created;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body)
    }
}

pub(crate) async fn create(
    Public { server, call, .. }: Public,
    Own(asked): Own<Create>,
) -> Result<Answer<Created>> {
    let (id, note) = rendezvous::create(&server, call.address, asked.data)?;
    Ok(Answer(Created {
        id,
        sequence_token: note.tag,
        expires_in_ms: LIFETIME_MS,
    }))
}
