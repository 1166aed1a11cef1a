//! `POST /_matrix/client/v3/pushers/ack` and `POST /_matrix/client/unstable/org.matrix.msc4174/pushers/ack`
//!
//! Shows what the browser was sent when its pusher was set: from then on it is used. MSC4174, not in the specification
//! yet.

use http::Method;
use rohrpost_core::{Result, push::activate};
use serde::{Deserialize, Serialize};

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Own, OwnEndpoint, object},
    routes::Routes,
};

#[derive(Deserialize)]
struct Body {
    app_id: String,
    ack_token: String,
}

pub(crate) struct Stable(Body);
pub(crate) struct Unstable(Body);

#[derive(Serialize)]
pub(crate) struct Nothing {}

impl OwnEndpoint for Stable {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_matrix/client/v3/pushers/ack";
    type Answer = Nothing;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body).map(Self)
    }
}

impl OwnEndpoint for Unstable {
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/_matrix/client/unstable/org.matrix.msc4174/pushers/ack";
    type Answer = Nothing;

    fn parse(body: &[u8], _: &[&str]) -> serde_json::Result<Self> {
        object(body).map(Self)
    }
}

async fn acknowledge(Authed { server, caller, .. }: Authed, body: Body) -> Result<Answer<Nothing>> {
    activate::activate(&server, caller, body.app_id, body.ack_token).await?;
    Ok(Answer(Nothing {}))
}

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(async |call: Authed, Own(Stable(body)): Own<Stable>| acknowledge(call, body).await);
    routes.authed(async |call: Authed, Own(Unstable(body)): Own<Unstable>| acknowledge(call, body).await);
}
