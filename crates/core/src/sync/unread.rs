//! Unread counts, derived from receipts and push rules when somebody asks.
//!
//! Nothing is written when a message is sent, however many members the room has. What was worked out is kept in
//! memory as the list of unread notifications, so that after one new message one event is looked at, and a
//! receipt only takes from the list. After a restart the newest events are looked at again.
//!
//! A sync makes one [`Reader`] when the first room needs counts, and asks it for each joined room it shows:
//! `Reader::open(server, tx, user_id).await?.counts(server, tx, &mut head, member.since).await?`.

mod cache;
mod pending;

use std::{collections::HashMap, sync::Arc};

use rohrpost_room::{Outcome, Power, PushEvent};
use rohrpost_store::{EventRow, GLOBAL, RoomNid, StreamPos, Tx};
use ruma::{
    OwnedUserId, UserId,
    events::{StateEventType, room::member::MembershipState},
    push::{Action, Ruleset},
};
use serde::Deserialize;

use self::cache::Counted;
pub(crate) use self::cache::UnreadCache;
pub(crate) use self::pending::Marks;
pub use self::pending::{Counts, UnreadCounts};
use crate::{
    Result, Server,
    personal::ignored::{self, Ignored},
    push::rules,
    rooms::{
        head::{Head, pdu},
        relation::relation,
    },
};

/// How many events after the newest receipt are looked at; older ones count as read.
const MAX_EVENTS: u32 = 1000;
/// How many events before the receipt of the main timeline are looked at for unread threads.
const MAX_EVENTS_BEHIND: u32 = 200;

/// Works out the unread counts of one user.
pub struct Reader {
    user_id: OwnedUserId,
    rules: Arc<Ruleset>,
    ignored: Ignored,
    version: Version,
}

/// What the counts depend on besides events and receipts: when the push rules and the list of ignored users
/// last changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    rules: StreamPos,
    ignored: StreamPos,
}

impl Reader {
    /// Reads the rules of a user.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn open(server: &Server, tx: &mut Tx<'_>, user_id: &UserId) -> Result<Self> {
        let stored = tx.account_data_get(user_id, GLOBAL, rules::KIND).await?;
        let ignored = tx.account_data_get(user_id, GLOBAL, ignored::KIND).await?;
        let pos =
            |data: &Option<rohrpost_store::AccountData>| data.as_ref().map_or(StreamPos(0), |data| data.pos);
        let version = Version {
            rules: pos(&stored),
            ignored: pos(&ignored),
        };
        let rules = match server.unread.rules(user_id, version.rules) {
            Some(rules) => rules,
            None => {
                let rules = Arc::new(rules::read(user_id, stored.as_ref())?);
                server
                    .unread
                    .put_rules(user_id, version.rules, Arc::clone(&rules));
                rules
            }
        };
        Ok(Self {
            user_id: user_id.to_owned(),
            rules,
            ignored: Ignored::read(user_id, ignored.as_ref()),
            version,
        })
    }

    /// The unread counts in a room that the user is joined to, up to the head's newest event. `joined_since` is
    /// when the user joined: what came before is not unread.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn counts(
        &self,
        server: &Server,
        tx: &mut Tx<'_>,
        head: &mut Head,
        joined_since: StreamPos,
    ) -> Result<UnreadCounts> {
        let room = head.room.nid;
        let receipts = tx.receipt_list_of(room, &self.user_id).await?;
        let marks = Marks::new(joined_since, &receipts);
        let cached = server
            .unread
            .get(&self.user_id, room)
            .filter(|counted| counted.version == self.version);
        let upto = head.room.last_pos;
        let mut counted = match cached {
            Some(mut counted) => {
                counted.pending.read(&marks);
                if counted.upto >= upto {
                    return Ok(counted.pending.counts());
                }
                let news = tx.event_list_back(room, counted.upto, upto, MAX_EVENTS).await?;
                // A redaction may take back what was counted before.
                if news.iter().any(|row| row.kind == "m.room.redaction") {
                    self.count_anew(server, tx, head, &marks).await?
                } else {
                    self.advance(server, tx, head, &marks, &mut counted, news).await?;
                    counted
                }
            }
            None => self.count_anew(server, tx, head, &marks).await?,
        };
        counted.upto = upto;
        let counts = counted.pending.counts();
        server.unread.put(&self.user_id, room, counted);
        Ok(counts)
    }

    /// What the rules say is to be done about each of these events of one room; nothing about what doesn't notify.
    pub(crate) async fn actions(
        &self,
        server: &Server,
        tx: &mut Tx<'_>,
        head: &mut Head,
        rows: &[EventRow],
    ) -> Result<Vec<Vec<Action>>> {
        let mut judge = Judge::new(self);
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let is_quiet =
                row.sender == self.user_id || row.redacted_by.is_some() || self.ignored.contains(&row.sender);
            let mut actions = Vec::new();
            if !is_quiet {
                actions = judge
                    .judge(server, tx, head, row, |event, user_id, name, rules| {
                        event.actions(user_id, name, rules).to_vec()
                    })
                    .await?;
            }
            all.push(match actions.iter().any(Action::should_notify) {
                true => actions,
                false => Vec::new(),
            });
        }
        Ok(all)
    }

    async fn count_anew(
        &self,
        server: &Server,
        tx: &mut Tx<'_>,
        head: &mut Head,
        marks: &Marks,
    ) -> Result<Counted> {
        let mut counted = Counted::new(self.version);
        let (room, upto) = (head.room.nid, head.room.last_pos);
        let (main, all) = (marks.main(), marks.all());
        let mut events = tx.event_list_back(room, main, upto, MAX_EVENTS).await?;
        if all < main && events.len() < MAX_EVENTS as usize {
            events.extend(tx.event_list_back(room, all, main, MAX_EVENTS_BEHIND).await?);
        }
        self.advance(server, tx, head, marks, &mut counted, events)
            .await?;
        Ok(counted)
    }

    /// Goes over events, newest first, and notes those that notify.
    async fn advance(
        &self,
        server: &Server,
        tx: &mut Tx<'_>,
        head: &mut Head,
        marks: &Marks,
        counted: &mut Counted,
        events: Vec<EventRow>,
    ) -> Result<()> {
        let mut judge = Judge::new(self);
        for row in events.into_iter().rev() {
            let Some(pos) = row.pos else { continue };
            let relation = relation(&row.json);
            if row.sender == self.user_id {
                // Who writes has read what was written before, in the same thread.
                if row.state_key.is_none() && !matches!(row.kind.as_str(), "m.reaction" | "m.room.redaction")
                {
                    counted.pending.clear(relation.thread.as_deref());
                }
                continue;
            }
            let is_read = pos <= marks.of(relation.thread.as_deref());
            if is_read || row.redacted_by.is_some() || self.ignored.contains(&row.sender) {
                continue;
            }
            let outcome = judge.outcome(server, tx, head, &row, relation.raw).await?;
            if outcome.notify {
                counted.pending.add(relation.thread, pos, outcome.highlight);
            }
        }
        Ok(())
    }
}

