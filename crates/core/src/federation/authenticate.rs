//! Who another server is, by the signature of its request.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#request-authentication>

use std::{net::IpAddr, sync::Arc};

use ruma::{
    OwnedServerName, api::federation::authentication::XMatrix, exports::http,
    signatures::verify_canonical_json_bytes,
};
use serde_json::{Map, Value};

use crate::{Refusal, Result, Server, accounts::address_key, federation::server_keys::keys_at, limits::Kind};

/// Looks at what a request says about who makes it, before its body is read: whether it is for this server at all, and
/// whether this server speaks with the other. Nothing is proven by that.
///
/// # Errors
/// `Unrecognized` when there is no federation, `NotSigned`, `Forbidden` for a server that isn't spoken with,
/// `LimitExceeded`.
pub fn announced(server: &Server, headers: &http::HeaderMap, address: IpAddr) -> Result<XMatrix> {
    if !server.settings.federation.is_on() {
        return Err(Refusal::Unrecognized);
    }
    // Counted for the address: the name is not proven yet, and nobody shall use up what belongs to another server.
    server.limit(Kind::Federation, &address_key(address))?;
    let mut values = headers.get_all(http::header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(not_signed("the request must have one Authorization header"));
    };
    let announced = XMatrix::try_from(value)
        .map_err(|_| not_signed("the Authorization header can't be read as X-Matrix"))?;
    if announced
        .destination
        .as_deref()
        .is_some_and(|name| name != server.name())
    {
        return Err(not_signed("the request is for another server"));
    }
    if announced.origin == *server.name() {
        return Err(not_signed("the request comes from this server itself"));
    }
    if !server.speaks_with(&announced.origin) {
        return Err(not_a_partner());
    }
    Ok(announced)
}

/// Proves who made a request. Answers its server.
///
/// # Errors
/// `NotSigned` when the signature isn't that of the server at this time, `BadJson` for a body that is no JSON,
/// `Forbidden`, `LimitExceeded`.
pub async fn authenticate(
    server: &Arc<Server>,
    announced: XMatrix,
    request: &http::Request<impl AsRef<[u8]>>,
) -> Result<OwnedServerName> {
    // The body took a while to come, and the roster may have changed meanwhile.
    if !server.speaks_with(&announced.origin) {
        return Err(not_a_partner());
    }
    let wanted = [announced.key.to_string()];
    let keys = keys_at(server, &announced.origin, &wanted, server.now_ts()).await?;
    let signed = signed_text(server, &announced, request)?;
    let is_signed = keys.get(announced.key.as_str()).is_some_and(|key| {
        let algorithm = announced.key.algorithm();
        let (key, signature) = (key.as_bytes(), announced.sig.as_bytes());
        verify_canonical_json_bytes(&algorithm, key, signature, signed.as_bytes()).is_ok()
    });
    if !is_signed {
        return Err(not_signed(
            "the signature of the request is not that of the server it names",
        ));
    }
    server.limit(Kind::Federation, announced.origin.as_str())?;
    server.outbox.heard(server, &announced.origin);
    Ok(announced.origin)
}

fn not_a_partner() -> Refusal {
    Refusal::Forbidden("this server doesn't speak with yours".to_owned())
}

/// What the other server signed: the request, with its body as canonical JSON.
///
/// The body may hold numbers that no event may have. Who relays such an event, or a message between devices with a fraction,
/// proves who they are all the same: what is wrong with one event is the matter of whoever reads that event, and must not
/// hold up the others.
fn signed_text(
    server: &Server,
    announced: &XMatrix,
    request: &http::Request<impl AsRef<[u8]>>,
) -> Result<String> {
    let uri = request.uri().path_and_query().map_or("/", |uri| uri.as_str());
    let named = [
        ("destination", server.name().as_str()),
        ("method", request.method().as_str()),
        ("origin", announced.origin.as_str()),
        ("uri", uri),
    ];
    let mut signed: Map<String, Value> = named
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.into()))
        .collect();
    let body = request.body().as_ref();
    if !body.is_empty() {
        let content = serde_json::from_slice(body)
            .map_err(|_| Refusal::BadJson("the body of the request can't be read as JSON".to_owned()))?;
        signed.insert("content".to_owned(), content);
    }
    let mut signed = Value::Object(signed);
    signed.sort_all_objects();
    Ok(signed.to_string())
}

fn not_signed(text: &str) -> Refusal {
    Refusal::NotSigned(text.to_owned())
}
