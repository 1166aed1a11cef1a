//! A verified roster that answers questions: who is a member, by which keys, and what may be shared with whom.

use std::collections::HashMap;

use js_int::UInt;
use ruma_common::{MilliSecondsSinceUnixEpoch, OwnedServerName, ServerName, ServerSigningKeyId};

use super::{Classification, Policy, Roster, Server, SigningKey, Status, Verified};
use crate::{
    key::{Hash, PublicKey},
    moment::later,
};

/// How long a roster is held to after its end, unless the operator says otherwise: 72 hours, a long weekend.
pub const DEFAULT_GRACE_MS: u64 = 72 * 60 * 60 * 1000;

/// Whether a roster counts at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Its time has not come, or this computer's clock is behind. There are no members.
    NotYetValid,
    /// It counts.
    Valid,
    /// It has ended, and is held to for a while. Somebody should be told.
    Grace {
        /// When it is over.
        until: MilliSecondsSinceUnixEpoch,
    },
    /// It is over. There are no members: the server talks to nobody else.
    Expired,
}

impl Validity {
    /// Of this roster at this time.
    pub(super) fn at(roster: &Roster, now: MilliSecondsSinceUnixEpoch, grace_ms: u64) -> Self {
        let until = later(roster.not_after, grace_ms);
        if now < roster.not_before {
            Self::NotYetValid
        } else if now < roster.not_after {
            Self::Valid
        } else if now < until {
            Self::Grace { until }
        } else {
            Self::Expired
        }
    }

    /// Whether there are members at all.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Valid | Self::Grace { .. })
    }
}

/// The members of the federation, by a roster that was verified.
#[derive(Clone, Debug)]
pub struct Members {
    roster: Roster,
    hash: Hash,
    grace_ms: u64,
    /// Mail domain to the place of its server.
    domains: HashMap<String, usize>,
}

impl Members {
    /// The members by this roster, held to for `grace_ms` milliseconds after its end.
    #[must_use]
    pub fn new(verified: Verified, grace_ms: u64) -> Self {
        let Verified { roster, hash, .. } = verified;
        let mut domains = HashMap::new();
        for (at, server) in roster.servers.iter().enumerate() {
            domains.extend(server.mail_domains.iter().map(|domain| (domain.clone(), at)));
        }
        Self {
            roster,
            hash,
            grace_ms,
            domains,
        }
    }

    /// Whether the roster counts at this time.
    #[must_use]
    pub fn status_at(&self, now: MilliSecondsSinceUnixEpoch) -> Validity {
        Validity::at(&self.roster, now, self.grace_ms)
    }

    /// Whether this server is a member now: the roster counts, and names it as active and not ended. Nobody is, where the
    /// roster doesn't count.
    #[must_use]
    pub fn is_member(&self, name: &ServerName, now: MilliSecondsSinceUnixEpoch) -> bool {
        self.member(name, now).is_some()
    }

    /// What the roster says of a server that is a member now.
    #[must_use]
    pub fn member(&self, name: &ServerName, now: MilliSecondsSinceUnixEpoch) -> Option<&Server> {
        let takes_part = |server: &&Server| {
            server.status == Status::Active && server.not_after.is_none_or(|end| now < end)
        };
        let server = self.roster.server(name).filter(takes_part)?;
        self.status_at(now).is_open().then_some(server)
    }

    /// All that are members now, in the order of their names.
    pub fn all(&self, now: MilliSecondsSinceUnixEpoch) -> impl Iterator<Item = &Server> {
        self.roster
            .servers
            .iter()
            .filter(move |server| self.is_member(&server.name, now))
    }

    /// What the roster says of a server, whether or not it takes part or the roster counts.
    #[must_use]
    pub fn server(&self, name: &ServerName) -> Option<&Server> {
        self.roster.server(name)
    }

    /// The keys that may have signed for this server at a time.
    ///
    /// `None`: the roster doesn't know the server. Otherwise these keys and no others, whatever the server or anybody else
    /// answers when asked for its keys; there may be none. This says nothing about membership: what a suspended member
    /// signed earlier stays signed.
    #[must_use]
    pub fn keys_at(
        &self,
        name: &ServerName,
        at: MilliSecondsSinceUnixEpoch,
    ) -> Option<impl Iterator<Item = &SigningKey>> {
        let server = self.roster.server(name)?;
        Some(server.keys.iter().filter(move |key| key.holds_at(at)))
    }

    /// The key of this id, if it may have signed for this server at a time.
    #[must_use]
    pub fn key_at(
        &self,
        name: &ServerName,
        id: &ServerSigningKeyId,
        at: MilliSecondsSinceUnixEpoch,
    ) -> Option<PublicKey> {
        self.keys_at(name, at)?
            .find(|key| *key.id == *id)
            .map(|key| key.key)
    }

    /// The server for addresses of this mail domain, if it is a member now. Large and small letters are the same.
    #[must_use]
    pub fn server_of_domain(
        &self,
        domain: &str,
        now: MilliSecondsSinceUnixEpoch,
    ) -> Option<&OwnedServerName> {
        let at = *self.domains.get(&domain.to_ascii_lowercase())?;
        let name = &self.roster.servers.get(at)?.name;
        self.is_member(name, now).then_some(name)
    }

    /// Whether these two may share a room of this classification: both are members now, and both may have it.
    #[must_use]
    pub fn may_share(
        &self,
        one: &ServerName,
        other: &ServerName,
        classification: Classification,
        now: MilliSecondsSinceUnixEpoch,
    ) -> bool {
        let may = |name| {
            self.member(name, now)
                .is_some_and(|server| classification <= server.classification)
        };
        may(one) && may(other)
    }

    /// When it is over: its end, and the time for which it is held to after that.
    #[must_use]
    pub fn closes_at(&self) -> MilliSecondsSinceUnixEpoch {
        later(self.roster.not_after, self.grace_ms)
    }

    /// What all members hold to.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.roster.policy
    }

    /// The roster itself.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Its number.
    #[must_use]
    pub fn seq(&self) -> UInt {
        self.roster.seq
    }

    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.hash
    }
}
