//! Asks another server something, and reads its answer.

use std::time::Duration;

use ruma::{
    OwnedServerName, ServerName,
    api::{
        IncomingResponseExt as _, OutgoingRequest, OutgoingRequestExt as _,
        auth_scheme::{AuthScheme, NoAuthentication},
        error::{Error, ErrorBody, FromHttpResponseError},
        federation::authentication::{ServerSignatures, XMatrixSigningInput},
        path_builder::{PathBuilder, SinglePath},
    },
    exports::http,
};

use crate::{
    Refusal, Server,
    ports::{RemoteError, ToServer},
};

/// Longest time for an answer that somebody waits for.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Longest answer to an ordinary question, in bytes.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// The operator doesn't want this server to speak with that one.
    #[error("this server doesn't speak with {0}")]
    NotAPartner(OwnedServerName),
    /// It could not be asked.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// It refused.
    #[error("the other server refused with {status}")]
    Refused {
        /// The status code.
        status: u16,
        /// The errcode, if it gave one that can be read.
        errcode: Option<String>,
        /// What it said, for people.
        text: Option<String>,
    },
    /// It answered something that is no answer to the question.
    #[error("the other server answered something else")]
    Nonsense,
    /// Our fault.
    #[error("the request can't be written: {0}")]
    Request(String),
}

impl From<AskError> for Refusal {
    /// For somebody here who waits for the answer.
    fn from(error: AskError) -> Self {
        match error {
            AskError::NotAPartner(name) => Self::Forbidden(format!("this server doesn't speak with {name}")),
            AskError::Refused { status: 404, .. } | AskError::Remote(RemoteError::NoSuchServer) => {
                Self::not_found("this")
            }
            AskError::Refused {
                status: 403, text, ..
            } => Self::Forbidden(text.unwrap_or_else(|| "the other server doesn't allow this".to_owned())),
            AskError::Request(text) => Self::Internal(text),
            other => Self::Elsewhere(other.to_string()),
        }
    }
}

impl Server {
    /// Asks another server, signed with the key of this one.
    pub(crate) async fn ask<R>(
        &self,
        destination: &ServerName,
        request: R,
    ) -> Result<R::IncomingResponse, AskError>
    where
        R: OutgoingRequest<
                Authentication = ServerSignatures,
                PathBuilder = SinglePath,
                EndpointError = Error,
            >,
    {
        self.ask_within(destination, request, (MAX_ANSWER_BYTES, TIMEOUT))
            .await
    }

    /// The same for an answer that may be longer, in bytes, or take longer than ordinary ones.
    pub(crate) async fn ask_within<R>(
        &self,
        destination: &ServerName,
        request: R,
        bounds: (usize, Duration),
    ) -> Result<R::IncomingResponse, AskError>
    where
        R: OutgoingRequest<
                Authentication = ServerSignatures,
                PathBuilder = SinglePath,
                EndpointError = Error,
            >,
    {
        let signing = XMatrixSigningInput::new(self.name().to_owned(), destination.to_owned(), &self.key);
        self.ask_with(destination, request, signing, bounds).await
    }

    /// Asks another server what everybody may ask.
    pub(crate) async fn ask_unsigned<R>(
        &self,
        destination: &ServerName,
        request: R,
    ) -> Result<R::IncomingResponse, AskError>
    where
        R: OutgoingRequest<
                Authentication = NoAuthentication,
                PathBuilder = SinglePath,
                EndpointError = Error,
            >,
    {
        self.ask_with(destination, request, (), (MAX_ANSWER_BYTES, TIMEOUT))
            .await
    }

    async fn ask_with<R>(
        &self,
        destination: &ServerName,
        request: R,
        authentication: <R::Authentication as AuthScheme>::Input<'_>,
        bounds: (usize, Duration),
    ) -> Result<R::IncomingResponse, AskError>
    where
        R: OutgoingRequest<EndpointError = Error>,
        for<'a> R::PathBuilder: PathBuilder<Input<'a> = ()>,
    {
        let answer = self.send(destination, request, authentication, bounds).await?;
        let (parts, body) = answer.into_parts();
        let answer = http::Response::from_parts(parts, &*body);
        R::IncomingResponse::try_from_http_response(answer).map_err(|error| match error {
            FromHttpResponseError::Server(error) => refused(error),
            _ => AskError::Nonsense,
        })
    }

    /// Tells another server something, signed with the key of this one, and brings its answer as it is.
    pub(crate) async fn tell<R>(
        &self,
        destination: &ServerName,
        request: R,
        timeout: Duration,
    ) -> Result<http::Response<Vec<u8>>, AskError>
    where
        R: OutgoingRequest<Authentication = ServerSignatures, PathBuilder = SinglePath>,
    {
        let signing = XMatrixSigningInput::new(self.name().to_owned(), destination.to_owned(), &self.key);
        self.send(destination, request, signing, (MAX_ANSWER_BYTES, timeout))
            .await
    }

    async fn send<R>(
        &self,
        destination: &ServerName,
        request: R,
        authentication: <R::Authentication as AuthScheme>::Input<'_>,
        (max_answer_bytes, timeout): (usize, Duration),
    ) -> Result<http::Response<Vec<u8>>, AskError>
    where
        R: OutgoingRequest,
        for<'a> R::PathBuilder: PathBuilder<Input<'a> = ()>,
    {
        if !self.speaks_with(destination) {
            return Err(AskError::NotAPartner(destination.to_owned()));
        }
        let base = format!("https://{destination}");
        let request: http::Request<Vec<u8>> = request
            .try_into_http_request(&base, authentication, ())
            .map_err(|error| AskError::Request(error.to_string()))?;
        let ask = ToServer {
            destination: destination.to_owned(),
            request,
            max_answer_bytes,
            timeout,
        };
        Ok(self.remote.ask(ask).await?)
    }
}

fn refused(error: Error) -> AskError {
    let (errcode, text) = match error.body {
        ErrorBody::Standard(body) => (Some(body.kind.errcode().to_string()), Some(body.message)),
        _ => (None, None),
    };
    AskError::Refused {
        status: error.status_code.as_u16(),
        errcode,
        text,
    }
}
