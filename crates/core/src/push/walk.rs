//! Finds out whom new events notify: follows the stream behind the commits, from a position that is kept.
//!
//! A send does nothing for pushes, however many people a room has. What is found is written together with the new
//! position, so that nothing is lost or told twice after a crash. Only people with pushers are looked at: all others
//! cost nothing. An event is taken apart once, and rules are parsed once and kept.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use rohrpost_room::{Pdu, PushEvent};
use rohrpost_store::{
    EventNid, EventRow, GLOBAL, NotifiedRow, PushRecipient, ReadUpto, RoomNid, StreamPos, Tx, Work,
};
use ruma::{
    OwnedUserId,
    events::{
        StateEventType, TimelineEventType, ignored_user_list::IgnoredUserListEventContent,
        room::member::MembershipState,
    },
    push::{Action, Ruleset},
};
use serde::Deserialize;

use crate::{
    Refusal, Result, Server,
    push::rules,
    rooms::{
        head::{Head, pdu},
        relation::relation,
    },
    sync::unread::joined_members,
};

/// The name its position is kept under.
const NAME: &str = "push";
/// How much of the stream is looked at in one turn, in positions.
const MAX_STRETCH: i64 = 2000;
/// How many events one turn looks at.
const MAX_EVENTS: u32 = 500;
/// How often one turn tries somebody's rules: a turn in a large room shall not take forever.
const MAX_TRIALS: usize = 20_000;

/// Whether there is more to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walked {
    /// There is.
    More,
    /// Everything that was committed is done.
    All,
}

/// What one turn found.
#[derive(Default)]
struct Found {
    notified: Vec<NotifiedRow>,
    read: Vec<ReadUpto>,
    redacted: Vec<(RoomNid, EventNid)>,
    due: BTreeSet<OwnedUserId>,
}

struct Unit {
    from: Option<StreamPos>,
    to: StreamPos,
    found: Found,
}

/// Goes on a bit. Two nodes may try at the same time; one of them does it.
///
/// # Errors
/// Those of the store; nothing was kept, and the next turn does the same again.
pub async fn walk(server: &Arc<Server>) -> Result<Walked> {
    let reader = Arc::clone(server);
    let (unit, walked) = server
        .store
        .read(move |tx| Box::pin(async move { look(&reader, tx).await }))
        .await?;
    if unit.from != Some(unit.to) {
        server.store.write(unit).await?;
    }
    Ok(walked)
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        if !tx.walk_move(NAME, self.from, self.to).await? {
            return Ok(());
        }
        let found = &self.found;
        // What was read or taken back in the same stretch goes again.
        tx.notified_insert(&found.notified).await?;
        tx.notified_read(&found.read).await?;
        for (room, event) in &found.redacted {
            tx.notified_delete_event(*room, *event).await?;
        }
        tx.pusher_set_due(&found.due, self.to).await?;
        Ok(())
    }
}

async fn look(server: &Arc<Server>, tx: &mut Tx<'_>) -> Result<(Unit, Walked)> {
    let now = tx.pos_now().await?;
    let unit = |from, to, found| Unit { from, to, found };
    let Some(from) = tx.walk_get(NAME).await? else {
        // What happened before there were pushers is no news.
        return Ok((unit(None, now, Found::default()), Walked::All));
    };
    let mut upto = StreamPos(now.0.min(from.0 + MAX_STRETCH));
    let events = tx.event_list_stream(from, upto, MAX_EVENTS).await?;
    if events.len() == MAX_EVENTS as usize
        && let Some((_, last)) = events.last()
    {
        upto = last.pos.unwrap_or(upto);
    }
    let mut turn = Turn::new(server);
    for (room, row) in events {
        if turn.trials > MAX_TRIALS {
            upto = StreamPos(row.pos.unwrap_or(upto).0 - 1);
            break;
        }
        turn.event(tx, room, row).await?;
    }
    let mut found = turn.found;
    found.read.extend(tx.push_receipts(from, upto).await?);
    found
        .due
        .extend(found.read.iter().map(|read| read.user_id.clone()));
    let walked = if upto < now { Walked::More } else { Walked::All };
    Ok((unit(Some(from), upto, found), walked))
}

/// One turn: what was read of rooms and people is used for all its events.
struct Turn<'a> {
    server: &'a Arc<Server>,
    rooms: HashMap<RoomNid, Option<Room>>,
    people: HashMap<OwnedUserId, Arc<Person>>,
    trials: usize,
    now_ts: i64,
    found: Found,
}

struct Room {
    head: Head,
    recipients: Arc<[PushRecipient]>,
    joined_members: u64,
    /// Display names in this room; read when a text could hold one.
    names: Option<HashMap<OwnedUserId, String>>,
}

