//! Join, knock, leave, invite, kick, ban, unban: one member event each.

use std::sync::Arc;

use rohrpost_room::{NewEvent, canonical_object};
use rohrpost_store::{Tx, Work};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, MilliSecondsSinceUnixEpoch, OwnedRoomId, OwnedRoomOrAliasId,
    OwnedServerName, OwnedUserId, RoomAliasId, RoomId, UserId,
    events::{TimelineEventType, room::member::MembershipState},
};

use crate::{
    Caller, Refusal, Result, Server,
    appservices::query,
    directory::aliases,
    federation::{
        invites::{self, Invite},
        memberships,
    },
    limits::Kind,
    personal::invite_permission,
    rooms::{append::append, carry_over::carry_over, create::person, head::Head, restricted},
};

/// What is to become of somebody's membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The caller joins.
    Join,
    /// The caller asks to be let in.
    Knock,
    /// The caller leaves, refuses an invitation, or doesn't want to be let in any more.
    Leave,
    /// The caller invites somebody.
    Invite(OwnedUserId),
    /// The caller sends somebody out.
    Kick(OwnedUserId),
    /// The caller keeps somebody out.
    Ban(OwnedUserId),
    /// The caller lifts a ban.
    Unban(OwnedUserId),
}

/// A change of membership.
pub struct ChangeMembership {
    /// Who makes it.
    pub caller: Caller,
    /// The room.
    pub room_id: OwnedRoomId,
    /// What changes.
    pub change: Change,
    /// Why, for the people concerned.
    pub reason: Option<String>,
}

struct Unit {
    server: Arc<Server>,
    wanted: Arc<ChangeMembership>,
    now: MilliSecondsSinceUnixEpoch,
}

/// Changes a membership. What is so already stays so without a new event, where repeating is natural: joining,
/// leaving, knocking. Who is invited and not there may be made by an application service now; for somebody of another
/// server, that server is asked first.
///
/// # Errors
/// `Forbidden` when the rules of the room refuse it or the target's membership doesn't fit, `NotFound` when an
/// invited person doesn't exist here, `ServiceTimedOut` when the application service of their name doesn't answer.
pub async fn change(server: &Arc<Server>, wanted: ChangeMembership) -> Result<()> {
    change_via(server, wanted, Vec::new()).await
}

/// The same for a room that may be elsewhere, with servers that may be in it, best first.
///
/// # Errors
/// Those of [`change`]; where other servers decide, what they say, and `Elsewhere` when none answers.
pub async fn change_via(
    server: &Arc<Server>,
    wanted: ChangeMembership,
    via: Vec<OwnedServerName>,
) -> Result<()> {
    if wanted.change != Change::Leave {
        wanted.caller.may_take_part()?;
    }
    let user = wanted.caller.user_id.as_str();
    match wanted.change {
        Change::Join | Change::Knock => server.limit(Kind::Join, user)?,
        Change::Invite(_) => server.limit(Kind::Invite, user)?,
        Change::Leave | Change::Kick(_) | Change::Ban(_) | Change::Unban(_) => {}
    }
    if let Change::Invite(user_id) = &wanted.change {
        query::users(server, &wanted.caller, std::slice::from_ref(user_id)).await?;
    }
    if matches!(wanted.change, Change::Join | Change::Knock | Change::Leave)
        && server.settings.federation.is_on()
        && memberships::change(server, &wanted, via).await?
    {
        return Ok(());
    }
    let now = server.clock.now();
    if let Change::Invite(user_id) = &wanted.change
        && !server.is_local(user_id)
    {
        let reason = wanted.reason.map(|reason| ("reason".to_owned(), reason.into()));
        let content = canonical_object(serde_json::to_value(CanonicalJsonObject::from_iter(reason))?)?;
        let invite = Invite {
            sender: wanted.caller.user_id,
            room_id: wanted.room_id,
            user_id: user_id.clone(),
            content,
            now,
        };
        return invites::invite(server, invite).await.map(drop);
    }
    let wanted = Arc::new(wanted);
    let unit = Unit {
        server: Arc::clone(server),
        wanted: Arc::clone(&wanted),
        now,
    };
    match server.store.write(unit).await {
        // Perhaps somebody of another server may let them in.
        Err(Refusal::Forbidden(text))
            if wanted.change == Change::Join && server.settings.federation.is_on() =>
        {
            let joined = memberships::restricted::join(server, &wanted).await?;
            joined.ok_or(Refusal::Forbidden(text))
        }
        result => result,
    }
}

/// Leaves or refuses every room that a user is in or invited to. For accounts that are closed.
///
/// # Errors
/// The first refusal, after all the other rooms are left.
pub async fn leave_all(server: &Arc<Server>, caller: &Caller) -> Result<()> {
    let user_id = caller.user_id.clone();
    let rooms: Vec<OwnedRoomId> = server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let mut rooms = Vec::new();
                for member in tx.membership_list(&user_id).await? {
                    let is_in = matches!(
                        member.membership,
                        MembershipState::Join | MembershipState::Invite | MembershipState::Knock
                    );
                    if is_in && let Some(room) = tx.room_get_by_nid(member.room).await? {
                        rooms.push(room.room_id);
                    }
                }
                Ok::<_, Refusal>(rooms)
            })
        })
        .await?;
    let mut first = Ok(());
    for room_id in rooms {
        let wanted = ChangeMembership {
            caller: caller.clone(),
            room_id,
            change: Change::Leave,
            reason: None,
        };
        first = first.and(change(server, wanted).await);
    }
    first
}

