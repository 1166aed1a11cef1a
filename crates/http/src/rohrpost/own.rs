//! Endpoints that `ruma` has no types for: our own ones, and answers whose shape `ruma` can't make.

use std::marker::PhantomData;

use bytes::BufMut;
use http::{HeaderValue, Method};
use ruma::api::{
    IncomingRequest, Metadata, OutgoingBody, OutgoingResponse,
    auth_scheme::NoAccessToken,
    error::{DeserializationError, Error, IntoHttpError},
    path_builder::SinglePath,
};
use serde::{Serialize, de::DeserializeOwned};

/// A request of an endpoint of our own.
pub(crate) trait OwnEndpoint: Sized + Send + 'static {
    const METHOD: Method;
    const PATH: &'static str;
    /// What is answered.
    type Answer: Serialize;

    /// Reads the request from its body and the parts of its path.
    fn parse(body: &[u8], params: &[&str]) -> Result<Self, serde_json::Error>;
}

/// Reads a JSON object. `serde` alone would take a list as well, its members in the order of the fields.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body)?;
    serde_json::from_value(object.into())
}

/// Puts an endpoint of our own into the route table.
pub(crate) struct Own<E>(pub(crate) E);

impl<E: OwnEndpoint> Metadata for Own<E> {
    const METHOD: Method = E::METHOD;
    const RATE_LIMITED: bool = true;
    // Who may call is said where it is registered.
    type Authentication = NoAccessToken;
    type PathBuilder = SinglePath;
    const PATH_BUILDER: SinglePath = SinglePath::new(E::PATH);
}

impl<E: OwnEndpoint> IncomingRequest for Own<E> {
    type EndpointError = Error;
    type OutgoingResponse = Answer<E::Answer>;

    fn try_from_http_request_inner(
        request: http::Request<&[u8]>,
        path_args: &[&str],
    ) -> Result<Self, DeserializationError> {
        Ok(Self(E::parse(request.body(), path_args)?))
    }
}

/// A request of `ruma` whose body is put in order before it is read, where `ruma` is stricter than the specification.
pub(crate) trait Rewrite: IncomingRequest {
    /// The body as `ruma` reads it.
    fn rewrite(body: JsonObject, path_args: &[&str]) -> Result<JsonObject, DeserializationError>;
}

/// An object of JSON, read but not understood.
pub(crate) type JsonObject = serde_json::Map<String, serde_json::Value>;

/// A request whose body was put in order.
pub(crate) struct Rewritten<R>(pub(crate) R);

impl<R: Metadata> Metadata for Rewritten<R> {
    const METHOD: Method = R::METHOD;
    const RATE_LIMITED: bool = R::RATE_LIMITED;
    type Authentication = R::Authentication;
    type PathBuilder = R::PathBuilder;
    const PATH_BUILDER: R::PathBuilder = R::PATH_BUILDER;
}

impl<R: Rewrite> IncomingRequest for Rewritten<R> {
    type EndpointError = R::EndpointError;
    type OutgoingResponse = R::OutgoingResponse;

    fn try_from_http_request_inner(
        request: http::Request<&[u8]>,
        path_args: &[&str],
    ) -> Result<Self, DeserializationError> {
        let body = R::rewrite(serde_json::from_slice(request.body())?, path_args)?;
        let body = serde_json::to_vec(&body)?;
        R::try_from_http_request_inner(request.map(|_| &*body), path_args).map(Self)
    }
}

/// A request as `ruma` has it, answered in another shape.
pub(crate) struct Answering<R, A>(pub(crate) R, PhantomData<fn() -> A>);

impl<R: Metadata, A> Metadata for Answering<R, A> {
    const METHOD: Method = R::METHOD;
    const RATE_LIMITED: bool = R::RATE_LIMITED;
    type Authentication = R::Authentication;
    type PathBuilder = R::PathBuilder;
    const PATH_BUILDER: R::PathBuilder = R::PATH_BUILDER;
}

impl<R: IncomingRequest, A: Serialize> IncomingRequest for Answering<R, A> {
    type EndpointError = R::EndpointError;
    type OutgoingResponse = Answer<A>;

    fn try_from_http_request_inner(
        request: http::Request<&[u8]>,
        path_args: &[&str],
    ) -> Result<Self, DeserializationError> {
        Ok(Self(
            R::try_from_http_request_inner(request, path_args)?,
            PhantomData,
        ))
    }
}

/// `{}`
#[derive(Serialize)]
pub(crate) struct Empty {}

/// A JSON answer.
pub(crate) struct Answer<A>(pub(crate) A);

impl<A: Serialize> OutgoingResponse for Answer<A> {
    type Body = Self;

    fn try_into_http_response_inner(self) -> Result<http::Response<Self>, IntoHttpError> {
        Ok(http::Response::new(self))
    }
}

impl<A: Serialize> OutgoingBody for Answer<A> {
    type Error = IntoHttpError;

    fn content_type(&self) -> Option<HeaderValue> {
        Some(HeaderValue::from_static("application/json"))
    }

    fn try_into_buf<T: Default + BufMut + AsRef<[u8]>>(self) -> Result<T, IntoHttpError> {
        let mut buffer = T::default().writer();
        serde_json::to_writer(&mut buffer, &self.0)?;
        Ok(buffer.into_inner())
    }
}
