//! Replaces a room by one of another version.
//!
//! What goes over is decided in docs/adr/0008: the state that describes the room and who may do what, its children if
//! it is a space, its bans and its addresses. Members are not moved: the tombstone leads them.

use std::{collections::BTreeSet, sync::Arc};

use rohrpost_room::{Encryption, NewEvent, NewEventTemplate, Preset, create_room};
use rohrpost_store::{Tx, Work};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, Int, MilliSecondsSinceUnixEpoch, OwnedRoomId, OwnedUserId,
    RoomVersionId,
    events::{
        StateEventType, TimelineEventType,
        room::{member::MembershipState, tombstone::RoomTombstoneEventContent},
    },
    room_version_rules::RoomVersionRules,
};

use crate::{
    Caller, Refusal, Result, Server,
    limits::Kind,
    random,
    rooms::{
        append::append,
        carry_over::carry_over,
        create::{Beginning, begin, person},
        head::{Head, pdu},
    },
};

/// The state that goes over, each with an empty state key.
const STATE: [StateEventType; 10] = [
    StateEventType::RoomPowerLevels,
    StateEventType::RoomJoinRules,
    StateEventType::RoomHistoryVisibility,
    StateEventType::RoomGuestAccess,
    StateEventType::RoomServerAcl,
    StateEventType::RoomEncryption,
    StateEventType::RoomName,
    StateEventType::RoomTopic,
    StateEventType::RoomAvatar,
    StateEventType::RoomCanonicalAlias,
];
/// Children of a space that go over.
const MAX_CHILDREN: u32 = 1000;
/// Bans that go over.
const MAX_BANS: usize = 1000;
/// Creators beside the caller.
const MAX_CREATORS: usize = 100;
/// The level that a tombstone needs in rooms whose creators stand above all levels.
const TOMBSTONE_LEVEL: i32 = 150;

/// The upgrade that is wanted.
pub struct Upgrade {
    /// Who makes it, and becomes creator of the new room.
    pub caller: Caller,
    /// The room.
    pub room_id: OwnedRoomId,
    /// The version of the new room.
    pub version: RoomVersionId,
    /// Further creators, in versions that know them.
    pub additional_creators: Vec<OwnedUserId>,
}

struct Unit {
    server: Arc<Server>,
    wanted: Upgrade,
    rules: RoomVersionRules,
    nonce: String,
    now: MilliSecondsSinceUnixEpoch,
}

/// Makes the new room and closes the old one; answers the new one's id. A room that was upgraded to this version
/// already is not upgraded again: the answer is the room that stands in its tombstone.
///
/// # Errors
/// `UnsupportedRoomVersion`; `Forbidden` unless the caller is in the room and may send a tombstone.
///
/// # Spec
/// [Room upgrades](https://spec.matrix.org/v1.19/client-server-api/#room-upgrades)
pub async fn upgrade(server: &Arc<Server>, wanted: Upgrade) -> Result<OwnedRoomId> {
    wanted.caller.may_take_part()?;
    server.limit(Kind::RoomCreation, wanted.caller.user_id.as_str())?;
    let rules = rohrpost_room::rules(&wanted.version)
        .ok_or_else(|| Refusal::UnsupportedRoomVersion(wanted.version.to_string()))?
        .clone();
    if wanted.additional_creators.len() > MAX_CREATORS {
        return Err(Refusal::TooLarge(format!(
            "a room can have {MAX_CREATORS} additional creators"
        )));
    }
    let (nonce, now) = (random::name(&*server.rng, 24), server.clock.now());
    server
        .store
        .write(Unit {
            server: Arc::clone(server),
            wanted,
            rules,
            nonce,
            now,
        })
        .await
}

impl Unit {
    fn event(&self, template: NewEventTemplate) -> NewEvent {
        template.into_event(self.wanted.caller.user_id.clone(), self.now)
    }

    /// The room that the tombstone names, if it is of the wanted version.
    async fn is_done(&self, tx: &mut Tx<'_>, head: &mut Head) -> Result<Option<OwnedRoomId>> {
        let tombstone = head.state(tx, StateEventType::RoomTombstone, "").await?;
        let content = tombstone.and_then(|pdu| pdu.content_as::<RoomTombstoneEventContent>().ok());
        let Some(content) = content else { return Ok(None) };
        let room = tx.room_get(&content.replacement_room).await?;
        Ok(room
            .filter(|room| room.version == self.wanted.version)
            .map(|room| room.room_id))
    }

