//! Sends a state event.

use std::sync::Arc;

use rohrpost_room::{Encryption, NewEvent, canonical_object, create::check_content};
use rohrpost_store::{Tx, Work};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId,
    OwnedUserId, RoomAliasId,
    events::{
        StateEventType, TimelineEventType,
        room::{
            canonical_alias::RoomCanonicalAliasEventContent, member::MembershipState,
            server_acl::RoomServerAclEventContent,
        },
    },
};

use crate::{
    Caller, Refusal, Result, Server,
    appservices::query,
    federation::invites::{self, Invite},
    limits::Kind,
    personal::invite_permission,
    rooms::{
        append::append,
        create::person,
        head::Head,
        membership::{Change, fits, membership_now},
        restricted,
        send::massaged,
    },
};

/// The state that is wanted.
pub struct SetState {
    /// Who sets it.
    pub caller: Caller,
    /// The room.
    pub room_id: OwnedRoomId,
    /// The event's type.
    pub kind: StateEventType,
    /// Its state key.
    pub state_key: String,
    /// Its content.
    pub content: serde_json::Value,
    /// When it was sent. Only an application service may say; `None`: now.
    pub ts: Option<MilliSecondsSinceUnixEpoch>,
}

/// A state event of one of our users, on its way into the room.
pub(crate) struct NewState {
    pub(crate) server: Arc<Server>,
    pub(crate) user_id: OwnedUserId,
    pub(crate) room_id: OwnedRoomId,
    pub(crate) kind: StateEventType,
    pub(crate) state_key: String,
    pub(crate) content: CanonicalJsonObject,
    pub(crate) now: MilliSecondsSinceUnixEpoch,
}

/// Sends a state event; answers its id. State that is so already is not sent again: the answer is the id of the
/// event that stands there.
///
/// # Errors
/// `Forbidden` when the room's rules or the encryption policy refuse it, `BadAlias` for an address that doesn't
/// lead to the room, `BadJson` for content that doesn't fit the type; for somebody else's membership, those of
/// [`membership::change`](crate::rooms::membership::change).
pub async fn set_state(server: &Arc<Server>, wanted: SetState) -> Result<OwnedEventId> {
    let SetState {
        caller,
        room_id,
        kind,
        state_key,
        content,
        ts,
    } = wanted;
    if kind == StateEventType::from(TimelineEventType::RoomRedaction.to_string()) {
        return Err(Refusal::InvalidParam(
            "redactions are made by the redact endpoint".to_owned(),
        ));
    }
    if !is_leave(&caller, &kind, &state_key, &content) {
        caller.may_take_part()?;
    }
    server.limit(Kind::Message, caller.user_id.as_str())?;
    let content = canonical_object(content)?;
    let is_others = kind == StateEventType::RoomMember && state_key != caller.user_id.as_str();
    if is_others && membership_in(&content) == MembershipState::Invite {
        server.limit(Kind::Invite, caller.user_id.as_str())?;
        if let Ok(user_id) = OwnedUserId::try_from(state_key.as_str()) {
            query::users(server, &caller, &[user_id]).await?;
        }
    }
    let now = massaged(&caller, ts).unwrap_or_else(|| server.clock.now());
    if is_others
        && membership_in(&content) == MembershipState::Invite
        && let Ok(user_id) = OwnedUserId::try_from(state_key.as_str())
        && !server.is_local(&user_id)
    {
        let mut content = content;
        // Names and pictures are told by their owner only.
        for key in ["displayname", "avatar_url", restricted::HOST_KEY] {
            content.remove(key);
        }
        let invite = Invite {
            sender: caller.user_id,
            room_id,
            user_id,
            content,
            now,
        };
        return invites::invite(server, invite).await;
    }
    server
        .store
        .write(NewState {
            server: Arc::clone(server),
            user_id: caller.user_id,
            room_id,
            kind,
            state_key,
            content,
            now,
        })
        .await
}

/// Whether this is the caller going out, which everybody always may.
fn is_leave(caller: &Caller, kind: &StateEventType, state_key: &str, content: &serde_json::Value) -> bool {
    *kind == StateEventType::RoomMember
        && state_key == caller.user_id.as_str()
        && content.get("membership").and_then(serde_json::Value::as_str) == Some("leave")
}

