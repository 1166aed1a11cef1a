//! Whom this server speaks with.

use std::collections::BTreeSet;

use ruma::{OwnedServerName, ServerName};

use crate::{Server, federation::roster::RosterRules};

/// The servers that this one speaks with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Partners {
    /// None.
    #[default]
    Nobody,
    /// Those that the operator named.
    Listed(BTreeSet<OwnedServerName>),
    /// The members of the federation, as the current roster names them, and with no other keys than it says.
    Roster(RosterRules),
    /// All.
    Everybody,
}

/// What the operator decided about other servers.
#[derive(Clone, Debug, Default)]
pub struct Federation {
    /// Whom this server speaks with.
    pub partners: Partners,
    /// Where others find this server, if that doesn't follow from its name.
    pub address: Option<OwnedServerName>,
}

impl Federation {
    /// Whether there are other servers at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.partners != Partners::Nobody
    }
}

impl Server {
    /// Whether this server speaks with that one: asked before anything goes out to it or is read from it. Never with
    /// itself. Names are compared to the letter: one that is merely spelled alike is another server.
    #[must_use]
    pub fn speaks_with(&self, name: &ServerName) -> bool {
        let is_partner = match &self.settings.federation.partners {
            Partners::Nobody => false,
            Partners::Listed(names) => names.contains(name),
            Partners::Roster(_) => self.roster.is_member(name, self.now()),
            Partners::Everybody => true,
        };
        is_partner && name != self.name()
    }

    /// Whether news is kept for that server until it can be told. The members of a roster keep theirs while one of them
    /// pauses, and while the roster is over and nobody is spoken with: what follows later is complete then.
    pub(crate) fn keeps_news_for(&self, name: &ServerName) -> bool {
        match &self.settings.federation.partners {
            Partners::Roster(_) => name != self.name() && self.roster.names(name),
            Partners::Nobody | Partners::Listed(_) | Partners::Everybody => self.speaks_with(name),
        }
    }
}