    fn creation_content(&self, old: &Head, create: &CanonicalJsonObject) -> CanonicalJsonObject {
        let mut predecessor = CanonicalJsonObject::new();
        predecessor.insert("room_id".to_owned(), old.room.room_id.to_string().into());
        if !self.rules.authorization.room_create_event_id_as_room_id
            && let Some(last) = old.extremities.first()
        {
            predecessor.insert("event_id".to_owned(), last.to_string().into());
        }
        let mut content = CanonicalJsonObject::new();
        content.insert("predecessor".to_owned(), predecessor.into());
        for key in ["type", "m.federate"] {
            if let Some(value) = create.get(key) {
                content.insert(key.to_owned(), value.clone());
            }
        }
        if self.rules.authorization.additional_room_creators && !self.wanted.additional_creators.is_empty() {
            let creators = self.wanted.additional_creators.iter();
            let creators = creators.map(|user| user.to_string().into()).collect();
            content.insert(
                "additional_creators".to_owned(),
                CanonicalJsonValue::Array(creators),
            );
        }
        content
    }

    /// The events of the new room, with the power levels last: until they stand, its creator may do everything,
    /// whatever the levels of the old room say.
    async fn templates(&self, tx: &mut Tx<'_>, old: &mut Head) -> Result<Vec<NewEventTemplate>> {
        let caller = &self.wanted.caller.user_id;
        let create = match old.state(tx, StateEventType::RoomCreate, "").await? {
            Some(create) => create.content_as()?,
            None => CanonicalJsonObject::new(),
        };
        let mut initial_state = Vec::new();
        for kind in STATE {
            let Some(event) = old.state(tx, kind.clone(), "").await? else {
                continue;
            };
            let mut content: CanonicalJsonObject = event.content_as()?;
            if kind == StateEventType::RoomPowerLevels {
                power_levels(
                    &mut content,
                    &self.rules,
                    caller,
                    &self.wanted.additional_creators,
                );
            }
            initial_state.push(template(kind, "", content));
        }
        if old.room.kind.as_deref() == Some("m.space") {
            for row in tx
                .event_list_current(old.room.nid, "m.space.child", MAX_CHILDREN)
                .await?
            {
                let content: CanonicalJsonObject = pdu(&old.room.room_id, &row)?.content_as()?;
                let state_key = row.state_key.unwrap_or_default();
                if !content.is_empty() {
                    initial_state.push(template(StateEventType::SpaceChild, &state_key, content));
                }
            }
        }
        // What was written before anybody checked it stays behind.
        initial_state.retain(NewEventTemplate::is_initial_state);
        let mut templates = create_room(rohrpost_room::CreateRoom {
            version: self.wanted.version.clone(),
            preset: Preset::PrivateChat,
            creator: person(&self.server, tx, caller).await?,
            invite: Vec::new(),
            is_direct: false,
            name: None,
            topic: None,
            alias: None,
            creation_content: self.creation_content(old, &create),
            initial_state,
            power_level_content_override: CanonicalJsonObject::new(),
            // A room that isn't encrypted doesn't become so by the way, unless it must be.
            encryption: match self.server.settings.encryption {
                Encryption::Required => Encryption::Required,
                _ => Encryption::Optional,
            },
            nonce: self.nonce.clone(),
        })?;
        for banned in tx
            .membership_list_in(old.room.nid, &MembershipState::Ban)
            .await?
            .into_iter()
            .take(MAX_BANS)
        {
            let mut content = CanonicalJsonObject::new();
            content.insert("membership".to_owned(), "ban".to_owned().into());
            templates.push(template(
                StateEventType::RoomMember,
                banned.user_id.as_str(),
                content,
            ));
        }
        // A stable sort: everything else keeps its place.
        templates.sort_by_key(|event| event.kind == TimelineEventType::RoomPowerLevels);
        Ok(templates)
    }

