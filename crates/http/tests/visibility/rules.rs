//! What the specification says about who sees what.
//!
//! A story has four phases. Somebody who is invited is so from the second on, who joins from the third, who leaves
//! or is banned from the fourth.

use std::collections::BTreeSet;

use super::{
    questions::Endpoint,
    story::{Canary, Kind, PHASES, canaries},
};

/// The room's history visibility, all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visibility {
    WorldReadable,
    Shared,
    Invited,
    Joined,
}

impl Visibility {
    pub(super) const ALL: [Self; 4] = [Self::WorldReadable, Self::Shared, Self::Invited, Self::Joined];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::WorldReadable => "world_readable",
            Self::Shared => "shared",
            Self::Invited => "invited",
            Self::Joined => "joined",
        }
    }
}

/// What somebody is to the room at the end of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    Never,
    Invited,
    Joined,
    Left,
    Banned,
}

impl Membership {
    pub(super) const ALL: [Self; 5] = [Self::Never, Self::Invited, Self::Joined, Self::Left, Self::Banned];

    /// What they are in a phase.
    pub(super) fn at(self, phase: usize) -> Self {
        match (self, phase) {
            (Self::Never, _) | (_, 0) => Self::Never,
            (Self::Invited, _) | (_, 1) => Self::Invited,
            (Self::Joined, _) | (_, 2) => Self::Joined,
            (end, _) => end,
        }
    }

    fn was_joined(self) -> bool {
        matches!(self, Self::Joined | Self::Left | Self::Banned)
    }
}

/// What an answer may show, and what it must.
pub(super) struct Expected {
    pub(super) may: BTreeSet<Canary>,
    pub(super) must: BTreeSet<Canary>,
}

/// The five rules for one event: "The rules governing whether a user is allowed to see an event depend on the state
/// of the room *at that event*."
fn is_allowed(visibility: Visibility, membership: Membership, phase: usize) -> bool {
    let joined_later = (phase + 1..PHASES).any(|later| membership.at(later) == Membership::Joined);
    match (visibility, membership.at(phase)) {
        (Visibility::WorldReadable, _) | (_, Membership::Joined) => true,
        (Visibility::Shared, _) if joined_later => true,
        (Visibility::Invited, Membership::Invited) => true,
        _ => false,
    }
}

/// What is expected of one cell.
pub(super) fn expected(visibility: Visibility, membership: Membership, endpoint: Endpoint) -> Expected {
    let is_world = visibility == Visibility::WorldReadable;
    let is_joined = membership == Membership::Joined;
    let events = |canary: &Canary| canary.kind.is_event() && is_allowed(visibility, membership, canary.phase);
    // "In all cases except `world_readable`, a user needs to join a room to view events in that room."
    let reads = is_world || membership.was_joined();
    // The state that somebody reads: as it is, or as it was when they left.
    let end = match (is_world, membership) {
        (true, _) | (_, Membership::Joined) => Some(PHASES - 1),
        (_, Membership::Left | Membership::Banned) => Some(2),
        _ => None,
    };
    // Whoever joins finds what was set while they were invited, and sees each change until the end.
    let state =
        |canary: &Canary| canary.kind.is_state() && end.is_some_and(|end| (1..=end).contains(&canary.phase));
    let present = |canary: &Canary| canary.kind.is_state() && Some(canary.phase) == end;
    // Whoever is invited is told what makes the room and the inviter known: as it was then, or as it is now, which
    // they can ask for in a summary all the same.
    let last = PHASES - 1;
    let makes_known = |canary: &Canary| matches!(canary.kind, Kind::Topic | Kind::Member);
    let is_invited = membership == Membership::Invited;
    let invitation = |canary: &Canary| is_invited && makes_known(canary) && [0, last].contains(&canary.phase);
    let invitation_now = |canary: &Canary| is_invited && makes_known(canary) && canary.phase == last;
    // Members see what their room is called, also those who are only invited.
    let is_known = is_world || matches!(membership, Membership::Invited | Membership::Joined);
    let topic = |canary: &Canary| is_known && canary.kind == Kind::Topic && canary.phase == last;
    let since_join = |canary: &Canary| membership.at(canary.phase) == Membership::Joined;
    let only = |kind: Kind, rule: &dyn Fn(&Canary) -> bool| -> BTreeSet<Canary> {
        canaries()
            .filter(|canary| canary.kind == kind && rule(canary))
            .collect()
    };
    let all = |rule: &dyn Fn(&Canary) -> bool| -> BTreeSet<Canary> {
        canaries().filter(|canary| rule(canary)).collect()
    };
    let read = |canary: &Canary| reads && events(canary);
    let in_room = |canary: &Canary| events(canary) || state(canary);
    let (may, must) = match endpoint {
        Endpoint::Messages => (all(&in_room), all(&read)),
        Endpoint::InitialSync => (
            all(&in_room),
            &all(&present) | &only(Kind::Message, &|canary| read(canary) && Some(canary.phase) == end),
        ),
        Endpoint::Context => (all(&in_room), only(Kind::Message, &read)),
        Endpoint::Event => (all(&in_room), all(&read)),
        Endpoint::State => (all(&state), all(&present)),
        Endpoint::StateOfType => (all(&state), all(&present)),
        Endpoint::Members => (only(Kind::Member, &state), only(Kind::Member, &present)),
        // "the current user must be in the room for it to work"
        Endpoint::JoinedMembers => (
            only(Kind::Member, &|canary| (is_world || is_joined) && present(canary)),
            only(Kind::Member, &|canary| is_joined && present(canary)),
        ),
        Endpoint::Relations => (all(&in_room), only(Kind::Reply, &read)),
        Endpoint::Threads => (
            all(&in_room),
            &only(Kind::Reply, &|canary| membership.was_joined() && events(canary))
                | &only(Kind::Message, &|canary| membership.was_joined() && events(canary)),
        ),
        Endpoint::Search => (
            all(&in_room),
            only(Kind::Message, &|canary| is_joined && events(canary)),
        ),
        Endpoint::TimestampToEvent => (
            all(&events),
            only(Kind::State, &|canary| is_joined && events(canary)),
        ),
        Endpoint::Hierarchy | Endpoint::Summary => (all(&topic), all(&topic)),
        Endpoint::Sync => {
            let mut must = only(Kind::Message, &since_join);
            must.extend(all(&invitation_now));
            must.extend(only(Kind::State, &|canary| is_joined && present(canary)));
            let seen = |canary: &Canary| (membership.was_joined() && in_room(canary)) || invitation(canary);
            (all(&seen), must)
        }
        Endpoint::SlidingSync => {
            let seen = |canary: &Canary| (reads && in_room(canary)) || invitation(canary);
            let mut must = only(Kind::Message, &|canary| is_joined && canary.phase == last);
            must.extend(only(Kind::State, &|canary| is_joined && present(canary)));
            (all(&seen), must)
        }
        Endpoint::Notifications => (
            all(&read),
            only(Kind::Message, &|canary| is_joined && since_join(canary)),
        ),
        Endpoint::Aliases => {
            let known = |_: &Canary| is_world || is_joined;
            (only(Kind::Alias, &known), only(Kind::Alias, &known))
        }
    };
    let mut may = may;
    // Who had nothing to do with a room isn't told that it is there.
    let tells_of_own = matches!(endpoint, Endpoint::Sync | Endpoint::SlidingSync);
    if !tells_of_own || membership != Membership::Never {
        may.insert(Canary {
            kind: Kind::Room,
            phase: 0,
        });
    }
    Expected { may, must }
}