/// The room that an id or an alias names, with servers that are in it as far as the alias tells. The application service
/// in whose names an alias of this server is may make it now; of other servers those are asked.
///
/// # Errors
/// `NotFound` when there is no such alias, `ServiceTimedOut` when the service doesn't answer, `Elsewhere` when the other
/// server doesn't.
pub async fn resolve(
    server: &Arc<Server>,
    caller: &Caller,
    room: OwnedRoomOrAliasId,
) -> Result<(OwnedRoomId, Vec<OwnedServerName>)> {
    if let Ok(room_id) = <&RoomId>::try_from(&*room) {
        return Ok((room_id.to_owned(), Vec::new()));
    }
    let alias = RoomAliasId::parse(room.as_str()).map_err(|_| Refusal::not_found("this room was"))?;
    let found = aliases::resolve(server, Some(caller), &alias).await?;
    Ok((found.room_id, found.servers))
}

impl Unit {
    fn target(&self) -> &UserId {
        match &self.wanted.change {
            Change::Join | Change::Knock | Change::Leave => &self.wanted.caller.user_id,
            Change::Invite(user) | Change::Kick(user) | Change::Ban(user) | Change::Unban(user) => user,
        }
    }

    async fn content(&self, tx: &mut Tx<'_>, head: &mut Head) -> Result<CanonicalJsonObject> {
        let (membership, is_with_profile) = match self.wanted.change {
            Change::Join => (MembershipState::Join, true),
            Change::Knock => (MembershipState::Knock, true),
            Change::Invite(_) => (MembershipState::Invite, true),
            Change::Ban(_) => (MembershipState::Ban, false),
            Change::Leave | Change::Kick(_) | Change::Unban(_) => (MembershipState::Leave, false),
        };
        let mut content = CanonicalJsonObject::new();
        let mut put = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                content.insert(key.into(), CanonicalJsonValue::String(value));
            }
        };
        put("membership", Some(membership.to_string()));
        put("reason", self.wanted.reason.clone());
        if is_with_profile {
            let person = person(&self.server, tx, self.target()).await?;
            put("displayname", person.displayname);
            put("avatar_url", person.avatar_url.map(|url| url.to_string()));
        }
        if self.wanted.change == Change::Join {
            let host = restricted::host(tx, head, self.target()).await?;
            put(restricted::HOST_KEY, host.map(|host| host.to_string()));
        }
        // Names and reasons come from people.
        Ok(canonical_object(serde_json::to_value(content)?)?)
    }
}

/// Whether a change fits what the target is now. `false`: it is so already.
pub(crate) fn fits(change: &Change, now: &MembershipState) -> Result<bool> {
    use MembershipState as M;
    let forbidden = |text: &str| Err(Refusal::Forbidden(text.to_owned()));
    match (change, now) {
        (Change::Join, M::Join)
        | (Change::Knock, M::Knock)
        | (Change::Leave, M::Leave)
        | (Change::Ban(_), M::Ban) => Ok(false),
        (Change::Knock, M::Join) => forbidden("you are in this room already"),
        (Change::Knock, M::Invite) => forbidden("you are invited to this room already; please join it"),
        (Change::Leave, M::Ban) => forbidden("you were banned from this room"),
        (Change::Invite(_), M::Join) => forbidden("this person is in the room already"),
        (Change::Kick(_), M::Leave | M::Ban) => forbidden("this person is not in the room"),
        (Change::Unban(_), now) if *now != M::Ban => forbidden("this person is not banned"),
        _ => Ok(true),
    }
}

/// The present membership of a user in a room that is locked.
pub(crate) async fn membership_now(
    tx: &mut Tx<'_>,
    head: &Head,
    user_id: &UserId,
) -> Result<Option<MembershipState>> {
    Ok(tx
        .membership_get(user_id, head.room.nid)
        .await?
        .map(|member| member.membership))
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let Unit { server, wanted, now } = self;
        let comes = matches!(wanted.change, Change::Join | Change::Knock);
        // Why a room keeps somebody out who has nothing to do with it would tell them that it is there.
        let to_stranger = |refusal| match refusal {
            Refusal::Forbidden(_) if comes => Refusal::no_way_in(),
            refusal => refusal,
        };
        let mut head = server
            .heads
            .lock(tx, &wanted.room_id)
            .await
            .map_err(to_stranger)?;
        // What becomes of others is the members' business: everybody else gets one answer, whoever it is about.
        let is_own = matches!(wanted.change, Change::Join | Change::Knock | Change::Leave);
        if !is_own && head.local_joined.binary_search(&wanted.caller.user_id).is_err() {
            return Err(Refusal::not_in_room());
        }
        let target = membership_now(tx, &head, self.target()).await?;
        if wanted.change == Change::Leave && target.is_none() {
            return Err(Refusal::not_in_room());
        }
        if wanted.change == Change::Leave
            && target == Some(MembershipState::Invite)
            && tx.notice_room_get(self.target()).await? == Some(head.room.nid)
        {
            return Err(Refusal::CannotLeaveServerNoticeRoom);
        }
        if let Change::Invite(user_id) = &wanted.change {
            invite_permission::check(tx, user_id).await?;
        }
        let is_stranger = target.is_none();
        if !fits(&wanted.change, &target.unwrap_or(MembershipState::Leave))? {
            return Ok(());
        }
        let new = NewEvent {
            kind: TimelineEventType::RoomMember,
            state_key: Some(self.target().to_string()),
            content: self.content(tx, &mut head).await?,
            sender: wanted.caller.user_id.clone(),
            redacts: None,
            origin_server_ts: *now,
        };
        append(server, tx, &mut head, new, None)
            .await
            .map_err(|refusal| {
                if is_stranger {
                    to_stranger(refusal)
                } else {
                    refusal
                }
            })?;
        if wanted.change == Change::Join {
            carry_over(tx, &mut head, self.target()).await?;
        }
        Ok(())
    }
}
