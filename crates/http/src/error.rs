//! The one place where a refusal becomes a status code and an errcode.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#standard-error-response>

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http::{HeaderValue, StatusCode, header};
use rohrpost_core::{Refusal, oauth::OAuthRefusal};
use ruma::api::{
    OutgoingResponse, OutgoingResponseExt,
    client::uiaa::UiaaResponse,
    error::{
        BadStatusErrorData, Error, ErrorBody, ErrorKind, IncompatibleRoomVersionErrorData,
        LimitExceededErrorData, RetryAfter, StandardErrorBody, UnknownTokenErrorData,
    },
};

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// A use case refused.
    Refused(Refusal),
    /// `M_NOT_JSON`: the body isn't JSON.
    NotJson(String),
    /// `M_UNRECOGNIZED` with 404: no such endpoint.
    NoEndpoint,
    /// `M_UNRECOGNIZED` with 405: no such method at this endpoint.
    NoMethod,
    /// 408: the body didn't come in time.
    TooSlow,
    /// 503: it took too long to answer.
    Overdue,
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, kind, message) = match self {
            Self::Refused(Refusal::MaxDelayExceeded { max_delay }) => return delay_exceeded(max_delay),
            Self::Refused(Refusal::Uiaa(info)) => return render(UiaaResponse::AuthResponse(*info)),
            Self::Refused(refusal @ Refusal::UserLocked) => {
                // "soft_logout set to true": the client keeps its keys. `ruma` has no place for it.
                let body = serde_json::json!({
                    "errcode": "M_USER_LOCKED", "error": refusal.to_string(), "soft_logout": true,
                });
                return render(Error::new(StatusCode::UNAUTHORIZED, ErrorBody::Json(body)));
            }
            Self::Refused(refusal @ Refusal::LimitExceeded { retry_after_ms }) => {
                let (status, kind) = refused(&refusal);
                let body = StandardErrorBody::new(kind, refusal.to_string());
                let mut response = render(Error::new(status, ErrorBody::Standard(body)));
                // `ruma` rounds down, and whoever came back then would be too early.
                let seconds = HeaderValue::from(retry_after_ms.div_ceil(1000));
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
                return response;
            }
            Self::Refused(refusal) => {
                let (status, kind) = refused(&refusal);
                (status, kind, refusal.to_string())
            }
            Self::NotJson(message) => (StatusCode::BAD_REQUEST, ErrorKind::NotJson, message),
            Self::NoEndpoint => (
                StatusCode::NOT_FOUND,
                ErrorKind::Unrecognized,
                "this server has no such endpoint".to_owned(),
            ),
            Self::NoMethod => (
                StatusCode::METHOD_NOT_ALLOWED,
                ErrorKind::Unrecognized,
                "this endpoint has no such method".to_owned(),
            ),
            Self::Overdue => {
                let message = "the server is too busy to answer; please try again in a minute".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, ErrorKind::Unknown, message)
            }
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                ErrorKind::Unknown,
                "the request did not arrive in time".to_owned(),
            ),
        };
        render(Error::new(
            status,
            ErrorBody::Standard(StandardErrorBody::new(kind, message)),
        ))
    }
}

/// A refusal in the words of OAuth 2.0 on its way out.
///
/// <https://spec.matrix.org/v1.19/client-server-api/#refresh-token-grant>: a client that gets a 4xx takes its user for
/// signed out, so limits are a 503.
#[derive(Debug)]
pub(crate) struct OAuthError(OAuthRefusal);

