//! `GET /_matrix/client/unstable/io.element.msc4388/rendezvous/{id}`
//!
//! Reads a note.

use http::Method;
use rohrpost_core::{Result, rendezvous};
use serde::Serialize;

use super::JSON_NOTE;
use crate::{
    call::Public,
    rohrpost::own::{Answer, Own, OwnEndpoint},
};

pub(crate) struct Get(String);

#[derive(Serialize)]
pub(crate) struct Note {
    sequence_token: String,
    data: String,
    expires_in_ms: i64,
}

impl OwnEndpoint for Get {
    const METHOD: Method = Method::GET;
    const PATH: &'static str = JSON_NOTE;
    type Answer = Note;

    fn parse(_: &[u8], params: &[&str]) -> serde_json::Result<Self> {
        Ok(Self(params.first().copied().unwrap_or_default().to_owned()))
    }
}

pub(crate) async fn get(Public { server, .. }: Public, Own(Get(name)): Own<Get>) -> Result<Answer<Note>> {
    let note = rendezvous::get(&server, &name)?;
    Ok(Answer(Note {
        expires_in_ms: note.expires_ts - server.now_ts(),
        sequence_token: note.tag,
        data: note.data,
    }))
}