/// Tries events of one room against the rules of one user.
struct Judge<'a> {
    reader: &'a Reader,
    room: Option<RoomContext>,
    /// What the rules say of encrypted events depends on the sender and on what the event relates to: the rest
    /// is noise to them.
    encrypted: HashMap<(OwnedUserId, Option<String>), Outcome>,
}

/// What the conditions of rules need to know of the room.
struct RoomContext {
    display_name: String,
    power: Power,
}

impl<'a> Judge<'a> {
    fn new(reader: &'a Reader) -> Self {
        Self {
            reader,
            room: None,
            encrypted: HashMap::new(),
        }
    }

    async fn outcome(
        &mut self,
        server: &Server,
        tx: &mut Tx<'_>,
        head: &mut Head,
        row: &EventRow,
        relates_to: Option<String>,
    ) -> Result<Outcome> {
        let is_encrypted = row.kind == "m.room.encrypted";
        let key = (row.sender.clone(), relates_to);
        if is_encrypted && let Some(outcome) = self.encrypted.get(&key) {
            return Ok(*outcome);
        }
        let outcome = self
            .judge(server, tx, head, row, |event, user_id, name, rules| {
                event.evaluate(user_id, name, rules)
            })
            .await?;
        if is_encrypted {
            self.encrypted.insert(key, outcome);
        }
        Ok(outcome)
    }

    /// Asks the rules about an event.
    async fn judge<T>(
        &mut self,
        server: &Server,
        tx: &mut Tx<'_>,
        head: &mut Head,
        row: &EventRow,
        ask: impl FnOnce(&mut PushEvent, &UserId, &str, &Ruleset) -> T + Send,
    ) -> Result<T> {
        let members = joined_members(server, tx, head).await?;
        let pdu = pdu(&head.room.room_id, row)?;
        let (user_id, rules) = (&self.reader.user_id, &self.reader.rules);
        if row.kind == "m.room.encrypted" {
            // There is no text that could hold a name, nor a mention of the whole room.
            return Ok(ask(&mut PushEvent::new(&pdu, members, None), user_id, "", rules));
        }
        let room = match self.room.take() {
            Some(room) => room,
            None => RoomContext::load(tx, head, user_id).await?,
        };
        let mut event = PushEvent::new(&pdu, members, Some(&room.power));
        let answer = ask(&mut event, user_id, &room.display_name, rules);
        self.room = Some(room);
        Ok(answer)
    }
}

impl RoomContext {
    async fn load(tx: &mut Tx<'_>, head: &mut Head, user_id: &UserId) -> Result<Self> {
        #[derive(Deserialize)]
        struct Member {
            displayname: Option<String>,
        }
        let member = (StateEventType::RoomMember, user_id.to_string());
        let keys = [
            (StateEventType::RoomCreate, String::new()),
            (StateEventType::RoomPowerLevels, String::new()),
            member.clone(),
        ];
        let state = head.states(tx, &keys).await?;
        let display_name = state
            .get(&member)
            .and_then(|pdu| pdu.content_as::<Member>().ok()?.displayname);
        Ok(Self {
            display_name: display_name.unwrap_or_default(),
            power: head.power(tx).await?,
        })
    }
}

/// How many users are joined, counted once for each state of the room.
pub(crate) async fn joined_members(server: &Server, tx: &mut Tx<'_>, head: &Head) -> Result<u64> {
    let room: RoomNid = head.room.nid;
    if let Some(members) = server.unread.members(room, head.room.state) {
        return Ok(members);
    }
    let members = tx.membership_count(room, &MembershipState::Join).await?;
    let members = u64::try_from(members).unwrap_or(0);
    server.unread.put_members(room, head.room.state, members);
    Ok(members)
}