fn membership_in(content: &CanonicalJsonObject) -> MembershipState {
    content
        .get("membership")
        .and_then(CanonicalJsonValue::as_str)
        .unwrap_or_default()
        .into()
}

/// Refuses state that protects a room if it has no form, since it would then protect nothing; and an access list that
/// keeps this server out, after which nobody here could mend it.
fn check_protection(server: &Server, kind: &StateEventType, content: &CanonicalJsonObject) -> Result<()> {
    use StateEventType as S;
    let protects = match kind {
        S::RoomJoinRules | S::RoomHistoryVisibility | S::RoomGuestAccess | S::RoomServerAcl => true,
        // Where encryption is required, the policy says more, and in other words.
        S::RoomEncryption => server.settings.encryption != Encryption::Required,
        _ => false,
    };
    if !protects {
        return Ok(());
    }
    check_content(&kind.to_string().into(), content).map_err(Refusal::BadJson)?;
    if *kind == S::RoomServerAcl {
        let list: RoomServerAclEventContent = serde_json::from_str(&serde_json::to_string(content)?)
            .map_err(|error| Refusal::BadJson(error.to_string()))?;
        if !list.is_allowed(server.name()) {
            return Err(Refusal::InvalidParam(
                "this would keep your own server out of the room; please allow it".to_owned(),
            ));
        }
    }
    Ok(())
}

impl NewState {
    /// Whether this says of somebody else that they take part in a call. Every member may set events of this type, and
    /// no room version yet says that the key is theirs. `_@user_DEVICE_m.call` is the key where they may have begun
    /// with an underscore only.
    fn is_others_call_membership(&self) -> bool {
        let is_call = matches!(
            self.kind.to_string().as_str(),
            "org.matrix.msc3401.call.member" | "m.call.member"
        );
        let key = self.state_key.strip_prefix('_').unwrap_or(&self.state_key);
        let after = key.strip_prefix(self.user_id.as_str());
        is_call && !after.is_some_and(|after| after.is_empty() || after.starts_with('_'))
    }

    /// The content of somebody else's member event, under the same rules as an invitation, a kick and a ban by
    /// their own endpoints. `None`: it is so already.
    async fn others_membership(&self, tx: &mut Tx<'_>, head: &Head) -> Result<Option<CanonicalJsonObject>> {
        let user_id = OwnedUserId::try_from(self.state_key.as_str())
            .map_err(|_| Refusal::InvalidParam("the state key of m.room.member is a user id".to_owned()))?;
        let now = membership_now(tx, head, &user_id)
            .await?
            .unwrap_or(MembershipState::Leave);
        let change = match membership_in(&self.content) {
            MembershipState::Invite => Change::Invite(user_id.clone()),
            MembershipState::Ban => Change::Ban(user_id.clone()),
            MembershipState::Leave if now == MembershipState::Ban => Change::Unban(user_id.clone()),
            MembershipState::Leave => Change::Kick(user_id.clone()),
            _ => return Err(Refusal::Forbidden("only they themselves can do this".to_owned())),
        };
        if !fits(&change, &now)? {
            return Ok(None);
        }
        let mut content = self.content.clone();
        // Names and pictures are told by their owner only.
        let profile = match change {
            Change::Invite(user_id) => {
                invite_permission::check(tx, &user_id).await?;
                let person = person(&self.server, tx, &user_id).await?;
                [
                    ("displayname", person.displayname),
                    ("avatar_url", person.avatar_url.map(|url| url.to_string())),
                ]
            }
            _ => [("displayname", None), ("avatar_url", None)],
        };
        for (key, value) in profile {
            match value {
                Some(value) => drop(content.insert(key.into(), CanonicalJsonValue::String(value))),
                None => drop(content.remove(key)),
            }
        }
        Ok(Some(content))
    }

