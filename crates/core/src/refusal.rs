//! Why a request isn't granted: the decisions a caller can take, in the specification's terms.
//!
//! The texts are for people and say what to do next; they hold no secrets and nothing that the caller may not
//! know. Status codes are chosen by `rohrpost-http`.

use rohrpost_room::{BuildError, CreateError, InputError, PduError, PolicyRefusal, PowerError, RedactError};
use rohrpost_store::StoreError;
use ruma::{RoomVersionId, api::client::uiaa::UiaaInfo};

/// The result of a use case.
pub type Result<T, E = Refusal> = std::result::Result<T, E>;

/// Why a request isn't granted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// `M_FORBIDDEN`: the caller may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// `M_NOT_FOUND`: there is no such thing, or the caller may not know of it.
    #[error("{0}")]
    NotFound(String),
    /// `M_BAD_JSON`: a field has a wrong type or value.
    #[error("{0}")]
    BadJson(String),
    /// `M_BAD_JSON` with 405: account data that only the server writes.
    #[error("{0}")]
    ServerControlled(String),
    /// `M_INVALID_PARAM`
    #[error("{0}")]
    InvalidParam(String),
    /// `M_MISSING_PARAM`
    #[error("{0}")]
    MissingParam(String),
    /// `M_UNKNOWN`: none of the others, the caller's fault.
    #[error("{0}")]
    Unknown(String),
    /// `M_DUPLICATE_ANNOTATION`
    #[error("you gave this reaction already")]
    DuplicateAnnotation,
    /// `M_TOO_LARGE`
    #[error("{0}")]
    TooLarge(String),
    /// `M_CANNOT_OVERWRITE_MEDIA`: there is a file at this address already.
    #[error("this address has its file already; please make another")]
    CannotOverwriteMedia,
    /// `M_NOT_YET_UPLOADED`: the file is still to come.
    #[error("this file is not there yet; please try again in a moment")]
    NotYetUploaded,
    /// `M_UNKNOWN_TOKEN`. With `soft_logout` the device may sign in again and keep its keys.
    #[error("you are signed out; please sign in again")]
    UnknownToken {
        /// Whether the device stays.
        soft_logout: bool,
    },
    /// `M_MISSING_TOKEN`
    #[error("this needs an access token")]
    MissingToken,
    /// `M_USER_DEACTIVATED`
    #[error("this account is closed")]
    UserDeactivated,
    /// `M_USER_LOCKED`
    #[error("this account is locked; please ask an administrator")]
    UserLocked,
    /// `M_USER_SUSPENDED`
    #[error("this account may read, but not take part at the moment; please ask an administrator")]
    UserSuspended,
    /// `M_INVITE_BLOCKED`
    #[error("this person doesn't take invitations; please ask them in another way")]
    InviteBlocked,
    /// `M_CANNOT_LEAVE_SERVER_NOTICE_ROOM`
    #[error("in this room the server speaks to you; its invitation can't be refused")]
    CannotLeaveServerNoticeRoom,
    /// `M_KEY_TOO_LARGE`
    #[error("{0}")]
    KeyTooLarge(String),
    /// `M_PROFILE_TOO_LARGE`
    #[error("{0}")]
    ProfileTooLarge(String),
    /// `M_UNKNOWN_DEVICE`: an application service names a device that its user doesn't have.
    #[error("this user has no such device")]
    UnknownDevice,
    /// `M_APPSERVICE_LOGIN_UNSUPPORTED`: users of application services can't be signed in here.
    #[error("this server signs nobody in without its own page; please set inhibit_login")]
    AppserviceLoginUnsupported,
    /// `M_URL_NOT_SET`: an application service wants to be told nothing.
    #[error("the registration of this application service has no url")]
    UrlNotSet,
    /// `M_BAD_STATUS`: an application service didn't like what it was told.
    #[error("the application service answered with status {status}")]
    BadStatus {
        /// Its status code.
        status: u16,
        /// What it said, at most 4 KiB.
        body: String,
    },
    /// `M_CONNECTION_FAILED`: an application service can't be reached.
    #[error("the application service can't be reached")]
    ConnectionFailed,
    /// `M_CONNECTION_TIMEOUT`: an application service doesn't answer.
    #[error("the application service didn't answer in time")]
    ConnectionTimeout,
    /// `M_UNKNOWN` with 408: an application service was to say whether there is something, and didn't.
    #[error("the program that knows about this doesn't answer; please try again later")]
    ServiceTimedOut,
    /// `M_THREEPID_AUTH_FAILED` with 403: the same as the next, where the specification says so.
    #[error("please open the link in the mail that was sent to you, then try again")]
    ThreepidRefused,
    /// `M_GUEST_ACCESS_FORBIDDEN`: guests may not do this, or there are none here.
    #[error("guests may not do this here; please make an account or sign in")]
    GuestAccessForbidden,
    /// `M_UNRECOGNIZED`: an endpoint that the operator didn't switch on.
    #[error("this server has no such endpoint")]
    Unrecognized,
    /// `M_USER_IN_USE`
    #[error("this name is taken; please choose another")]
    UserInUse,
    /// `M_EXCLUSIVE`: the name belongs to an application service, or doesn't belong to the one that asks.
    #[error("this name is kept for another program; please choose another")]
    Exclusive,
    /// `M_INVALID_USERNAME`
    #[error("{0}")]
    InvalidUsername(String),
    /// `M_WEAK_PASSWORD`
    #[error("{0}")]
    WeakPassword(String),
    /// `M_ROOM_IN_USE`: the alias is taken.
    #[error("this address is taken; please choose another")]
    RoomInUse,
    /// `M_UNKNOWN` with 409: the alias is taken.
    #[error("this address is taken; please choose another")]
    AliasTaken,
    /// `M_BAD_ALIAS`
    #[error("{0}")]
    BadAlias(String),
    /// `M_UNSUPPORTED_ROOM_VERSION`
    #[error("this server doesn't make rooms of version {0}")]
    UnsupportedRoomVersion(String),
    /// `M_UNSUPPORTED_ROOM_VERSION`: the server of an invited person doesn't know rooms of this version.
    #[error("the server of this person doesn't know rooms of this version")]
    UnknownRoomVersionThere,
    /// `M_INVALID_ROOM_STATE`: the wanted room would contradict itself.
    #[error("{0}")]
    InvalidRoomState(String),
    /// `M_LIMIT_EXCEEDED`
    #[error("too many requests; please try again in {} s", retry_after_ms.div_ceil(1000))]
    LimitExceeded {
        /// After how many milliseconds it may work.
        retry_after_ms: u64,
    },
    /// `M_UNKNOWN` with 409: something else was decided before.
    #[error("{0}")]
    Conflict(String),
    /// `M_MAX_DELAY_EXCEEDED`: an event can't be planned so far ahead.
    #[error("an event can be planned at most {} s ahead", max_delay.as_secs())]
    MaxDelayExceeded {
        /// How far.
        max_delay: std::time::Duration,
    },
    /// `M_INVALID_SIGNATURE`: something isn't signed by whom it should be.
    #[error("{0}")]
    InvalidSignature(String),
    /// `M_WRONG_ROOM_KEYS_VERSION`
    #[error("there is a newer backup")]
    WrongRoomKeysVersion {
        /// The newest version.
        current: String,
    },
    /// `M_THREEPID_DENIED` and the like: not offered by this server.
    #[error("{0}")]
    NotOffered(String),
    /// `M_THREEPID_AUTH_FAILED`: the address wasn't shown to be theirs.
    #[error("please open the link in the mail that was sent to you, then try again")]
    ThreepidAuthFailed,
    /// `M_THREEPID_IN_USE`
    #[error("this e-mail address belongs to another account")]
    ThreepidInUse,
    /// `M_UNKNOWN_ACTIVATION_TOKEN`: a pusher can't be put to use with this.
    #[error("this activation token is not known or its time is over; please set the pusher again")]
    UnknownActivationToken,
    /// 401 with what is still to be proven before the operation.
    #[error("please confirm that it is you")]
    Uiaa(Box<UiaaInfo>),
    /// `M_UNAUTHORIZED` with 401: another server's request isn't signed as it must be.
    #[error("{0}")]
    NotSigned(String),
    /// `M_UNKNOWN` with 502: another server that has to be asked doesn't answer as it should.
    #[error("{0}; please try again later")]
    Elsewhere(String),
    /// `M_UNKNOWN_POS`: what the client has seen isn't known any more; it begins anew.
    #[error("this connection is not known any more; please begin without pos")]
    UnknownPos,
    /// `M_CONFLICTING_UNSUBSCRIPTION`: the thread was given up after what a client wants to follow it for.
    #[error("this thread was given up since; it can only be followed again on purpose")]
    ConflictingUnsubscription,
    /// `M_NOT_IN_THREAD`
    #[error("this event is not in the thread")]
    NotInThread,
    /// `M_INCOMPATIBLE_ROOM_VERSION`: the other server doesn't know rooms of this version.
    #[error("your server does not support rooms of version {0}")]
    IncompatibleRoomVersion(RoomVersionId),
    /// `M_UNABLE_TO_AUTHORISE_JOIN`: this server can't find out whether the conditions of a room are met.
    #[error("this server can't see whether the conditions of this room are met; please ask another")]
    UnableToAuthorizeJoin,
    /// `M_UNABLE_TO_GRANT_JOIN`: the conditions of a room are met, but nobody here may let people in.
    #[error("nobody of this server may let people into this room; please ask another")]
    UnableToGrantJoin,
    /// Our fault: the store failed. Nothing was kept.
    #[error("the server can't keep this at the moment; please try again")]
    Store(#[from] StoreError),
    /// Our fault: something that can't happen did. The text is for the log, not for the caller.
    #[error("internal error")]
    Internal(String),
}

