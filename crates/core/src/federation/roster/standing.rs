//! How the roster stands, in words for the operator and in figures.

use rohrpost_room::keys::{key_id, verify_key};
use rohrpost_trust::{
    moment::utc,
    roster::{Members, Validity},
};

use super::{Held, rules};
use crate::Server;

/// A roster that ends within so many ms is a concern: a week. One that lasts for a short time only, within a quarter of
/// that.
const SOON_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// How the roster stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What this server goes by.
    pub title: String,
    /// What somebody should look at. `None`: nothing.
    pub concern: Option<Concern>,
}

/// What somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// Whether this server speaks with nobody for it.
    pub is_closed: bool,
    /// In words, with what to do.
    pub text: String,
}

impl Concern {
    pub(super) fn open(text: impl Into<String>) -> Self {
        Self {
            is_closed: false,
            text: text.into(),
        }
    }

    fn closed(text: impl Into<String>) -> Self {
        Self {
            is_closed: true,
            text: text.into(),
        }
    }
}

/// How the roster stands now; `None` where this server goes by none.
#[must_use]
pub fn standing(server: &Server) -> Option<Standing> {
    let rules = rules(server)?;
    Some(match server.roster.held() {
        Some(held) => of(server, &held.members),
        None => Standing {
            title: format!("roster of {}", rules.pins.roster_id()),
            concern: Some(Concern::closed(
                "no roster was accepted yet, so this server speaks with no other server",
            )),
        },
    })
}

/// The same, and told in figures: the number of the roster, its members, whether it counts, and when it is over.
#[must_use]
pub fn report(server: &Server) -> Option<Standing> {
    let standing = standing(server)?;
    let held = server.roster.held();
    let is_open = |held: &Held| held.members.status_at(server.now()).is_open();
    let is_open = held.as_deref().is_some_and(is_open);
    metrics::gauge!("rohrpost_roster_open").set(if is_open { 1.0 } else { 0.0 });
    if let Some(held) = held {
        let members = &held.members;
        metrics::gauge!("rohrpost_roster_seq").set(u64::from(members.seq()) as f64);
        metrics::gauge!("rohrpost_roster_members").set(members.all(server.now()).count() as f64);
        let closes_ms = u64::from(members.closes_at().get());
        metrics::gauge!("rohrpost_roster_closes_timestamp_seconds").set((closes_ms / 1000) as f64);
    }
    Some(standing)
}

/// How this server stands by a roster.
pub(super) fn of(server: &Server, members: &Members) -> Standing {
    let roster = members.roster();
    Standing {
        title: format!(
            "roster of {}, number {}, {} members, until {}",
            roster.roster_id,
            roster.seq,
            members.all(server.now()).count(),
            utc(roster.not_after)
        ),
        concern: ended(server, members).or_else(|| own(server, members)),
    }
}

/// What is to be said of its end.
fn ended(server: &Server, members: &Members) -> Option<Concern> {
    let roster = members.roster();
    let now = server.now();
    match members.status_at(now) {
        Validity::NotYetValid => Some(Concern::closed(format!(
            "it counts from {} on, and until then this server speaks with no other server: set this computer's clock right",
            utc(roster.not_before)
        ))),
        Validity::Expired => Some(Concern::closed(format!(
            "it ended at {} and the grace is over, so this server speaks with no other server: the signers have to sign a \
             new one",
            utc(roster.not_after)
        ))),
        Validity::Grace { until } => Some(Concern::open(format!(
            "it ended at {}: from {} on this server speaks with no other server, unless the signers have signed a new one",
            utc(roster.not_after),
            utc(until)
        ))),
        Validity::Valid => {
            let (begin, end) = (
                u64::from(roster.not_before.get()),
                u64::from(roster.not_after.get()),
            );
            let soon_ms = SOON_MS.min(end.saturating_sub(begin) / 4);
            let is_soon = end.saturating_sub(u64::from(now.get())) < soon_ms;
            is_soon.then(|| {
                Concern::open(format!(
                    "it ends at {}: the signers should sign the next one now",
                    utc(roster.not_after)
                ))
            })
        }
    }
}

/// What is to be said of this server itself, whom the others know by the same roster.
fn own(server: &Server, members: &Members) -> Option<Concern> {
    let now = server.now();
    if !members.is_member(server.name(), now) {
        return Some(Concern::open(format!(
            "it doesn't name {} as a member, so the others don't speak with this server",
            server.name()
        )));
    }
    let mut keys = members.keys_at(server.name(), now)?;
    let (id, key) = (key_id(&server.key), verify_key(&server.key));
    let is_pinned = keys.any(|pinned| pinned.id.as_str() == id && pinned.key.as_bytes() == key.as_bytes());
    (!is_pinned).then(|| {
        Concern::open(format!(
            "it doesn't have the key {id} of this server, so the others refuse its requests: have the key added that \
             https://{}/_matrix/key/v2/server tells",
            server.name()
        ))
    })
}
