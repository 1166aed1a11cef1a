//! Why a request of a client is refused, in the words of OAuth 2.0.

use rohrpost_store::StoreError;

use crate::Refusal;

/// Why a request of a client is refused. The variants are the error codes of RFC 6749, RFC 7591 and RFC 8628.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthRefusal {
    /// `invalid_request`
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// `invalid_client`: nobody registered so, or not any more.
    #[error("this program is not registered here (any more); please start the sign-in anew")]
    InvalidClient,
    /// `invalid_grant`: the code or refresh token isn't one, or not any more, or not of this client. Never says which.
    #[error("this was used before, has run out or is not yours; please sign in anew")]
    InvalidGrant,
    /// `unauthorized_client`: the client didn't register for this.
    #[error("this program did not register for this way to sign in")]
    UnauthorizedClient,
    /// `unsupported_grant_type`
    #[error("this server doesn't know this grant type")]
    UnsupportedGrantType,
    /// `unsupported_response_type`
    #[error("this server only knows the response type code")]
    UnsupportedResponseType,
    /// `invalid_scope`
    #[error("{0}")]
    InvalidScope(&'static str),
    /// `access_denied`: the user refused.
    #[error("this was refused")]
    AccessDenied,
    /// `authorization_pending`: the user didn't decide yet.
    #[error("nobody has confirmed this yet; please ask again")]
    AuthorizationPending,
    /// `slow_down`
    #[error("please ask less often")]
    SlowDown,
    /// `expired_token`: the device code has run out.
    #[error("this took too long; please start the sign-in anew")]
    ExpiredToken,
    /// `invalid_redirect_uri`
    #[error("{0}")]
    InvalidRedirectUri(&'static str),
    /// `invalid_client_metadata`
    #[error("{0}")]
    InvalidClientMetadata(&'static str),
    /// Something that has nothing to do with OAuth 2.0, such as a limit.
    #[error(transparent)]
    Other(#[from] Refusal),
}

impl OAuthRefusal {
    /// The error code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope(_) => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::InvalidRedirectUri(_) => "invalid_redirect_uri",
            Self::InvalidClientMetadata(_) => "invalid_client_metadata",
            Self::Other(Refusal::LimitExceeded { .. } | Refusal::Store(_)) => "temporarily_unavailable",
            Self::Other(_) => "server_error",
        }
    }
}

impl From<StoreError> for OAuthRefusal {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}
