//! `DELETE /_matrix/client/unstable/io.element.msc4388/rendezvous/{id}`
//!
//! Takes a note away.

use http::Method;
use rohrpost_core::{Result, rendezvous};

use super::JSON_NOTE;
use crate::{
    call::Public,
    rohrpost::own::{Answer, Empty, Own, OwnEndpoint},
};

pub(crate) struct Delete(String);

impl OwnEndpoint for Delete {
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = JSON_NOTE;
    type Answer = Empty;

    fn parse(_: &[u8], params: &[&str]) -> serde_json::Result<Self> {
        Ok(Self(params.first().copied().unwrap_or_default().to_owned()))
    }
}

pub(crate) async fn delete(
    Public { server, .. }: Public,
    Own(Delete(name)): Own<Delete>,
) -> Result<Answer<Empty>> {
    rendezvous::delete(&server, &name)?;
    Ok(Answer(Empty {}))
}
