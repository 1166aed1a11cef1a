//! What a user may do in a room, from its create event and its power levels.
//!
//! This is for answers and for checks before an event is built (who may invite, who may redact). Whether an
//! event may enter the room is decided by the authorization rules in [`build()`](crate::build::build) alone.
//! Membership is not considered: a banned moderator has power and still can't act. Start with [`Power::new`].

use std::collections::BTreeSet;

use ruma::events::room::power_levels::{
    NotificationPowerLevelType, PowerLevelAction, RoomPowerLevels, RoomPowerLevelsEventContent,
    RoomPowerLevelsSource, UserPowerLevel,
};
use ruma::events::{StateEventType, TimelineEventType};
use ruma::push::PushConditionPowerLevelsCtx;
use ruma::state_res::events::RoomCreateEvent;
use ruma::{Int, OwnedUserId, RoomVersionId, UserId};

use crate::pdu::Pdu;
use crate::version::rules;

/// The power of everyone in a room.
///
/// # Spec
///
/// [`m.room.power_levels`](https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels)
#[derive(Debug, Clone)]
pub struct Power {
    levels: RoomPowerLevels,
    creators: BTreeSet<OwnedUserId>,
}

/// Why a room's power levels can't be read.
#[derive(Debug, thiserror::Error)]
pub enum PowerError {
    /// The room version isn't supported.
    #[error("room version {0} is not supported")]
    UnsupportedVersion(RoomVersionId),
    /// The create event doesn't say who created the room.
    #[error("create event can't be read: {0}")]
    Create(String),
    /// The power levels aren't power levels, which the authorization rules don't let happen.
    #[error("power levels can't be read: {0}")]
    PowerLevels(#[from] serde_json::Error),
}

impl Power {
    /// Reads the power levels of a room. Without a power levels event, the defaults of the version hold.
    ///
    /// # Errors
    ///
    /// One of the events can't be read, or the version is not supported.
    pub fn new(
        create: Option<&Pdu>,
        power_levels: Option<&Pdu>,
        version: &RoomVersionId,
    ) -> Result<Self, PowerError> {
        let rules = rules(version).ok_or_else(|| PowerError::UnsupportedVersion(version.to_owned()))?;
        let creators = match create {
            Some(create) => RoomCreateEvent::new(create)
                .creators(&rules.authorization)
                .map_err(PowerError::Create)?
                .into_iter()
                .collect(),
            None => BTreeSet::new(),
        };
        let source = match power_levels {
            Some(pdu) => RoomPowerLevelsSource::Original(pdu.content_as::<RoomPowerLevelsEventContent>()?),
            None => RoomPowerLevelsSource::None,
        };
        let levels = RoomPowerLevels::new(source, &rules.authorization, creators.iter().cloned());
        Ok(Self { levels, creators })
    }

    /// The user's level; infinite for the creators of a version 12 room.
    pub fn level_of(&self, user: &UserId) -> UserPowerLevel {
        self.levels.for_user(user)
    }

    /// The users who created the room.
    pub fn creators(&self) -> &BTreeSet<OwnedUserId> {
        &self.creators
    }

    /// The level that an event of this type needs.
    pub fn level_to_send(&self, kind: &TimelineEventType, is_state: bool) -> Int {
        let default = if is_state {
            self.levels.state_default
        } else {
            self.levels.events_default
        };
        self.levels.events.get(kind).copied().unwrap_or(default)
    }

    /// Whether the user has the level to send an event of this type.
    pub fn may_send(&self, kind: &TimelineEventType, is_state: bool, user: &UserId) -> bool {
        self.level_of(user) >= self.level_to_send(kind, is_state)
    }

    /// Whether the user has the level to set state of this type.
    pub fn may_send_state(&self, kind: &StateEventType, user: &UserId) -> bool {
        self.may_send(&TimelineEventType::from(kind.to_owned()), true, user)
    }

    /// Whether the user may redact what others sent. Sending the redaction event needs its own level too.
    pub fn may_redact_others(&self, user: &UserId) -> bool {
        self.level_of(user) >= self.levels.redact
    }

    /// Whether the user may invite.
    pub fn may_invite(&self, user: &UserId) -> bool {
        self.levels.user_can_invite(user)
    }

    /// Whether the user may kick anybody at all.
    pub fn may_kick(&self, user: &UserId) -> bool {
        self.levels.user_can_kick(user)
    }

    /// Whether the user may kick this one, who must have less power.
    pub fn may_kick_user(&self, actor: &UserId, target: &UserId) -> bool {
        self.levels.user_can_kick_user(actor, target)
    }

    /// Whether the user may ban anybody at all.
    pub fn may_ban(&self, user: &UserId) -> bool {
        self.levels.user_can_ban(user)
    }

    /// Whether the user may ban this one, who must have less power.
    pub fn may_ban_user(&self, actor: &UserId, target: &UserId) -> bool {
        self.levels.user_can_ban_user(actor, target)
    }

    /// Whether the user may unban this one, which needs the kick level too.
    pub fn may_unban_user(&self, actor: &UserId, target: &UserId) -> bool {
        self.levels.user_can_unban_user(actor, target)
    }

    /// Whether the user may notify everyone in the room at once.
    pub fn may_notify_room(&self, user: &UserId) -> bool {
        let action = PowerLevelAction::TriggerNotification(NotificationPowerLevelType::Room);
        self.levels.user_can_do(user, action)
    }

    /// Whether the user may change the level of this one.
    pub fn may_change_level_of(&self, actor: &UserId, target: &UserId) -> bool {
        self.levels.user_can_change_user_power_level(actor, target)
    }

    /// The levels as ruma has them, for everything else.
    pub fn levels(&self) -> &RoomPowerLevels {
        &self.levels
    }

    /// What push rules need to know about power.
    pub fn for_push(&self) -> PushConditionPowerLevelsCtx {
        self.levels.clone().into()
    }
}

#[cfg(test)]
mod tests;