    /// New addresses in `m.room.canonical_alias` must lead to this room.
    ///
    /// <https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey>
    async fn check_aliases(&self, tx: &mut Tx<'_>, head: &mut Head) -> Result<()> {
        let parse = |content: &str| serde_json::from_str::<RoomCanonicalAliasEventContent>(content);
        let new = parse(&serde_json::to_string(&self.content)?)
            .map_err(|_| Refusal::InvalidParam("this is not a room address".to_owned()))?;
        let old = head.state(tx, StateEventType::RoomCanonicalAlias, "").await?;
        let old = old
            .and_then(|pdu| parse(pdu.content().get()).ok())
            .unwrap_or_default();
        let listed = |content: &RoomCanonicalAliasEventContent| {
            content
                .alias
                .iter()
                .chain(&content.alt_aliases)
                .cloned()
                .collect::<Vec<_>>()
        };
        let known = listed(&old);
        for alias in listed(&new) {
            if known.contains(&alias) {
                continue;
            }
            let alias: &RoomAliasId = &alias;
            let leads_here = tx
                .alias_get(alias)
                .await?
                .is_some_and(|row| row.room == head.room.nid);
            if !leads_here {
                return Err(Refusal::BadAlias(format!("{alias} does not lead to this room")));
            }
        }
        Ok(())
    }
}

impl Work for NewState {
    type Out = OwnedEventId;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<OwnedEventId> {
        let mut head = self.server.heads.lock(tx, &self.room_id).await?;
        self.put(tx, &mut head).await
    }
}

impl NewState {
    /// Puts it into the room; answers the id of the event that stands there then.
    pub(crate) async fn put(&self, tx: &mut Tx<'_>, head: &mut Head) -> Result<OwnedEventId> {
        let is_inside = head.local_joined.binary_search(&self.user_id).is_ok();
        let is_own = self.kind == StateEventType::RoomMember && self.state_key == self.user_id.as_str();
        if !is_inside && !is_own {
            return Err(Refusal::not_in_room());
        }
        check_protection(&self.server, &self.kind, &self.content)?;
        let current = head.state(tx, self.kind.clone(), &self.state_key).await?;
        if is_own
            && membership_in(&self.content) == MembershipState::Leave
            && membership_now(tx, head, &self.user_id).await? == Some(MembershipState::Invite)
            && tx.notice_room_get(&self.user_id).await? == Some(head.room.nid)
        {
            return Err(Refusal::CannotLeaveServerNoticeRoom);
        }
        let is_stranger = !is_inside && current.is_none();
        let mut content = self.content.clone();
        if self.kind == StateEventType::RoomMember && !is_own {
            match (self.others_membership(tx, head).await?, &current) {
                (Some(checked), _) => content = checked,
                (None, Some(current)) => return Ok(current.event_id().to_owned()),
                (None, None) => {}
            }
        }
        if self.kind == StateEventType::RoomMember {
            // Who lets somebody into a restricted room is found by the server, which signs for it.
            content.remove(restricted::HOST_KEY);
            if is_own
                && membership_in(&content) == MembershipState::Join
                && let Some(host) = restricted::host(tx, head, &self.user_id).await?
            {
                content.insert(restricted::HOST_KEY.to_owned(), host.to_string().into());
            }
        }
        if let Some(current) = current
            && is_inside
            && *current.sender() == *self.user_id
            && serde_json::from_str::<CanonicalJsonObject>(current.content().get())
                .is_ok_and(|c| c == content)
        {
            return Ok(current.event_id().to_owned());
        }
        if self.is_others_call_membership() && !head.power(tx).await?.may_kick(&self.user_id) {
            return Err(Refusal::Forbidden(
                "only they themselves and moderators can say who takes part in a call".to_owned(),
            ));
        }
        if self.kind == StateEventType::RoomCanonicalAlias {
            self.check_aliases(tx, head).await?;
        }
        let new = NewEvent {
            kind: TimelineEventType::from(self.kind.to_string()),
            state_key: Some(self.state_key.clone()),
            content,
            sender: self.user_id.clone(),
            redacts: None,
            origin_server_ts: self.now,
        };
        match append(&self.server, tx, head, new, None).await {
            // A stranger who tries to come in this way must not learn from the room's rules that it is there.
            Err(Refusal::Forbidden(_) | Refusal::BadJson(_)) if is_stranger => Err(Refusal::not_in_room()),
            done => Ok(done?.event_id().to_owned()),
        }
    }
}
