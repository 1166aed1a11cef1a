//! Makes a room with all its first events, in one transaction.

use std::sync::Arc;

use rohrpost_room::{
    AuthState, NewEvent, NewEventTemplate, Person, Place, Preset, build, build::room_id_before_v12,
    create_room,
};
use rohrpost_store::{NewRoom, Tx, UserState, Work};
use ruma::{
    CanonicalJsonObject, MilliSecondsSinceUnixEpoch, OwnedRoomAliasId, OwnedRoomId, OwnedUserId, RoomAliasId,
    RoomVersionId,
    events::{TimelineEventType, room::canonical_alias::RoomCanonicalAliasEventContent},
};

use crate::{
    Caller, Refusal, Result, Server,
    appservices::query,
    directory::aliases::may_have,
    federation::invites::{self, Invite},
    limits::Kind,
    personal::invite_permission,
    random,
    rooms::{
        append::{append, append_built},
        head::Head,
    },
};

/// Invitations that one request may carry: no more than anybody may send at once where nothing else is configured.
const MAX_INVITES: usize = 100;
/// State events that one request may carry.
const MAX_INITIAL_STATE: usize = 100;

/// The room that is wanted.
pub struct CreateRoom {
    /// Who makes it.
    pub caller: Caller,
    /// Its version; `None`: this server's default.
    pub version: Option<RoomVersionId>,
    /// The rules it starts with.
    pub preset: Preset,
    /// Listed in the directory.
    pub is_public: bool,
    /// The part of its address before the server name.
    pub alias_localpart: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it is about.
    pub topic: Option<String>,
    /// Who is invited.
    pub invite: Vec<OwnedUserId>,
    /// For two people.
    pub is_direct: bool,
    /// Further content of the create event.
    pub creation_content: CanonicalJsonObject,
    /// Further state.
    pub initial_state: Vec<NewEventTemplate>,
    /// Laid over the default power levels.
    pub power_levels: CanonicalJsonObject,
}

struct Unit {
    server: Arc<Server>,
    wanted: CreateRoom,
    version: RoomVersionId,
    alias: Option<OwnedRoomAliasId>,
    /// Random: the room id before version 12, else what makes the create event unique.
    nonce: String,
    now: MilliSecondsSinceUnixEpoch,
}

/// Makes a room; answers its id.
///
/// # Errors
/// `RoomInUse` when the address is taken, `InvalidRoomState` when the wanted state contradicts itself, `Forbidden`
/// when the encryption policy refuses it, `NotFound` when an invited person doesn't exist here or this server doesn't speak
/// with theirs, `LimitExceeded` when
/// there are more invitations than the caller may send now.
pub async fn create(server: &Arc<Server>, wanted: CreateRoom) -> Result<OwnedRoomId> {
    wanted.caller.may_take_part()?;
    server.limit(Kind::RoomCreation, wanted.caller.user_id.as_str())?;
    if wanted.invite.len() > MAX_INVITES || wanted.initial_state.len() > MAX_INITIAL_STATE {
        return Err(Refusal::TooLarge(format!(
            "a room can be made with at most {MAX_INVITES} invitations and {MAX_INITIAL_STATE} state events; add the others later"
        )));
    }
    let version = wanted
        .version
        .clone()
        .unwrap_or_else(|| server.settings.default_room_version.clone());
    if !rohrpost_room::is_supported(&version) {
        return Err(Refusal::UnsupportedRoomVersion(version.to_string()));
    }
    let alias = match &wanted.alias_localpart {
        Some(localpart) => Some(alias(server, localpart)?),
        None => None,
    };
    if let Some(alias) = &alias {
        may_have(server, &wanted.caller, alias)?;
    }
    check_initial_aliases(&wanted.initial_state, alias.as_deref())?;
    let me = wanted.caller.user_id.as_str();
    let others = wanted.invite.iter().filter(|user_id| *user_id != me).count();
    server.limits.take_all(Kind::Invite, others, me, &*server.clock)?;
    query::users(server, &wanted.caller, &wanted.invite).await?;
    let (nonce, now) = (random::name(&*server.rng, 24), server.clock.now());
    let elsewhere = wanted.invite.iter().filter(|user_id| !server.is_local(user_id));
    let elsewhere: Vec<OwnedUserId> = elsewhere.cloned().collect();
    let (sender, is_direct) = (wanted.caller.user_id.clone(), wanted.is_direct);
    for user_id in &elsewhere {
        if !server.speaks_with(user_id.server_name()) {
            return Err(Refusal::not_found("this person was"));
        }
    }
    let unit = Unit {
        server: Arc::clone(server),
        wanted,
        version,
        alias,
        nonce,
        now,
    };
    let room_id = server.store.write(unit).await?;
    // Others are asked when the room is there: while they are waited for, nothing may be locked.
    let direct = is_direct.then(|| ("is_direct".to_owned(), true.into()));
    let invites = elsewhere.into_iter().map(|user_id| Invite {
        sender: sender.clone(),
        room_id: room_id.clone(),
        user_id,
        content: direct.clone().into_iter().collect(),
        now,
    });
    invites::invite_all(server, invites.collect()).await;
    Ok(room_id)
}

