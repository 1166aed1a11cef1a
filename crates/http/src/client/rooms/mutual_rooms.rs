//! `GET /_matrix/client/v1/mutual_rooms`
//!
//! The rooms that the caller shares with somebody; also under the name it had before it was part of the specification.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mutual_rooms)

use rohrpost_core::{Result, rooms::mutual};
use ruma::{
    UInt,
    api::client::membership::get_mutual_rooms::{unstable, v1},
};

use crate::call::Authed;

pub(crate) async fn mutual_rooms(
    Authed { server, caller, .. }: Authed,
    request: v1::Request,
) -> Result<v1::Response> {
    let page = mutual::mutual(&server, &caller, request.user_id, request.from).await?;
    let mut response = v1::Response::new(UInt::new_saturating(page.count), page.rooms);
    response.next_batch = page.next;
    Ok(response)
}

pub(crate) async fn before_it_was_stable(
    Authed { server, caller, .. }: Authed,
    request: unstable::Request,
) -> Result<unstable::Response> {
    let page = mutual::mutual(&server, &caller, request.user_id, request.from).await?;
    let mut response = unstable::Response::new(page.rooms);
    response.next_batch = page.next;
    Ok(response)
}
