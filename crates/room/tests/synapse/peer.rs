//! The Python process that asks Synapse, and the lines that go there and come back.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rohrpost_room::resolve::StateMap;
use serde::{Deserialize, Serialize};

use crate::world::World;

/// Names the Python that has Synapse. Without it nothing is compared.
pub(crate) const VARIABLE: &str = "ROHRPOST_TEST_SYNAPSE";

#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Question {
    pub(crate) version: String,
    pub(crate) room_id: String,
    pub(crate) events: Vec<AskedEvent>,
    pub(crate) forks: Vec<Vec<Vec<String>>>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct AskedEvent {
    pub(crate) id: String,
    pub(crate) json: String,
    pub(crate) rejected: bool,
    pub(crate) before: Vec<String>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) events: Vec<AnsweredEvent>,
    pub(crate) forks: Vec<Option<Vec<String>>>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) struct AnsweredEvent {
    pub(crate) id: String,
    pub(crate) accepted: bool,
    pub(crate) why: Option<String>,
}

impl Question {
    pub(crate) fn about(world: &World) -> Self {
        Self {
            version: world.version.to_string(),
            room_id: world.room_id.to_string(),
            events: world
                .happened
                .iter()
                .map(|event| AskedEvent {
                    id: event.pdu.event_id().to_string(),
                    json: event.pdu.json().to_owned(),
                    rejected: !event.accepted,
                    before: ids(&event.before),
                })
                .collect(),
            forks: world
                .forks
                .iter()
                .map(|fork| fork.states.iter().map(ids).collect())
                .collect(),
        }
    }
}

/// The events of a state, in an order that doesn't depend on types.
pub(crate) fn ids(state: &StateMap) -> Vec<String> {
    let mut ids: Vec<_> = state.values().map(ToString::to_string).collect();
    ids.sort_unstable();
    ids
}

pub(crate) struct Peer {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it, if there is one to start.
    pub(crate) fn start() -> Option<Self> {
        let python = std::env::var_os(VARIABLE)?;
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/synapse/judge.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the Python that the variable names starts");
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self {
            child,
            questions,
            answers,
        })
    }

    pub(crate) fn ask(&mut self, question: &Question) -> Answer {
        let mut line = serde_json::to_string(question).unwrap();
        line.push('\n');
        let questions = self.questions.as_mut().unwrap();
        questions.write_all(line.as_bytes()).unwrap();
        questions.flush().unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert!(!answer.is_empty(), "Synapse's side ended");
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.questions.take());
        self.child.wait().unwrap();
    }
}