fn alias(server: &Server, localpart: &str) -> Result<OwnedRoomAliasId> {
    let bad = || Refusal::InvalidParam("this can't be part of a room address".to_owned());
    if localpart.is_empty() || localpart.contains([':', '\0']) || localpart.chars().any(char::is_whitespace) {
        return Err(bad());
    }
    RoomAliasId::parse(format!("#{localpart}:{}", server.name())).map_err(|_| bad())
}

/// Addresses in `m.room.canonical_alias` must lead to the room: to a new one leads at most the one it is made with.
fn check_initial_aliases(initial_state: &[NewEventTemplate], own: Option<&RoomAliasId>) -> Result<()> {
    let is_named = |event: &&NewEventTemplate| event.kind == TimelineEventType::RoomCanonicalAlias;
    for event in initial_state.iter().filter(is_named) {
        let content: RoomCanonicalAliasEventContent =
            serde_json::from_str(&serde_json::to_string(&event.content)?)
                .map_err(|_| Refusal::InvalidParam("this is not a room address".to_owned()))?;
        let mut named = content.alias.iter().chain(&content.alt_aliases);
        if let Some(foreign) = named.find(|alias| Some(&***alias) != own) {
            return Err(Refusal::BadAlias(format!("{foreign} does not lead to this room")));
        }
    }
    Ok(())
}

/// A person of this server with their profile.
pub(crate) async fn person(server: &Server, tx: &mut Tx<'_>, user_id: &ruma::UserId) -> Result<Person> {
    let user = match server.is_local(user_id) {
        true => tx
            .user_get(user_id)
            .await?
            .filter(|user| user.state == UserState::Active),
        false => None,
    };
    if user.is_none() {
        return Err(Refusal::not_found("this person was"));
    }
    let profile = tx.profile_get(user_id).await?;
    Ok(Person {
        user_id: user_id.to_owned(),
        displayname: profile.display_name,
        avatar_url: profile.avatar_url.map(Into::into),
    })
}

impl Unit {
    async fn templates(&self, tx: &mut Tx<'_>) -> Result<Vec<NewEventTemplate>> {
        let Unit { server, wanted, .. } = self;
        let mut invite = Vec::with_capacity(wanted.invite.len());
        for user_id in &wanted.invite {
            if !server.is_local(user_id) {
                // They are invited when the room is there; what they may do in it is decided now.
                invite.push(Person {
                    user_id: user_id.clone(),
                    displayname: None,
                    avatar_url: None,
                });
            } else if *user_id != wanted.caller.user_id {
                invite_permission::check(tx, user_id).await?;
                invite.push(person(server, tx, user_id).await?);
            }
        }
        Ok(create_room(rohrpost_room::CreateRoom {
            version: self.version.clone(),
            preset: wanted.preset,
            creator: person(server, tx, &wanted.caller.user_id).await?,
            invite,
            is_direct: wanted.is_direct,
            name: wanted.name.clone(),
            topic: wanted.topic.clone(),
            alias: self.alias.clone(),
            creation_content: wanted.creation_content.clone(),
            initial_state: wanted.initial_state.clone(),
            power_level_content_override: wanted.power_levels.clone(),
            encryption: server.settings.encryption,
            nonce: self.nonce.clone(),
        })?)
    }

