//! What a client asks of sliding sync, in the names of either path.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use rohrpost_core::{
    Caller, Refusal, Result,
    sync::{
        sliding::{
            Extensions, Scope, SlidingRequest,
            config::{Asked, List, ListFilters, RequiredState, RoomConfig, StatePattern},
            profiles::ProfilesWanted,
            sticky::StickyWanted,
        },
        token::SyncToken,
    },
};
use ruma::{OwnedRoomId, RoomId, presence::PresenceState};
use serde::Deserialize;

/// Lists of one request.
const MAX_LISTS: usize = 100;
/// Rooms that one request subscribes to.
const MAX_SUBSCRIPTIONS: usize = 500;
/// Patterns of state that one rule names.
const MAX_PATTERNS: usize = 100;
/// Ranges of one list, and words of one filter.
const MAX_WORDS: usize = 100;
/// Longest name of a connection, in bytes.
const MAX_CONN_ID: usize = 255;

/// The body of a request.
#[derive(Deserialize)]
pub(super) struct Body {
    #[serde(default)]
    conn_id: String,
    pub(super) txn_id: Option<String>,
    pos: Option<String>,
    timeout: Option<u64>,
    set_presence: Option<PresenceState>,
    #[serde(default)]
    lists: BTreeMap<String, ListBody>,
    #[serde(default)]
    room_subscriptions: BTreeMap<OwnedRoomId, ConfigBody>,
    #[serde(default)]
    extensions: ExtensionsBody,
}

/// Positions and waiting stand in the query or in the body.
#[derive(Default)]
struct Query {
    pos: Option<String>,
    timeout: Option<u64>,
    set_presence: Option<PresenceState>,
}

#[derive(Deserialize)]
struct ListBody {
    ranges: Option<Vec<(u64, u64)>>,
    range: Option<(u64, u64)>,
    #[serde(default)]
    filters: FiltersBody,
    #[serde(flatten)]
    config: ConfigBody,
}

#[derive(Deserialize)]
struct ConfigBody {
    #[serde(default)]
    timeline_limit: u64,
    #[serde(default)]
    required_state: StateBody,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum StateBody {
    Pairs(Vec<(String, String)>),
    Patterns {
        #[serde(default)]
        include: Vec<PatternBody>,
        #[serde(default)]
        exclude: Vec<PatternBody>,
        #[serde(default)]
        lazy_members: bool,
    },
}

impl Default for StateBody {
    fn default() -> Self {
        Self::Pairs(Vec::new())
    }
}

#[derive(Deserialize)]
struct PatternBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    state_key: Option<String>,
}

