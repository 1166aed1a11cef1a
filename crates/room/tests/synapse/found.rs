//! Rooms that Synapse has answered before, kept as files: those in which a difference was found, and some of each version.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rohrpost_room::Pdu;
use rohrpost_room::build::AuthState;
use rohrpost_room::receive::{Verdict, auth_state, judge};
use rohrpost_room::redact::reference_hash;
use rohrpost_room::resolve::StateMap;
use rohrpost_room::version::rules;
use ruma::events::StateEventType;
use ruma::{EventId, OwnedEventId, RoomId, RoomVersionId};
use serde::{Deserialize, Serialize};

use crate::peer::{Answer, Question, ids};
use crate::world::chain;

#[derive(Serialize, Deserialize)]
struct File {
    question: Question,
    answer: Answer,
}

pub(crate) fn write(file: &Path, question: &Question, answer: &Answer) {
    let text = serde_json::to_string_pretty(&File {
        question: question.clone(),
        answer: answer.clone(),
    });
    std::fs::write(file, text.unwrap()).unwrap();
}

/// The room of a file, as far as it was read.
#[derive(Default)]
struct Room {
    events: BTreeMap<OwnedEventId, Arc<Pdu>>,
}

impl Room {
    fn state(&self, ids: &[String]) -> AuthState {
        ids.iter()
            .map(|id| {
                let pdu = &self.events[&EventId::parse(id).unwrap()];
                let kind = StateEventType::from(pdu.kind().to_string());
                ((kind, pdu.state_key().unwrap().to_owned()), Arc::clone(pdu))
            })
            .collect()
    }

    fn state_map(&self, ids: &[String]) -> StateMap {
        self.state(ids)
            .into_iter()
            .map(|(key, pdu)| (key, pdu.event_id().to_owned()))
            .collect()
    }
}

#[test]
fn rooms_that_were_answered_before_are_judged_the_same() {
    let mut files = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/synapse/found")).unwrap() {
        let path = entry.unwrap().path();
        let file: File = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        check(&file, &path.display().to_string());
        files += 1;
    }
    assert!(files > 0, "no files");
}

fn check(file: &File, name: &str) {
    let version = RoomVersionId::try_from(file.question.version.as_str()).unwrap();
    let room_id = RoomId::parse(&file.question.room_id).unwrap();
    let mut room = Room::default();
    for (asked, answered) in file.question.events.iter().zip(&file.answer.events) {
        let object = serde_json::from_str(&asked.json).unwrap();
        let hash = reference_hash(&object, rules(&version).unwrap()).unwrap();
        let id = EventId::new_v2_or_v3(&hash).unwrap();
        assert_eq!(id, answered.id.as_str(), "{name}: {}", asked.json);
        let pdu = Pdu::from_stored(&room_id, &id, &asked.json).unwrap();
        let auth = auth_state(&pdu, &version, |id| room.events.get(id).cloned());
        let before = room.state(&asked.before);
        let accepted = auth.is_ok_and(|auth| judge(&pdu, &version, &auth, &before, None) == Verdict::Accept);
        assert_eq!(
            accepted, answered.accepted,
            "{name}: {} {:?}",
            asked.json, answered.why
        );
        room.events.insert(id, Arc::new(pdu.with_rejected(!accepted)));
    }
    for (states, answered) in file.question.forks.iter().zip(&file.answer.forks) {
        let states: Vec<_> = states.iter().map(|ids| room.state_map(ids)).collect();
        let chains = states.iter().map(|state| chain(&room.events, state)).collect();
        let resolved = rohrpost_room::resolve(&version, &states, chains, |id| room.events.get(id).cloned());
        assert_eq!(resolved.ok().as_ref().map(ids), *answered, "{name}: a fork");
    }
}
