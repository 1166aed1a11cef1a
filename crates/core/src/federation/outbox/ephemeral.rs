//! What passes anyway: typing, receipts and presence. It waits in memory, the newest in place of the older, for servers that
//! answer; it is sent once, and lost if that fails.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ruma::{
    MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, OwnedServerName, OwnedUserId, ServerName, UInt,
    api::federation::transactions::edu::{
        Edu, PresenceContent, PresenceUpdate, ReceiptContent, ReceiptData, ReceiptMap, TypingContent,
    },
    events::receipt::{Receipt, ReceiptThread},
};

/// Pieces of news that wait for one server. More are left out.
const MAX_WAITING: usize = 1000;
/// Servers for which something waits.
const MAX_SERVERS: usize = 10_000;

/// Something that passes anyway.
#[derive(Clone, Debug)]
pub(crate) enum Passing {
    /// Somebody began or stopped typing.
    Typing {
        room_id: OwnedRoomId,
        user_id: OwnedUserId,
        typing: bool,
    },
    /// Somebody read.
    Receipt {
        room_id: OwnedRoomId,
        user_id: OwnedUserId,
        thread: String,
        event_id: OwnedEventId,
        ts: i64,
    },
    /// Somebody came or went.
    Presence(Box<PresenceUpdate>),
}

#[derive(Default)]
struct Waiting {
    typing: BTreeMap<(OwnedRoomId, OwnedUserId), bool>,
    /// By thread first: one piece of news has one receipt of a user in a room.
    receipts: BTreeMap<(String, OwnedRoomId, OwnedUserId), (OwnedEventId, i64)>,
    presence: BTreeMap<OwnedUserId, PresenceUpdate>,
}

impl Waiting {
    fn len(&self) -> usize {
        self.typing.len() + self.receipts.len() + self.presence.len()
    }

    fn put(&mut self, news: Passing) {
        let is_full = self.len() >= MAX_WAITING;
        match news {
            Passing::Typing {
                room_id,
                user_id,
                typing,
            } => {
                let key = (room_id, user_id);
                if !is_full || self.typing.contains_key(&key) {
                    self.typing.insert(key, typing);
                }
            }
            Passing::Receipt {
                room_id,
                user_id,
                thread,
                event_id,
                ts,
            } => {
                let key = (thread, room_id, user_id);
                if !is_full || self.receipts.contains_key(&key) {
                    self.receipts.insert(key, (event_id, ts));
                }
            }
            Passing::Presence(update) => {
                if !is_full || self.presence.contains_key(&update.user_id) {
                    self.presence.insert(update.user_id.clone(), *update);
                }
            }
        }
    }

    /// Takes out up to `limit` pieces of news as they are sent.
    fn take(&mut self, limit: usize) -> Vec<Edu> {
        let mut edus = Vec::new();
        while edus.len() < limit
            && let Some(((room_id, user_id), typing)) = self.typing.pop_first()
        {
            edus.push(Edu::Typing(TypingContent::new(room_id, user_id, typing)));
        }
        while edus.len() < limit
            && let Some(receipts) = self.take_receipts()
        {
            edus.push(Edu::Receipt(receipts));
        }
        if edus.len() < limit && !self.presence.is_empty() {
            let updates = std::mem::take(&mut self.presence).into_values().collect();
            edus.push(Edu::Presence(PresenceContent::new(updates)));
        }
        edus
    }

    /// The receipts of one thread: those outside of threads together, over all rooms.
    fn take_receipts(&mut self) -> Option<ReceiptContent> {
        let (thread, ..) = self.receipts.keys().next()?.clone();
        let mut content = ReceiptContent::new(BTreeMap::new());
        while let Some(entry) = self.receipts.first_entry()
            && entry.key().0 == thread
        {
            let ((thread, room_id, user_id), (event_id, ts)) = entry.remove_entry();
            let mut receipt = Receipt::default();
            receipt.ts = UInt::try_from(ts).ok().map(MilliSecondsSinceUnixEpoch);
            receipt.thread = match thread.is_empty() {
                true => ReceiptThread::Unthreaded,
                false => ReceiptThread::try_from(Some(thread)).unwrap_or_default(),
            };
            let in_room = content.receipts.entry(room_id);
            let in_room = in_room.or_insert_with(|| ReceiptMap::new(BTreeMap::new()));
            in_room
                .read
                .insert(user_id, ReceiptData::new(receipt, vec![event_id]));
        }
        Some(content)
    }
}

