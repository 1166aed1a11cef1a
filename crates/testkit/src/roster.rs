//! The signed roster of a federation inside a test.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use rohrpost_core::{
    federation::{Federation, Partners, roster::RosterRules},
    settings::Settings,
};
use rohrpost_trust::{
    key::{PublicKey, SecretKey},
    moment::later,
    roster::{
        Classification, Document, FORMAT, Policy, Roster, Server, Signer, Signers, SigningKey, Status,
        Trusted,
    },
};
use ruma::{MilliSecondsSinceUnixEpoch, UInt};
use serde_json::Value;

use crate::TestServer;

/// Which federation.
const ROSTER_ID: &str = "bund.example";
/// How many of the three signers have to sign.
const THRESHOLD: u32 = 2;
/// How long a roster is held to after its end.
const GRACE_MS: u64 = 72 * 60 * 60 * 1000;
/// 2026-01-01T00:00:00Z, before the clocks of test servers.
const BEGIN_MS: u64 = 1_767_225_600_000;
/// How long a roster counts.
const LIFETIME_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// A federation of test servers: three signers, of whom two have to sign, and a file in which the roster lies.
pub struct TestRoster {
    folder: tempfile::TempDir,
    last: Mutex<Option<Document>>,
}

impl Default for TestRoster {
    fn default() -> Self {
        Self::new()
    }
}

impl TestRoster {
    /// No roster yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            last: Mutex::default(),
        }
    }

    /// Lets a server go by this roster.
    pub fn bind(&self, settings: &mut Settings) {
        let pins = Signers::pinned(signers().keys.into_iter().map(|signer| signer.key), THRESHOLD);
        let pins = Trusted::pinned(ROSTER_ID.to_owned(), pins).expect("good signers");
        settings.federation = Federation {
            partners: Partners::Roster(RosterRules {
                pins,
                grace_ms: GRACE_MS,
            }),
            address: None,
        };
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("roster.json")
    }

    /// What lies there.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).expect("a roster")
    }

    /// Puts something there, whatever it is.
    pub fn put(&self, bytes: &[u8]) {
        std::fs::write(self.path(), bytes).expect("it is written");
    }

    /// Signs the next roster, with these servers as members and the keys that they publish, and puts it where it lies.
    pub async fn publish(&self, members: &[&TestServer]) {
        self.publish_changed(members, |_| ()).await;
    }

    /// The same, with changes.
    pub async fn publish_changed(&self, members: &[&TestServer], change: impl FnOnce(&mut Roster)) {
        let document = self.next(members, change).await;
        self.put(&document.to_bytes());
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(document);
    }

    /// The roster that follows the one that was published, signed, and put nowhere.
    pub async fn next(&self, members: &[&TestServer], change: impl FnOnce(&mut Roster)) -> Document {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let seq = last
            .as_ref()
            .map_or(0, |last| u64::from(last.roster().expect("a roster").seq));
        let mut servers = Vec::new();
        for member in members {
            servers.push(entry(member).await);
        }
        servers.sort_by(|a, b| a.name.cmp(&b.name));
        let begin = MilliSecondsSinceUnixEpoch(UInt::new_saturating(BEGIN_MS));
        let mut roster = Roster {
            format: FORMAT.to_owned(),
            critical: Vec::new(),
            roster_id: ROSTER_ID.to_owned(),
            seq: UInt::new_saturating(seq + 1),
            prev_hash: last.map(|last| last.hash()),
            not_before: begin,
            not_after: later(begin, LIFETIME_MS),
            signers: signers(),
            policy: Policy {
                min_room_version: 12_u32.into(),
                encryption_required: true,
                other: Default::default(),
            },
            servers,
            other: Default::default(),
        };
        change(&mut roster);
        let mut document = Document::draft(&roster).expect("a good roster");
        for number in 1..=THRESHOLD {
            document.sign(&secret(number));
        }
        document
    }
}

fn secret(number: u32) -> SecretKey {
    let mut seed = [9; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    SecretKey::from_seed(&seed)
}

fn signers() -> Signers {
    let signer = |number| Signer {
        name: format!("Amt {number}"),
        key: secret(number).public(),
    };
    Signers {
        threshold: THRESHOLD,
        keys: (1..=3).map(signer).collect(),
    }
}

/// What the roster says of a server, with the key that it publishes.
async fn entry(server: &TestServer) -> Server {
    let (status, document) = server.get("/_matrix/key/v2/server", None).await;
    assert_eq!(status, 200, "{document}");
    let keys = document["verify_keys"].as_object().expect("keys");
    let key = |(id, key): (&String, &Value)| SigningKey {
        id: id.as_str().try_into().expect("a key id"),
        key: PublicKey::parse(key["key"].as_str().expect("a key")).expect("a key"),
        not_before: None,
        not_after: None,
    };
    Server {
        name: server.name().to_owned(),
        organisation: format!("Amt {}", server.name()),
        mail_domains: Vec::new(),
        keys: keys.iter().map(key).collect(),
        classification: Classification::Restricted,
        status: Status::Active,
        not_after: None,
        contact: "it@amt.example".to_owned(),
        other: Default::default(),
    }
}