struct Person {
    rules: Arc<Ruleset>,
    ignored: HashSet<OwnedUserId>,
}

impl<'a> Turn<'a> {
    fn new(server: &'a Arc<Server>) -> Self {
        Self {
            server,
            rooms: HashMap::new(),
            people: HashMap::new(),
            trials: 0,
            now_ts: server.now_ts(),
            found: Found::default(),
        }
    }

    async fn event(&mut self, tx: &mut Tx<'_>, nid: RoomNid, row: EventRow) -> Result<()> {
        let Some(pos) = row.pos else { return Ok(()) };
        let mut room = match self.rooms.remove(&nid) {
            Some(room) => room,
            None => self.room(tx, nid).await?,
        };
        if let Some(room) = &mut room {
            self.event_in(tx, room, &row, pos).await?;
        }
        self.rooms.insert(nid, room);
        Ok(())
    }

    /// `None`: nobody in it has a pusher.
    async fn room(&self, tx: &mut Tx<'_>, nid: RoomNid) -> Result<Option<Room>> {
        let recipients = tx.push_recipients(nid).await?;
        if recipients.is_empty() {
            return Ok(None);
        }
        let Some(room) = tx.room_get_by_nid(nid).await? else {
            return Ok(None);
        };
        let head = self.server.heads.read(tx, &room.room_id).await?;
        Ok(Some(Room {
            joined_members: joined_members(self.server, tx, &head).await?,
            head,
            recipients: recipients.into(),
            names: None,
        }))
    }

    async fn event_in(
        &mut self,
        tx: &mut Tx<'_>,
        room: &mut Room,
        row: &EventRow,
        pos: StreamPos,
    ) -> Result<()> {
        let nid = room.head.room.nid;
        let event = pdu(&room.head.room.room_id, row)?;
        if *event.kind() == TimelineEventType::RoomRedaction {
            self.redaction(tx, nid, &event).await?;
        }
        self.leave(nid, &event, pos);
        let relation = relation(&row.json);
        let has_written =
            row.state_key.is_none() && !matches!(row.kind.as_str(), "m.reaction" | "m.room.redaction");
        if has_written
            && room
                .recipients
                .iter()
                .any(|recipient| recipient.user_id == row.sender)
        {
            // Who writes has read what was written before, in the same thread.
            self.found.read.push(ReadUpto {
                user_id: row.sender.clone(),
                room: nid,
                thread: Some(thread(relation.thread.as_deref())),
                upto: pos,
            });
        }
        if row.redacted_by.is_some() {
            return Ok(());
        }
        let recipients = Arc::clone(&room.recipients);
        let told: Vec<&PushRecipient> = recipients
            .iter()
            .filter(|recipient| concerns(recipient, &event, pos))
            .collect();
        if told.is_empty() {
            return Ok(());
        }
        let is_encrypted = row.kind == "m.room.encrypted";
        let power = match is_encrypted {
            true => None,
            false => Some(room.head.power(tx).await?),
        };
        let mut trial = PushEvent::new(&event, room.joined_members, power.as_ref());
        if !is_encrypted && room.names.is_none() && has_body(&event) {
            room.names = Some(names(tx, nid, &recipients).await?);
        }
        self.meet(tx, &told).await?;
        for recipient in told {
            let user_id = &recipient.user_id;
            let Some(person) = self.people.get(user_id) else {
                continue;
            };
            self.trials += 1;
            if person.ignored.contains(&row.sender) {
                continue;
            }
            let name = room.names.as_ref().and_then(|names| names.get(user_id));
            let actions = trial.actions(user_id, name.map_or("", String::as_str), &person.rules);
            if !actions.iter().any(Action::should_notify) {
                continue;
            }
            self.found.due.insert(user_id.clone());
            self.found.notified.push(NotifiedRow {
                user_id: user_id.clone(),
                room: nid,
                event: row.nid,
                thread: thread(relation.thread.as_deref()),
                highlight: actions.iter().any(Action::is_highlight),
                sound: actions
                    .iter()
                    .find_map(Action::sound)
                    .and_then(|sound| serde_json::to_value(sound).ok()?.as_str().map(str::to_owned)),
                ts: self.now_ts,
            });
        }
        Ok(())
    }

    async fn redaction(&mut self, tx: &mut Tx<'_>, room: RoomNid, redaction: &Pdu) -> Result<()> {
        let Some(target) = redaction.redacts() else {
            return Ok(());
        };
        if let Some(target) = tx.event_get(room, target).await?
            && target.redacted_by.is_some()
        {
            self.found.redacted.push((room, target.nid));
        }
        Ok(())
    }

