//! What the core needs from the outside world: time, randomness, and ways to tell others something. The binary
//! brings the real ones, tests bring their own.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use ruma::{MilliSecondsSinceUnixEpoch, OwnedServerName, exports::http};

/// The time of day.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> MilliSecondsSinceUnixEpoch;

    /// Now, in ms since the epoch, as the store keeps it.
    fn now_ts(&self) -> i64 {
        i64::from(self.now().0)
    }
}

/// A cryptographic source of randomness.
pub trait Rng: Send + Sync + 'static {
    /// Fills the slice.
    fn fill(&self, bytes: &mut [u8]);
}

/// The ports of a server, as the binary or a test hands them in.
#[derive(Clone)]
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// The way to application services, where there are any.
    pub services: Option<Arc<dyn Services>>,
    /// The way to pages behind links, if previews are made.
    pub pages: Option<Arc<dyn Pages>>,
    /// The other servers of the federation; [`Nobody`] where there are none.
    pub remote: Arc<dyn RemoteServers>,
}

/// Something to be told to a server elsewhere.
pub struct Post {
    /// Where to; the caller made sure that the operator allows it.
    pub url: url::Url,
    /// Headers besides those that follow from the body.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a server elsewhere answered.
#[derive(Clone, Debug, Default)]
pub struct Posted {
    /// The status code.
    pub status: u16,
    /// When it wants to be asked again.
    pub retry_after: Option<Duration>,
    /// The body, at most 64 KiB of it; of an application service 1 MiB.
    pub body: Vec<u8>,
}

/// There was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// The address leads to where this server may not go.
    #[error("the address leads into a private network")]
    NotAllowed,
    /// Nobody answered, or not in order.
    #[error("there was no answer")]
    Failed,
    /// Nobody answered in time.
    #[error("there was no answer in time")]
    TimedOut,
}

/// The way to servers elsewhere. Follows no redirections, goes into no private networks unless the operator allows
/// it, and bounds time and size.
pub trait Egress: Send + Sync + 'static {
    /// Sends a `POST`.
    fn post(&self, post: Post) -> BoxFuture<'_, Result<Posted, PostError>>;
}

/// How an application service is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
}

/// The way to application services. The operator named them, so they may stand in private networks.
pub trait Services: Send + Sync + 'static {
    /// Sends a request and waits for its answer for at most so long.
    fn ask(&self, verb: Verb, request: Post, patience: Duration) -> BoxFuture<'_, Result<Posted, PostError>>;
}

/// A page to be fetched.
pub struct Get {
    /// Where it is; the caller made sure that the operator allows it.
    pub url: url::Url,
    /// What is wanted, as the header `Accept` says it.
    pub accept: &'static str,
    /// How much of it is read, in bytes as they come over the line.
    pub max_bytes: usize,
}

/// What came, possibly compressed. Everything in it was made by a stranger.
#[derive(Clone, Debug, Default)]
pub struct Got {
    /// The status code.
    pub status: u16,
    /// The header `Location`.
    pub location: Option<String>,
    /// The header `Content-Type`.
    pub content_type: Option<String>,
    /// The header `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// The body, where the status is 200.
    pub body: Vec<u8>,
    /// Whether that is all of it.
    pub is_whole: bool,
}

/// The way to pages that people link to. Follows no redirections, sends no cookies and nothing about who asks, and
/// connects to no private network unless the operator allows it.
pub trait Pages: Send + Sync + 'static {
    /// Sends a `GET`.
    fn get(&self, get: Get) -> BoxFuture<'_, Result<Got, PostError>>;
}

/// Mail. May hold a secret, so it has no `Debug`.
pub struct Mail {
    /// Where to.
    pub address: String,
    /// What about.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// Mail was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// And never will be: nobody is at this address.
    #[error("the mail server refused the mail for good")]
    Refused,
    /// It may be taken later.
    #[error("the mail server could not be reached or asks to try again")]
    Later,
}

/// The way to the mail server.
pub trait Mailer: Send + Sync + 'static {
    /// Hands a mail over.
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailError>>;
}

/// A request to another server of the federation, complete and signed.
pub struct ToServer {
    /// Which server. The policy for the federation was asked already.
    pub destination: OwnedServerName,
    /// The request. The host of its address is the server's name, not where the server is.
    pub request: http::Request<Vec<u8>>,
    /// How much of an answer is read, in bytes. A longer one is none.
    pub max_answer_bytes: usize,
    /// Longest time for everything, from looking for the server to the end of its answer.
    pub timeout: Duration,
}

/// Another server could not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The name leads nowhere.
    #[error("there is no server of this name")]
    NoSuchServer,
    /// The name leads to where this server may not go.
    #[error("the server is in a network that may not be connected to")]
    NotAllowed,
    /// Nobody answered in time or in order, or not as the server that was asked for.
    #[error("the server could not be reached")]
    Unreachable,
    /// The answer was longer than it may be.
    #[error("the answer of the server was too long")]
    TooLong,
}

/// The way to the other servers of the federation: finds out where a server is, and makes sure that it is the one.
pub trait RemoteServers: Send + Sync + 'static {
    /// Asks a server. Any status is an answer.
    fn ask(&self, ask: ToServer) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, RemoteError>>;
}

/// The signed roster could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterSourceError {
    /// The file isn't there.
    #[error("there is no file {0}")]
    Missing(String),
    /// The file is there and can't be read.
    #[error("the file {0} can't be read")]
    Unreadable(String),
    /// The address leads to where this server may not go.
    #[error("the address of the roster leads into a private network")]
    NotAllowed,
    /// Nobody answered in time or in order.
    #[error("the address of the roster doesn't answer")]
    Unreachable,
    /// Somebody answered, but not with the roster.
    #[error("the address of the roster answers with {0} instead of 200")]
    Status(u16),
    /// Larger than any roster is.
    #[error("what lies there is too large for a roster")]
    TooLarge,
}

/// Where the signed roster of the federation lies. Nothing that comes from there is believed before its signatures were
/// checked.
pub trait RosterSource: Send + Sync + 'static {
    /// Reads it. More than so many bytes are [`RosterSourceError::TooLarge`].
    fn read(&self, max_bytes: usize) -> BoxFuture<'_, Result<Vec<u8>, RosterSourceError>>;
}

/// There are no other servers.
pub struct Nobody;

impl RemoteServers for Nobody {
    fn ask(&self, _: ToServer) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, RemoteError>> {
        Box::pin(async { Err(RemoteError::NotAllowed) })
    }
}
