//! `PUT /_matrix/client/v3/profile/{userId}/{keyName}`
//!
//! Sets the caller's name or picture, or another field that they show. [Specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname)

use http::Method;
use rohrpost_core::accounts::profile::{self, ProfileChange};
use ruma::{
    api::{
        IncomingRequest, Metadata,
        client::profile::set_profile_field::v3::{Request, Response},
        error::DeserializationError,
    },
    profile::ProfileFieldValue,
};
use serde::de::Error as _;

use crate::{call::Authed, rohrpost::own::object};

/// A request whose body has the field that the path names. What else is in the body doesn't matter, and without the
/// field `M_MISSING_PARAM` is answered; `ruma` would stumble over either.
pub(crate) struct SetField(Request);

impl Metadata for SetField {
    const METHOD: Method = Request::METHOD;
    const RATE_LIMITED: bool = Request::RATE_LIMITED;
    type Authentication = <Request as Metadata>::Authentication;
    type PathBuilder = <Request as Metadata>::PathBuilder;
    const PATH_BUILDER: Self::PathBuilder = Request::PATH_BUILDER;
}

impl IncomingRequest for SetField {
    type EndpointError = <Request as IncomingRequest>::EndpointError;
    type OutgoingResponse = Response;

    fn try_from_http_request_inner(
        request: http::Request<&[u8]>,
        path_args: &[&str],
    ) -> Result<Self, DeserializationError> {
        let name = *path_args.last().unwrap_or(&"");
        let mut body: serde_json::Map<String, serde_json::Value> = object(request.body())?;
        let value = body
            .remove(name)
            .ok_or_else(|| serde::de::value::Error::custom(format!("missing field `{name}`")))?;
        let field = serde_json::json!({ name: value }).to_string();
        let request = request.map(|_| field.as_bytes());
        Request::try_from_http_request_inner(request, path_args).map(Self)
    }
}

pub(crate) async fn set_field(
    Authed { server, caller, .. }: Authed,
    SetField(request): SetField,
) -> rohrpost_core::Result<Response> {
    let change = match request.value {
        ProfileFieldValue::DisplayName(name) => ProfileChange::DisplayName(Some(name)),
        ProfileFieldValue::AvatarUrl(url) => ProfileChange::AvatarUrl(Some(url)),
        other => ProfileChange::Other {
            name: other.field_name().to_string(),
            value: Some(other.value().into_owned()),
        },
    };
    profile::set(&server, caller, request.user_id, change).await?;
    Ok(Response::new())
}