#[derive(Default, Deserialize)]
struct FiltersBody {
    is_dm: Option<bool>,
    is_encrypted: Option<bool>,
    #[serde(alias = "is_invite")]
    is_invited: Option<bool>,
    room_types: Option<Vec<Option<String>>>,
    not_room_types: Option<Vec<Option<String>>>,
    tags: Option<Vec<String>>,
    not_tags: Option<Vec<String>>,
    spaces: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
struct ExtensionsBody {
    #[serde(default)]
    to_device: PageBody,
    #[serde(default)]
    e2ee: ScopeBody,
    #[serde(default)]
    account_data: ScopeBody,
    #[serde(default)]
    receipts: ScopeBody,
    #[serde(default)]
    typing: ScopeBody,
    #[serde(default, rename = "io.element.msc4308.thread_subscriptions")]
    thread_subscriptions: PageBody,
    #[serde(default, rename = "org.matrix.msc4262.profiles")]
    profiles: ProfilesBody,
    #[serde(default, rename = "org.matrix.msc4354.sticky_events")]
    sticky_events: PageBody,
}

#[derive(Default, Deserialize)]
struct PageBody {
    enabled: Option<bool>,
    limit: Option<u32>,
    since: Option<String>,
}

impl PageBody {
    /// Up to where the client has something.
    fn since(&self, of: &str) -> Result<Option<SyncToken>> {
        let since = self.since.as_deref().filter(|since| !since.is_empty());
        let since = since.filter(|_| self.enabled == Some(true));
        since
            .map(str::parse)
            .transpose()
            .map_err(|_| Refusal::InvalidParam(format!("since of {of} is not a token of this server")))
    }
}

#[derive(Default, Deserialize)]
struct ProfilesBody {
    #[serde(flatten)]
    scope: ScopeBody,
    fields: Option<BTreeSet<String>>,
}

#[derive(Default, Deserialize)]
struct ScopeBody {
    enabled: Option<bool>,
    lists: Option<Vec<String>>,
    rooms: Option<Vec<String>>,
}

/// Makes the command of a request; answers also how the client wants its user to be seen meanwhile.
pub(super) fn read(
    body: Body,
    query: Option<&str>,
    caller: Caller,
) -> Result<(SlidingRequest, PresenceState)> {
    let query = parameters(query)?;
    let pos = query.pos.or(body.pos).filter(|pos| !pos.is_empty());
    // A text that was never a position of ours is the same to a client as one that is forgotten.
    let pos = pos
        .map(|pos| pos.parse().map_err(|_| Refusal::UnknownPos))
        .transpose()?;
    let timeout = Duration::from_millis(query.timeout.or(body.timeout).unwrap_or(0));
    let is_small = body.lists.len() <= MAX_LISTS
        && body.room_subscriptions.len() <= MAX_SUBSCRIPTIONS
        && body.conn_id.len() <= MAX_CONN_ID;
    if !is_small {
        return Err(Refusal::InvalidParam(format!(
            "at most {MAX_LISTS} lists, {MAX_SUBSCRIPTIONS} subscriptions and {MAX_CONN_ID} bytes of conn_id are taken"
        )));
    }
    let mut asked = Asked::default();
    for (name, list) in body.lists {
        asked.lists.insert(name, self::list(list, &caller)?);
    }
    for (room_id, wanted) in body.room_subscriptions {
        asked.subscriptions.insert(room_id, config(wanted, &caller)?);
    }
    let to_device = body.extensions.to_device;
    let to_device_since = to_device.since("to_device")?.map(|token| token.0);
    let is_wanted = |page: &PageBody| page.enabled == Some(true);
    let threads = body.extensions.thread_subscriptions;
    let sticky = body.extensions.sticky_events;
    let sticky_since = sticky.since("sticky_events")?.map(|token| token.0);
    let extensions = Extensions {
        to_device: is_wanted(&to_device).then_some(to_device.limit.unwrap_or(u32::MAX)),
        thread_subscriptions: is_wanted(&threads).then_some(threads.limit.unwrap_or(u32::MAX)),
        profiles: profiles(body.extensions.profiles)?,
        sticky: is_wanted(&sticky).then_some(StickyWanted {
            since: sticky_since,
            limit: sticky.limit,
        }),
        e2ee: body.extensions.e2ee.enabled == Some(true),
        account_data: scope(body.extensions.account_data)?,
        receipts: scope(body.extensions.receipts)?,
        typing: scope(body.extensions.typing)?,
    };
    let wanted = SlidingRequest {
        caller,
        conn_id: body.conn_id,
        pos,
        asked,
        extensions,
        to_device_since,
        timeout,
    };
    let set_presence = query.set_presence.or(body.set_presence).unwrap_or_default();
    Ok((wanted, set_presence))
}

fn profiles(body: ProfilesBody) -> Result<Option<ProfilesWanted>> {
    if body
        .fields
        .as_ref()
        .is_some_and(|fields| fields.len() > MAX_WORDS)
    {
        return Err(Refusal::InvalidParam(format!(
            "profiles takes at most {MAX_WORDS} fields; leave them out for all"
        )));
    }
    let fields = body.fields;
    Ok(scope(body.scope)?.map(|scope| ProfilesWanted { scope, fields }))
}

fn parameters(query: Option<&str>) -> Result<Query> {
    let mut found = Query::default();
    for pair in query.unwrap_or_default().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
        match name {
            "pos" => found.pos = Some(value.into_owned()),
            "set_presence" => found.set_presence = Some(PresenceState::from(value.into_owned())),
            "timeout" => {
                let timeout = value.parse();
                found.timeout = Some(timeout.map_err(|_| {
                    Refusal::InvalidParam("timeout is not a number of milliseconds".to_owned())
                })?);
            }
            _ => {}
        }
    }
    Ok(found)
}

