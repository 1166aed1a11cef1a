//! Who may sign a roster, and how many of them it takes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::key::PublicKey;

/// The keys at the root of a federation, and how many of them have to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signers {
    /// How many of them have to sign.
    pub threshold: u32,
    /// The signers.
    pub keys: Vec<Signer>,
}

/// One who may sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// What people call it: an authority, an office.
    pub name: String,
    /// Its public key.
    pub key: PublicKey,
}

impl Signers {
    /// Signers that were handed over by another way, such as the configuration. They have no name but their key.
    #[must_use]
    pub fn pinned(keys: impl IntoIterator<Item = PublicKey>, threshold: u32) -> Self {
        let signer = |key: PublicKey| Signer {
            name: key.to_string(),
            key,
        };
        Self {
            threshold,
            keys: keys.into_iter().map(signer).collect(),
        }
    }

    /// The signer with this key.
    #[must_use]
    pub fn get(&self, key: &PublicKey) -> Option<&Signer> {
        self.keys.iter().find(|signer| signer.key == *key)
    }

    /// Whether the same keys in the same number decide. Names and order don't matter.
    #[must_use]
    pub fn decide_as(&self, other: &Self) -> bool {
        let keys = |signers: &Self| {
            signers
                .keys
                .iter()
                .map(|signer| signer.key)
                .collect::<BTreeSet<_>>()
        };
        self.threshold == other.threshold && keys(self) == keys(other)
    }
}