/// What waits in memory, by server.
#[derive(Default)]
pub(crate) struct Ephemeral(Mutex<HashMap<OwnedServerName, Waiting>>);

impl Ephemeral {
    fn waiting(&self) -> MutexGuard<'_, HashMap<OwnedServerName, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, destination: &ServerName, news: Passing) {
        let mut waiting = self.waiting();
        if waiting.len() < MAX_SERVERS || waiting.contains_key(destination) {
            waiting.entry(destination.to_owned()).or_default().put(news);
        }
    }

    pub(super) fn take(&self, destination: &ServerName, limit: usize) -> Vec<Edu> {
        let mut all = self.waiting();
        let Some(waiting) = all.get_mut(destination) else {
            return Vec::new();
        };
        let edus = waiting.take(limit);
        if waiting.len() == 0 {
            all.remove(destination);
        }
        edus
    }

    pub(super) fn forget(&self, destination: &ServerName) {
        self.waiting().remove(destination);
    }

    pub(super) fn servers(&self, limit: usize) -> Vec<OwnedServerName> {
        self.waiting().keys().take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use ruma::{owned_room_id, owned_user_id, server_name};
    use serde_json::json;

    use super::{Ephemeral, Passing};

    fn receipt(room: &str, user: &str, thread: &str, event: &str) -> Passing {
        Passing::Receipt {
            room_id: format!("!{room}:a.example").try_into().unwrap(),
            user_id: format!("@{user}:a.example").try_into().unwrap(),
            thread: thread.to_owned(),
            event_id: event.try_into().unwrap(),
            ts: 5,
        }
    }

    #[test]
    fn the_newest_of_each_is_sent_and_receipts_of_a_thread_together() {
        let (ephemeral, there) = (Ephemeral::default(), server_name!("b.example"));
        for typing in [true, false] {
            let news = Passing::Typing {
                room_id: owned_room_id!("!r:a.example"),
                user_id: owned_user_id!("@u:a.example"),
                typing,
            };
            ephemeral.put(there, news);
        }
        for news in [
            receipt("r", "u", "", "$1"),
            receipt("r", "u", "", "$2"),
            receipt("s", "v", "", "$3"),
            receipt("r", "u", "main", "$4"),
            receipt("r", "u", "$root", "$5"),
        ] {
            ephemeral.put(there, news);
        }
        assert_eq!(ephemeral.servers(10), [there]);
        let edus = serde_json::to_value(ephemeral.take(there, 100)).unwrap();
        let read = |event: &str, data: serde_json::Value| json!({ "event_ids": [event], "data": data });
        let expected = json!([
            { "edu_type": "m.typing", "content": { "room_id": "!r:a.example", "user_id": "@u:a.example", "typing": false } },
            { "edu_type": "m.receipt", "content": {
                "!r:a.example": { "m.read": { "@u:a.example": read("$2", json!({ "ts": 5 })) } },
                "!s:a.example": { "m.read": { "@v:a.example": read("$3", json!({ "ts": 5 })) } },
            } },
            { "edu_type": "m.receipt", "content": {
                "!r:a.example": { "m.read": { "@u:a.example": read("$5", json!({ "ts": 5, "thread_id": "$root" })) } },
            } },
            { "edu_type": "m.receipt", "content": {
                "!r:a.example": { "m.read": { "@u:a.example": read("$4", json!({ "ts": 5, "thread_id": "main" })) } },
            } },
        ]);
        assert_eq!(edus, expected);
        assert!(ephemeral.servers(10).is_empty());
    }

    #[test]
    fn no_more_waits_than_there_is_space_for() {
        let (ephemeral, there) = (Ephemeral::default(), server_name!("b.example"));
        for number in 0..super::MAX_WAITING + 10 {
            ephemeral.put(there, receipt("r", &format!("u{number}"), "", "$1"));
        }
        let left: usize = ephemeral.waiting().values().map(super::Waiting::len).sum();
        assert_eq!(left, super::MAX_WAITING);
        ephemeral.forget(there);
        assert!(ephemeral.take(there, 100).is_empty());
    }
}
