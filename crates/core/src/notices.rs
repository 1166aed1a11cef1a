//! What the server has to say to people: a message of an administrator, in a room that each person has for that.
//!
//! The room isn't encrypted, whatever the policy: the server has no device. Nobody but the person is in it.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#server-notices>

use std::sync::Arc;

use rohrpost_room::{Encryption, NewEvent, NewEventTemplate, Person, Preset, canonical_object, create_room};
use rohrpost_store::{Profile, Tx, UserRow, UserState, Work};
use ruma::{
    CanonicalJsonObject, Int, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedUserId, UserId,
    events::{TimelineEventType, room::member::MembershipState},
};
use serde_json::json;

use crate::{
    Refusal, Result, Server,
    personal::account_data,
    random,
    rooms::{
        append::append_under,
        create::{Beginning, begin, person},
        head::Head,
    },
};

/// Longest text, in bytes: it has to fit into an event.
const MAX_TEXT_BYTES: usize = 32 * 1024;
/// The tag by which clients know the room.
const TAGS: &str = r#"{"tags":{"m.server_notice":{}}}"#;

struct Unit {
    server: Arc<Server>,
    sender: OwnedUserId,
    user_id: OwnedUserId,
    text: String,
    nonce: String,
    now: MilliSecondsSinceUnixEpoch,
}

/// Sends somebody a notice; answers its event. The first one invites them to the room for it.
///
/// # Errors
/// `NotFound` when there is no such account; `InvalidParam` for a text that is empty or too long; `Forbidden` when the
/// account that notices come from is somebody's.
pub async fn send(server: &Arc<Server>, user_id: OwnedUserId, text: String) -> Result<OwnedEventId> {
    if text.trim().is_empty() || text.len() > MAX_TEXT_BYTES {
        return Err(Refusal::InvalidParam(format!(
            "a notice has 1 to {MAX_TEXT_BYTES} bytes"
        )));
    }
    let localpart = &server.settings.notices.localpart;
    let sender = UserId::parse(format!("@{localpart}:{}", server.name()))
        .map_err(|error| Refusal::Internal(error.to_string()))?;
    let unit = Unit {
        server: Arc::clone(server),
        sender,
        user_id,
        text,
        nonce: random::name(&*server.rng, 24),
        now: server.clock.now(),
    };
    server.store.write(unit).await
}

impl Unit {
    /// The account that notices come from, made when it isn't there.
    async fn sender(&self, tx: &mut Tx<'_>) -> Result<Person> {
        let wanted = Profile {
            display_name: Some(self.server.settings.notices.display_name.clone()),
            avatar_url: None,
        };
        match tx.user_lock(&self.sender).await? {
            None => {
                let account = UserRow {
                    user_id: self.sender.clone(),
                    password_hash: None,
                    administrator: false,
                    state: UserState::Active,
                    created_ts: i64::from(self.now.0),
                };
                tx.user_insert(&account).await?;
                tx.profile_put(&self.sender, &wanted).await?;
            }
            Some(user) => {
                let is_somebodys = user.password_hash.is_some()
                    || user.state != UserState::Active
                    || !tx.device_list(&self.sender).await?.is_empty();
                if is_somebodys {
                    return Err(Refusal::Forbidden(format!(
                        "{} belongs to somebody; please set another localpart in [server_notices]",
                        self.sender
                    )));
                }
            }
        }
        person(&self.server, tx, &self.sender).await
    }

    fn event(&self, template: NewEventTemplate) -> NewEvent {
        template.into_event(self.sender.clone(), self.now)
    }

    async fn append(&self, tx: &mut Tx<'_>, head: &mut Head, new: NewEvent) -> Result<OwnedEventId> {
        let pdu = append_under(&self.server, tx, head, new, None, (None, Encryption::Optional)).await?;
        Ok(pdu.event_id().to_owned())
    }

    async fn make_room(&self, tx: &mut Tx<'_>, sender: Person, invited: Person) -> Result<Head> {
        let server = &self.server;
        let mut levels = CanonicalJsonObject::new();
        levels.insert("invite".to_owned(), Int::from(50).into());
        let mut templates = create_room(rohrpost_room::CreateRoom {
            version: server.settings.default_room_version.clone(),
            preset: Preset::PrivateChat,
            creator: sender,
            invite: vec![invited],
            is_direct: false,
            name: Some(server.settings.notices.room_name.clone()),
            topic: None,
            alias: None,
            creation_content: CanonicalJsonObject::new(),
            initial_state: Vec::new(),
            power_level_content_override: levels,
            encryption: Encryption::Optional,
            nonce: self.nonce.clone(),
        })?
        .into_iter();
        let create = templates.next().map(|template| self.event(template));
        let beginning = Beginning {
            version: &server.settings.default_room_version,
            nonce: &self.nonce,
            is_public: false,
            create: create.ok_or_else(|| Refusal::Internal("a room without a create event".to_owned()))?,
        };
        let mut head = begin(server, tx, beginning).await?;
        for template in templates {
            self.append(tx, &mut head, self.event(template)).await?;
        }
        tx.notice_room_put(&self.user_id, head.room.nid).await?;
        account_data::put(tx, &self.user_id, head.room.nid, "m.tag", TAGS.to_owned()).await?;
        Ok(head)
    }

    /// The room, with the person in it or invited.
    async fn room(&self, tx: &mut Tx<'_>) -> Result<Head> {
        let sender = self.sender(tx).await?;
        let invited = person(&self.server, tx, &self.user_id).await?;
        let known = match tx.notice_room_get(&self.user_id).await? {
            Some(nid) => tx.room_get_by_nid(nid).await?,
            None => None,
        };
        let Some(room) = known else {
            return self.make_room(tx, sender, invited).await;
        };
        let mut head = self.server.heads.lock(tx, &room.room_id).await?;
        if head.local_joined.binary_search(&self.sender).is_err() {
            // Notices came from another account when it was made.
            return self.make_room(tx, sender, invited).await;
        }
        let member = tx.membership_get(&self.user_id, room.nid).await?;
        let is_there = member.is_some_and(|member| {
            matches!(member.membership, MembershipState::Join | MembershipState::Invite)
        });
        if !is_there {
            let content = json!({ "membership": "invite", "displayname": invited.displayname });
            let event = NewEvent {
                kind: TimelineEventType::RoomMember,
                state_key: Some(self.user_id.to_string()),
                content: canonical_object(content)?,
                sender: self.sender.clone(),
                redacts: None,
                origin_server_ts: self.now,
            };
            self.append(tx, &mut head, event).await?;
        }
        Ok(head)
    }
}

impl Work for Unit {
    type Out = OwnedEventId;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<OwnedEventId> {
        // One after the other: of two first notices at once, the second finds the room of the first.
        let user = tx.user_lock(&self.user_id).await?;
        let user = user.filter(|user| user.state == UserState::Active && user.user_id != self.sender);
        user.ok_or_else(|| Refusal::not_found("account"))?;
        let mut head = self.room(tx).await?;
        let content = json!({
            "msgtype": "m.server_notice", "server_notice_type": "rohrpost.notice", "body": self.text,
        });
        let event = NewEvent {
            kind: TimelineEventType::RoomMessage,
            state_key: None,
            content: canonical_object(content)?,
            sender: self.sender.clone(),
            redacts: None,
            origin_server_ts: self.now,
        };
        self.append(tx, &mut head, event).await
    }
}