    /// Closes the old room: its addresses lead to the new one, its tombstone too, and nobody but moderators writes.
    async fn close(&self, tx: &mut Tx<'_>, old: &mut Head, new: &Head) -> Result<()> {
        let caller = &self.wanted.caller.user_id;
        tx.alias_move(old.room.nid, new.room.nid).await?;
        if old.room.is_public {
            tx.room_set_public(old.room.nid, false).await?;
        }
        let power = old.power(tx).await?;
        let levels = old.state(tx, StateEventType::RoomPowerLevels, "").await?;
        let alias = old.state(tx, StateEventType::RoomCanonicalAlias, "").await?;
        let tombstone = RoomTombstoneEventContent::new(
            "This room has been replaced".to_owned(),
            new.room.room_id.clone(),
        );
        let tombstone = rohrpost_room::canonical_object(serde_json::to_value(tombstone)?)?;
        let event = self.event(template(StateEventType::RoomTombstone, "", tombstone));
        append(&self.server, tx, old, event, None).await?;
        if alias.is_some() && power.may_send_state(&StateEventType::RoomCanonicalAlias, caller) {
            let event = template(StateEventType::RoomCanonicalAlias, "", CanonicalJsonObject::new());
            append(&self.server, tx, old, self.event(event), None).await?;
        }
        let mut content: CanonicalJsonObject = match levels {
            Some(levels) => levels.content_as()?,
            None => return Ok(()),
        };
        let users_default = level(&content, "users_default").unwrap_or_default();
        let closed = Int::from(50).max(users_default.saturating_add(Int::from(1)));
        for key in ["events_default", "invite"] {
            if level(&content, key).unwrap_or_default() < closed {
                content.insert(key.to_owned(), closed.into());
            }
        }
        let event = self.event(template(StateEventType::RoomPowerLevels, "", content));
        match append(&self.server, tx, old, event, None).await {
            // "If possible": nothing was written yet when the rules refuse it.
            Ok(_) | Err(Refusal::Forbidden(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn level(content: &CanonicalJsonObject, key: &str) -> Option<Int> {
    match content.get(key) {
        Some(CanonicalJsonValue::Integer(level)) => Some(*level),
        _ => None,
    }
}

fn template(kind: StateEventType, state_key: &str, content: CanonicalJsonObject) -> NewEventTemplate {
    NewEventTemplate {
        kind: kind.to_string().into(),
        state_key: state_key.to_owned(),
        content,
    }
}

/// Brings power levels into the form of the new version: its creators stand in `users`, or above all levels.
fn power_levels(
    content: &mut CanonicalJsonObject,
    rules: &RoomVersionRules,
    creator: &ruma::UserId,
    additional: &[OwnedUserId],
) {
    let state_default = level(content, "state_default").unwrap_or(Int::from(50));
    let users = content
        .entry("users".to_owned())
        .or_insert_with(|| CanonicalJsonObject::new().into());
    let CanonicalJsonValue::Object(users) = users else {
        return;
    };
    if !rules.authorization.explicitly_privilege_room_creators {
        users
            .entry(creator.to_string())
            .or_insert_with(|| Int::from(100).into());
        return;
    }
    let creators: BTreeSet<&str> = additional
        .iter()
        .map(|user| user.as_str())
        .chain([creator.as_str()])
        .collect();
    users.retain(|user, _| !creators.contains(user.as_str()));
    let events = content
        .entry("events".to_owned())
        .or_insert_with(|| CanonicalJsonObject::new().into());
    let CanonicalJsonValue::Object(events) = events else {
        return;
    };
    if level(events, "m.room.tombstone").is_none_or(|level| level <= state_default) {
        let level = Int::from(TOMBSTONE_LEVEL).max(state_default.saturating_add(Int::from(1)));
        events.insert("m.room.tombstone".to_owned(), level.into());
    }
}

impl Work for Unit {
    type Out = OwnedRoomId;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<OwnedRoomId> {
        let caller = &self.wanted.caller.user_id;
        let mut old = self.server.heads.lock(tx, &self.wanted.room_id).await?;
        if old.local_joined.binary_search(caller).is_err() {
            return Err(Refusal::not_in_room());
        }
        if !old
            .power(tx)
            .await?
            .may_send_state(&StateEventType::RoomTombstone, caller)
        {
            return Err(Refusal::Forbidden(
                "you don't have the power to replace this room; please ask one of its administrators"
                    .to_owned(),
            ));
        }
        if let Some(done) = self.is_done(tx, &mut old).await? {
            return Ok(done);
        }
        let mut templates = self.templates(tx, &mut old).await?.into_iter();
        let create = templates.next().map(|template| self.event(template));
        let beginning = Beginning {
            version: &self.wanted.version,
            nonce: &self.nonce,
            is_public: old.room.is_public,
            create: create.ok_or_else(|| Refusal::Internal("a room without a create event".to_owned()))?,
        };
        let mut new = begin(&self.server, tx, beginning).await?;
        for template in templates {
            append(&self.server, tx, &mut new, self.event(template), None).await?;
        }
        carry_over(tx, &mut new, caller).await?;
        self.close(tx, &mut old, &new).await?;
        Ok(new.room.room_id)
    }
}