impl Refusal {
    /// The caller isn't in the room or the room doesn't exist: the same words, so that nobody learns which.
    #[must_use]
    pub fn not_in_room() -> Self {
        Self::Forbidden("you are not in this room".to_owned())
    }

    /// Nobody lets the caller into the room, or the room doesn't exist: the same words again.
    #[must_use]
    pub fn no_way_in() -> Self {
        Self::Forbidden("this room can't be entered without an invitation".to_owned())
    }

    /// There is no such thing, or the caller may not know of it.
    pub fn not_found(what: &str) -> Self {
        Self::NotFound(format!("{what} not found"))
    }
}

impl From<BuildError> for Refusal {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::UnsupportedVersion(version) => Self::UnsupportedRoomVersion(version.to_string()),
            BuildError::TooLarge { .. } | BuildError::FieldTooLong { .. } => {
                Self::TooLarge(error.to_string())
            }
            BuildError::BadContent(_) => Self::BadJson(error.to_string()),
            BuildError::Forbidden(_) | BuildError::NotOurUser(_) => Self::Forbidden(error.to_string()),
            BuildError::Place(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<CreateError> for Refusal {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::UnsupportedVersion(version) => Self::UnsupportedRoomVersion(version.to_string()),
            CreateError::ShortNonce => Self::Internal(error.to_string()),
            CreateError::CreationContent(_) | CreateError::Text(_) => Self::BadJson(error.to_string()),
            CreateError::InitialState { .. } | CreateError::PowerLevels(_) => {
                Self::InvalidRoomState(error.to_string())
            }
            CreateError::Encryption(_) => Self::Forbidden(error.to_string()),
        }
    }
}

impl From<PolicyRefusal> for Refusal {
    fn from(error: PolicyRefusal) -> Self {
        Self::Forbidden(error.to_string())
    }
}

impl From<InputError> for Refusal {
    fn from(error: InputError) -> Self {
        Self::BadJson(error.to_string())
    }
}

macro_rules! internal {
    ($($error:ty),*) => {$(
        impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                Self::Internal(error.to_string())
            }
        }
    )*};
}

// What we wrote ourselves and can't read back.
internal!(PduError, PowerError, RedactError, serde_json::Error);