impl From<OAuthRefusal> for OAuthError {
    fn from(refusal: OAuthRefusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let mut retry_after_ms = None;
        let status = match &self.0 {
            OAuthRefusal::InvalidClient => StatusCode::UNAUTHORIZED,
            OAuthRefusal::Other(Refusal::LimitExceeded {
                retry_after_ms: after,
            }) => {
                retry_after_ms = Some(*after);
                StatusCode::SERVICE_UNAVAILABLE
            }
            OAuthRefusal::Other(refusal) => refused(refusal).0,
            _ => StatusCode::BAD_REQUEST,
        };
        let body = serde_json::json!({ "error": self.0.code(), "error_description": self.0.to_string() });
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        let mut response = (status, headers, body.to_string()).into_response();
        if let Some(after) = retry_after_ms {
            let seconds = HeaderValue::from(after.div_ceil(1000));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

/// Status and errcode of a refusal.
fn refused(refusal: &Refusal) -> (StatusCode, ErrorKind) {
    match refusal {
        Refusal::Forbidden(_) => (StatusCode::FORBIDDEN, ErrorKind::Forbidden),
        Refusal::NotFound(_) => (StatusCode::NOT_FOUND, ErrorKind::NotFound),
        Refusal::NotSigned(_) => (StatusCode::UNAUTHORIZED, ErrorKind::Unauthorized),
        Refusal::Elsewhere(_) => (StatusCode::BAD_GATEWAY, ErrorKind::Unknown),
        Refusal::BadJson(_) => (StatusCode::BAD_REQUEST, ErrorKind::BadJson),
        Refusal::ServerControlled(_) => (StatusCode::METHOD_NOT_ALLOWED, ErrorKind::BadJson),
        Refusal::InvalidParam(_) => (StatusCode::BAD_REQUEST, ErrorKind::InvalidParam),
        Refusal::MissingParam(_) => (StatusCode::BAD_REQUEST, ErrorKind::MissingParam),
        Refusal::Unknown(_) => (StatusCode::BAD_REQUEST, ErrorKind::Unknown),
        Refusal::DuplicateAnnotation => (StatusCode::BAD_REQUEST, ErrorKind::DuplicateAnnotation),
        Refusal::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, ErrorKind::TooLarge),
        Refusal::CannotOverwriteMedia => (StatusCode::CONFLICT, ErrorKind::CannotOverwriteMedia),
        Refusal::NotYetUploaded => (StatusCode::GATEWAY_TIMEOUT, ErrorKind::NotYetUploaded),
        Refusal::UnknownToken { soft_logout } => {
            let mut data = UnknownTokenErrorData::new();
            data.soft_logout = *soft_logout;
            (StatusCode::UNAUTHORIZED, ErrorKind::UnknownToken(data))
        }
        Refusal::MissingToken => (StatusCode::UNAUTHORIZED, ErrorKind::MissingToken),
        Refusal::UserDeactivated => (StatusCode::FORBIDDEN, ErrorKind::UserDeactivated),
        Refusal::UserLocked => (StatusCode::UNAUTHORIZED, ErrorKind::UserLocked),
        Refusal::UserSuspended => (StatusCode::FORBIDDEN, ErrorKind::UserSuspended),
        Refusal::InviteBlocked => (StatusCode::FORBIDDEN, ErrorKind::InviteBlocked),
        Refusal::CannotLeaveServerNoticeRoom => {
            (StatusCode::FORBIDDEN, ErrorKind::CannotLeaveServerNoticeRoom)
        }
        Refusal::KeyTooLarge(_) => (StatusCode::BAD_REQUEST, ErrorKind::KeyTooLarge),
        Refusal::ProfileTooLarge(_) => (StatusCode::BAD_REQUEST, ErrorKind::ProfileTooLarge),
        Refusal::GuestAccessForbidden => (StatusCode::FORBIDDEN, ErrorKind::GuestAccessForbidden),
        Refusal::Unrecognized => (StatusCode::NOT_FOUND, ErrorKind::Unrecognized),
        Refusal::UserInUse => (StatusCode::BAD_REQUEST, ErrorKind::UserInUse),
        Refusal::Exclusive => (StatusCode::BAD_REQUEST, ErrorKind::Exclusive),
        Refusal::InvalidUsername(_) => (StatusCode::BAD_REQUEST, ErrorKind::InvalidUsername),
        Refusal::WeakPassword(_) => (StatusCode::BAD_REQUEST, ErrorKind::WeakPassword),
        Refusal::RoomInUse => (StatusCode::BAD_REQUEST, ErrorKind::RoomInUse),
        Refusal::AliasTaken => (StatusCode::CONFLICT, ErrorKind::Unknown),
        Refusal::BadAlias(_) => (StatusCode::BAD_REQUEST, ErrorKind::BadAlias),
        Refusal::IncompatibleRoomVersion(version) => {
            let data = IncompatibleRoomVersionErrorData::new(version.clone());
            (StatusCode::BAD_REQUEST, ErrorKind::IncompatibleRoomVersion(data))
        }
        Refusal::UnableToAuthorizeJoin => (StatusCode::BAD_REQUEST, ErrorKind::UnableToAuthorizeJoin),
        Refusal::UnableToGrantJoin => (StatusCode::BAD_REQUEST, ErrorKind::UnableToGrantJoin),
        Refusal::UnknownRoomVersionThere => (StatusCode::BAD_REQUEST, ErrorKind::UnsupportedRoomVersion),
        Refusal::UnsupportedRoomVersion(_) => (StatusCode::BAD_REQUEST, ErrorKind::UnsupportedRoomVersion),
        Refusal::InvalidRoomState(_) => (StatusCode::BAD_REQUEST, ErrorKind::InvalidRoomState),
        Refusal::LimitExceeded { retry_after_ms } => {
            let mut data = LimitExceededErrorData::new();
            data.retry_after = Some(RetryAfter::Delay(Duration::from_millis(*retry_after_ms)));
            (StatusCode::TOO_MANY_REQUESTS, ErrorKind::LimitExceeded(data))
        }
        Refusal::Conflict(_) => (StatusCode::CONFLICT, ErrorKind::Unknown),
        Refusal::MaxDelayExceeded { .. } => (StatusCode::BAD_REQUEST, ErrorKind::Unknown),
        Refusal::InvalidSignature(_) => (StatusCode::BAD_REQUEST, other("M_INVALID_SIGNATURE")),
        Refusal::WrongRoomKeysVersion { current } => {
            let data = ruma::api::error::WrongRoomKeysVersionErrorData::new(current.clone());
            (StatusCode::FORBIDDEN, ErrorKind::WrongRoomKeysVersion(data))
        }
        Refusal::UnknownPos => (StatusCode::BAD_REQUEST, other("M_UNKNOWN_POS")),
        Refusal::UnknownDevice => (StatusCode::BAD_REQUEST, ErrorKind::UnknownDevice),
        Refusal::AppserviceLoginUnsupported => {
            (StatusCode::BAD_REQUEST, ErrorKind::AppserviceLoginUnsupported)
        }
        Refusal::UrlNotSet => (StatusCode::BAD_REQUEST, ErrorKind::UrlNotSet),
        Refusal::BadStatus { status, body } => {
            let mut data = BadStatusErrorData::new();
            data.status = StatusCode::from_u16(*status).ok();
            data.body = Some(body.clone());
            (StatusCode::BAD_GATEWAY, ErrorKind::BadStatus(data))
        }
        Refusal::ConnectionFailed => (StatusCode::BAD_GATEWAY, ErrorKind::ConnectionFailed),
        Refusal::ConnectionTimeout => (StatusCode::GATEWAY_TIMEOUT, ErrorKind::ConnectionTimeout),
        Refusal::ServiceTimedOut => (StatusCode::REQUEST_TIMEOUT, ErrorKind::Unknown),
        Refusal::ThreepidRefused => (StatusCode::FORBIDDEN, ErrorKind::ThreepidAuthFailed),
        Refusal::ConflictingUnsubscription => {
            let errcode = "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION";
            (StatusCode::CONFLICT, other(errcode))
        }
        Refusal::NotInThread => (
            StatusCode::BAD_REQUEST,
            other("IO.ELEMENT.MSC4306.M_NOT_IN_THREAD"),
        ),
        Refusal::ThreepidAuthFailed => (StatusCode::BAD_REQUEST, ErrorKind::ThreepidAuthFailed),
        Refusal::ThreepidInUse => (StatusCode::BAD_REQUEST, ErrorKind::ThreepidInUse),
        Refusal::UnknownActivationToken => (StatusCode::BAD_REQUEST, other("M_UNKNOWN_ACTIVATION_TOKEN")),
        Refusal::NotOffered(_) => (StatusCode::FORBIDDEN, ErrorKind::ThreepidDenied),
        Refusal::Store(error) => {
            tracing::error!(%error, "the store failed");
            (StatusCode::SERVICE_UNAVAILABLE, ErrorKind::Unknown)
        }
        Refusal::Internal(detail) => {
            tracing::error!(detail, "something that can't happen did");
            (StatusCode::INTERNAL_SERVER_ERROR, ErrorKind::Unknown)
        }
        other => {
            tracing::error!(error = %other, "a refusal without an errcode");
            (StatusCode::INTERNAL_SERVER_ERROR, ErrorKind::Unknown)
        }
    }
}

/// The refusal of a delay as clients in use read it: the names of the proposal in its unstable spelling.
fn delay_exceeded(max_delay: Duration) -> Response {
    let max_ms = u64::try_from(max_delay.as_millis()).unwrap_or(u64::MAX);
    let body = serde_json::json!({
        "errcode": "M_UNKNOWN",
        "error": Refusal::MaxDelayExceeded { max_delay }.to_string(),
        "org.matrix.msc4140.errcode": "M_MAX_DELAY_EXCEEDED",
        "org.matrix.msc4140.max_delay": max_ms,
        "max_delay": max_ms,
    });
    render(Error::new(StatusCode::BAD_REQUEST, ErrorBody::Json(body)))
}

/// An errcode that `ruma` has no name for.
fn other(errcode: &'static str) -> ErrorKind {
    serde_json::from_value(serde_json::json!({ "errcode": errcode })).unwrap_or(ErrorKind::Unknown)
}

/// An answer of `ruma` as an HTTP response.
pub(crate) fn render(answer: impl OutgoingResponse) -> Response {
    match answer.try_into_http_response::<BytesMut>() {
        Ok(response) => response.map(|body| axum::body::Body::from(body.freeze())),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The same as endpoints of the server-server API answered in their first version: `[200, {...}]`.
pub(crate) fn render_v1(answer: impl OutgoingResponse) -> Response {
    match answer.try_into_http_response::<BytesMut>() {
        Ok(response) => response.map(|body| axum::body::Body::from([b"[200,", &*body, b"]"].concat())),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// 201: it was made.
pub(crate) fn created(response: Response) -> Response {
    (StatusCode::CREATED, response).into_response()
}

/// A page that says why something isn't granted.
pub(crate) fn refused_page(refusal: &Refusal, page: impl IntoResponse) -> Response {
    (refused(refusal).0, page).into_response()
}

/// 202: it was taken.
pub(crate) fn accepted() -> Response {
    StatusCode::ACCEPTED.into_response()
}

/// 204: there is nothing to say.
pub(crate) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// 412: somebody else changed the note before (MSC4108).
pub(crate) fn overtaken() -> Response {
    let body = serde_json::json!({
        "errcode": "M_UNKNOWN",
        "org.matrix.msc4108.errcode": "M_CONCURRENT_WRITE",
        "error": "this was changed meanwhile; please read it again",
    });
    let json = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::PRECONDITION_FAILED, json, body.to_string()).into_response()
}

/// 409: somebody else changed the note before (MSC4388).
pub(crate) fn conflict() -> Response {
    let body = serde_json::json!({
        "errcode": "IO_ELEMENT_MSC4388_CONCURRENT_WRITE",
        "error": "this was changed meanwhile; please read it again",
    });
    let json = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::CONFLICT, json, body.to_string()).into_response()
}

/// 304: the client has this already.
pub(crate) fn not_modified() -> Response {
    StatusCode::NOT_MODIFIED.into_response()
}

/// 206: the part that the client asked for.
pub(crate) fn partial_content(part: impl IntoResponse) -> Response {
    (StatusCode::PARTIAL_CONTENT, part).into_response()
}

/// 416: the part that the client asked for lies behind the end of these many bytes.
pub(crate) fn range_not_satisfiable(size: u64) -> Response {
    let headers = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
    (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response()
}