    /// Who left a room is told nothing more of it.
    fn leave(&mut self, room: RoomNid, event: &Pdu, pos: StreamPos) {
        let Some((user_id, membership)) = member(event) else {
            return;
        };
        let is_out = !matches!(membership, MembershipState::Join | MembershipState::Invite);
        if is_out && self.server.is_local(&user_id) {
            self.found.read.push(ReadUpto {
                user_id,
                room,
                thread: None,
                upto: pos,
            });
        }
    }

    /// Reads the rules of those whom this turn hasn't met yet.
    async fn meet(&mut self, tx: &mut Tx<'_>, recipients: &[&PushRecipient]) -> Result<()> {
        let strangers: Vec<&PushRecipient> = recipients
            .iter()
            .filter(|recipient| !self.people.contains_key(&recipient.user_id))
            .copied()
            .collect();
        let cache = &self.server.unread;
        let known: Vec<Option<Arc<Ruleset>>> = strangers
            .iter()
            .map(|recipient| cache.rules(&recipient.user_id, recipient.rules))
            .collect();
        let mut wanted = Vec::new();
        for (recipient, known) in strangers.iter().zip(&known) {
            if known.is_none() && recipient.rules > StreamPos(0) {
                wanted.push((recipient.user_id.as_ref(), rules::KIND));
            }
            if recipient.ignored > StreamPos(0) {
                wanted.push((recipient.user_id.as_ref(), "m.ignored_user_list"));
            }
        }
        let mut stored = tx.account_data_get_each(GLOBAL, &wanted).await?;
        for (recipient, known) in strangers.into_iter().zip(known) {
            let user_id = &recipient.user_id;
            let rules = match known {
                Some(rules) => rules,
                None => {
                    let data = stored.remove(&(user_id.clone(), rules::KIND.to_owned()));
                    let rules = Arc::new(rules::read(user_id, data.as_ref())?);
                    cache.put_rules(user_id, recipient.rules, Arc::clone(&rules));
                    rules
                }
            };
            let ignored = stored
                .remove(&(user_id.clone(), "m.ignored_user_list".to_owned()))
                .and_then(|data| serde_json::from_str::<IgnoredUserListEventContent>(&data.content).ok())
                .map(|content| content.ignored_users.into_keys().collect())
                .unwrap_or_default();
            self.people
                .insert(user_id.clone(), Arc::new(Person { rules, ignored }));
        }
        Ok(())
    }
}

fn thread(root: Option<&ruma::EventId>) -> String {
    root.map_or_else(String::new, ToString::to_string)
}

/// Whether somebody may be told of an event: they were in the room already, or it invites them.
fn concerns(recipient: &PushRecipient, event: &Pdu, pos: StreamPos) -> bool {
    if event.sender() == recipient.user_id {
        return false;
    }
    match recipient.membership {
        MembershipState::Join => recipient.since <= pos,
        _ => event.state_key() == Some(recipient.user_id.as_str()) && recipient.since <= pos,
    }
}

/// Whom a member event is about, and what they are now.
fn member(event: &Pdu) -> Option<(OwnedUserId, MembershipState)> {
    if *event.kind() != TimelineEventType::RoomMember {
        return None;
    }
    let user_id = OwnedUserId::try_from(event.state_key()?).ok()?;
    Some((user_id, event.membership()?))
}

fn has_body(event: &Pdu) -> bool {
    #[derive(Deserialize)]
    struct Content {
        #[serde(default)]
        body: serde_json::Value,
    }
    event
        .content_as::<Content>()
        .is_ok_and(|content| content.body.is_string())
}

/// The names that people have in a room.
async fn names(
    tx: &mut Tx<'_>,
    room: RoomNid,
    recipients: &[PushRecipient],
) -> Result<HashMap<OwnedUserId, String>> {
    #[derive(Deserialize)]
    struct Member {
        content: Content,
    }
    #[derive(Deserialize)]
    struct Content {
        displayname: Option<String>,
    }
    let keys: Vec<(StateEventType, String)> = recipients
        .iter()
        .map(|recipient| (StateEventType::RoomMember, recipient.user_id.to_string()))
        .collect();
    let rows = tx.state_current_events(room, &keys).await?;
    let name = |row: &EventRow| {
        let user_id = OwnedUserId::try_from(row.state_key.as_deref()?).ok()?;
        let member: Member = serde_json::from_str(&row.json).ok()?;
        Some((user_id, member.content.displayname?))
    };
    Ok(rows.iter().filter_map(name).collect())
}