fn list(body: ListBody, caller: &Caller) -> Result<List> {
    let ranges = body.range.map(|range| vec![range]).or(body.ranges);
    let filters = ListFilters {
        is_dm: body.filters.is_dm,
        is_encrypted: body.filters.is_encrypted,
        is_invited: body.filters.is_invited,
        // An empty list was "all" in the unstable form.
        room_types: body.filters.room_types.filter(|types| !types.is_empty()),
        not_room_types: body.filters.not_room_types.unwrap_or_default(),
        tags: body.filters.tags,
        not_tags: body.filters.not_tags.unwrap_or_default(),
        // What isn't a room is a space that nobody is in.
        spaces: body.filters.spaces.map(|spaces| {
            spaces
                .into_iter()
                .filter_map(|space| RoomId::parse(space).ok())
                .collect()
        }),
    };
    let lengths = [
        ranges.as_ref().map_or(0, Vec::len),
        filters.room_types.as_ref().map_or(0, Vec::len),
        filters.not_room_types.len(),
        filters.tags.as_ref().map_or(0, Vec::len),
        filters.not_tags.len(),
        filters.spaces.as_ref().map_or(0, Vec::len),
    ];
    if lengths.iter().any(|length| *length > MAX_WORDS) {
        return Err(Refusal::InvalidParam(format!(
            "a list takes at most {MAX_WORDS} ranges and {MAX_WORDS} words of each filter"
        )));
    }
    Ok(List {
        ranges,
        filters,
        config: config(body.config, caller)?,
    })
}

fn config(body: ConfigBody, caller: &Caller) -> Result<Arc<RoomConfig>> {
    let mut required = RequiredState::default();
    match body.required_state {
        StateBody::Pairs(pairs) => {
            for (kind, key) in pairs {
                let key = match key.as_str() {
                    "$LAZY" => {
                        required.lazy_members = true;
                        continue;
                    }
                    "$ME" => Some(caller.user_id.to_string()),
                    "*" => None,
                    _ => Some(key),
                };
                let kind = Some(kind).filter(|kind| kind != "*");
                required.include.push(StatePattern { kind, key });
            }
        }
        StateBody::Patterns {
            include,
            exclude,
            lazy_members,
        } => {
            let pattern = |body: PatternBody| StatePattern {
                kind: body.kind,
                key: body.state_key,
            };
            required.include = include.into_iter().map(pattern).collect();
            required.exclude = exclude.into_iter().map(pattern).collect();
            required.lazy_members = lazy_members;
        }
    }
    if required.include.len() + required.exclude.len() > MAX_PATTERNS {
        return Err(Refusal::InvalidParam(format!(
            "required_state names more than {MAX_PATTERNS} kinds of state; leave out state_key or type"
        )));
    }
    Ok(Arc::new(RoomConfig {
        timeline_limit: u32::try_from(body.timeline_limit).unwrap_or(u32::MAX),
        required: vec![Arc::new(required)],
    }))
}

fn scope(body: ScopeBody) -> Result<Option<Scope>> {
    if body.enabled != Some(true) {
        return Ok(None);
    }
    let room = |room: String| match room.as_str() {
        "*" => Ok(None),
        _ => RoomId::parse(&room)
            .map(Some)
            .map_err(|_| Refusal::BadJson("an extension names a room that is none".to_owned())),
    };
    let rooms: Option<Result<Vec<_>>> = body.rooms.map(|rooms| rooms.into_iter().map(room).collect());
    Ok(Some(Scope {
        lists: body.lists,
        rooms: rooms.transpose()?,
    }))
}
