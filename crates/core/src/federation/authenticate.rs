//! Who another server is, by the signature of its request.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#request-authentication>

use std::{net::IpAddr, sync::Arc};

use ruma::{
    OwnedServerName, api::federation::authentication::XMatrix, exports::http, signatures::PublicKeyMap,
};

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
/// `NotSigned` when the signature isn't that of the server at this time, `Forbidden`, `LimitExceeded`.
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
    let keys = PublicKeyMap::from([(announced.origin.to_string(), keys)]);
    announced
        .verify_http_request(request, server.name(), &keys)
        .map_err(|_| not_signed("the signature of the request is not that of the server it names"))?;
    server.limit(Kind::Federation, announced.origin.as_str())?;
    server.outbox.heard(server, &announced.origin);
    Ok(announced.origin)
}

fn not_a_partner() -> Refusal {
    Refusal::Forbidden("this server doesn't speak with yours".to_owned())
}

fn not_signed(text: &str) -> Refusal {
    Refusal::NotSigned(text.to_owned())
}