    /// Whether it is the membership of somebody of another server, which that server must sign, too.
    fn is_of_another_server(&self, template: &NewEventTemplate) -> bool {
        let user_id = OwnedUserId::try_from(template.state_key.as_str()).ok();
        template.kind == TimelineEventType::RoomMember
            && user_id.is_some_and(|user_id| !self.server.is_local(&user_id))
    }

    fn event(&self, template: NewEventTemplate) -> NewEvent {
        template.into_event(self.wanted.caller.user_id.clone(), self.now)
    }
}

/// What a room begins with.
pub(crate) struct Beginning<'a> {
    pub(crate) version: &'a RoomVersionId,
    /// Random: the room id before version 12.
    pub(crate) nonce: &'a str,
    /// Listed in the directory.
    pub(crate) is_public: bool,
    pub(crate) create: NewEvent,
}

/// Makes a room with its create event.
pub(crate) async fn begin(server: &Server, tx: &mut Tx<'_>, beginning: Beginning<'_>) -> Result<Head> {
    let version = beginning.version;
    let rules =
        rohrpost_room::rules(version).ok_or_else(|| Refusal::UnsupportedRoomVersion(version.to_string()))?;
    let room_id = match rules.authorization.room_create_event_id_as_room_id {
        true => None,
        false => Some(room_id_before_v12(beginning.nonce, server.name())?),
    };
    let place = Place {
        version,
        room_id: room_id.as_deref(),
        prev_events: &[],
        depth: 1,
    };
    let pdu = build(
        beginning.create,
        place,
        &AuthState::new(),
        server.name(),
        &server.key,
    )?;
    let kind = pdu.content_as::<CreateContent>()?.kind;
    let new = NewRoom {
        room_id: pdu.room_id().to_owned(),
        version: version.clone(),
        kind,
        is_public: beginning.is_public,
    };
    tx.room_insert(&new).await?;
    let room = tx.room_get(&new.room_id).await?;
    let mut head = Head::new(room.ok_or_else(|| Refusal::Internal("a new room is not there".to_owned()))?);
    append_built(server, tx, &mut head, pdu, None).await?;
    Ok(head)
}

#[derive(serde::Deserialize)]
struct CreateContent {
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Work for Unit {
    type Out = OwnedRoomId;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<OwnedRoomId> {
        if let Some(alias) = &self.alias
            && tx.alias_get(alias).await?.is_some()
        {
            return Err(Refusal::RoomInUse);
        }
        let mut templates = self.templates(tx).await?.into_iter();
        let create = templates.next().map(|template| self.event(template));
        let create = create.filter(|event| event.kind == TimelineEventType::RoomCreate);
        let create = create.ok_or_else(|| Refusal::Internal("a room without a create event".to_owned()))?;
        let beginning = Beginning {
            version: &self.version,
            nonce: &self.nonce,
            is_public: self.wanted.is_public,
            create,
        };
        let mut head = begin(&self.server, tx, beginning).await?;
        for template in templates.filter(|template| !self.is_of_another_server(template)) {
            append(&self.server, tx, &mut head, self.event(template), None).await?;
        }
        if let Some(alias) = &self.alias
            && !tx
                .alias_insert(alias, head.room.nid, &self.wanted.caller.user_id)
                .await?
        {
            return Err(Refusal::RoomInUse);
        }
        Ok(head.room.room_id)
    }
}
