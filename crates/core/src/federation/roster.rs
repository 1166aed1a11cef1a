//! The signed roster of the federation, as this server goes by it.
//!
//! The document is read from where the operator says, held against what was accepted before, kept, and from then on asked
//! at each request: who is a member, and with which keys. It is kept in memory as a whole; one that follows takes its place
//! at once, and with it whoever was removed is refused.
//!
//! It fails closed. Before a document was accepted, before its beginning and past its end and the grace, nobody is spoken
//! with; this server's own people go on.
//!
//! Nothing here opens a connection or a file ([`crate::ports::RosterSource`] does), and nothing here decides whether a
//! document holds: that is [`rohrpost_trust::roster::Trusted`].
//!
//! Start reading at [`refresh`].

mod examine;
mod keep;
mod refresh;
mod show;
mod standing;

use std::sync::{Arc, PoisonError, RwLock};

use rohrpost_trust::roster::{Members, SigningKey, Trusted};
use ruma::{MilliSecondsSinceUnixEpoch, ServerName};
use serde_json::value::RawValue;
use tokio::sync::{Mutex, Notify};

/// Whether a roster counts at a time.
pub use rohrpost_trust::roster::Validity;

pub(crate) use self::refresh::resume;
pub use self::{
    examine::examine,
    refresh::{Look, refresh},
    show::{Shown, show},
    standing::{Concern, Standing, report, standing},
};
use crate::{Server, federation::Partners};

/// What the operator decided about the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterRules {
    /// The federation, and the signers that the operator named.
    pub pins: Trusted,
    /// How long a roster is held to after its end, in ms.
    pub grace_ms: u64,
}

/// The roster that counts now, if there is one.
#[derive(Default)]
pub(crate) struct CurrentRoster {
    held: RwLock<Option<Arc<Held>>>,
    /// One look at a time.
    looking: Mutex<()>,
    wanted: Notify,
}

/// A document that was accepted.
pub(crate) struct Held {
    members: Members,
    document: Box<RawValue>,
}

impl CurrentRoster {
    fn held(&self) -> Option<Arc<Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, held: Held) {
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(held));
    }

    /// Whether a server is a member of the federation now.
    pub(crate) fn is_member(&self, name: &ServerName, now: MilliSecondsSinceUnixEpoch) -> bool {
        self.held().is_some_and(|held| held.members.is_member(name, now))
    }

    /// Whether the roster names a server, member or not, and whether or not it counts.
    pub(crate) fn names(&self, name: &ServerName) -> bool {
        self.held()
            .is_some_and(|held| held.members.server(name).is_some())
    }

    /// All keys that the roster has for a server, member or not: what a suspended member signed earlier stays signed.
    pub(crate) fn keys(&self, name: &ServerName) -> Vec<SigningKey> {
        let held = self.held();
        let server = held.as_ref().and_then(|held| held.members.server(name));
        server.map_or_else(Vec::new, |server| server.keys.clone())
    }
}

/// Says that the roster is to be looked for now and not only when its time has come.
pub fn look_again(server: &Server) {
    server.roster.wanted.notify_one();
}

/// Waits until somebody wants the roster to be looked for.
pub async fn wanted(server: &Server) {
    server.roster.wanted.notified().await;
}

fn rules(server: &Server) -> Option<&RosterRules> {
    match &server.settings.federation.partners {
        Partners::Roster(rules) => Some(rules),
        Partners::Nobody | Partners::Listed(_) | Partners::Everybody => None,
    }
}
