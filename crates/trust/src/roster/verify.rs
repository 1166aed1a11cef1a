//! Whether a document counts: signed by enough of those who may, of this federation, newer than what is known, in time.

use js_int::UInt;
use ruma_common::MilliSecondsSinceUnixEpoch;
use serde::{Deserialize, Serialize};

use super::{Document, Malformed, Roster, Signers, Validity};
use crate::{
    key::Hash,
    moment::{later, utc},
};

/// What is trusted before a document is looked at. Kept between two documents; it can be stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trusted {
    roster_id: String,
    /// The signers that the operator named.
    pins: Signers,
    /// The signers that count now: those of the operator, or of the last document.
    signers: Signers,
    last: Option<Last>,
}

/// The last document that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// Its number.
    pub seq: UInt,
    /// Its hash.
    pub hash: Hash,
}

/// A roster that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its content.
    pub(super) roster: Roster,
    /// Its hash.
    pub(super) hash: Hash,
    is_new: bool,
}

/// Why a document doesn't count, in words for an operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No roster at all.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// The roster of another federation.
    #[error("this is the roster of {found}, and not of {wanted}")]
    OtherRoster {
        /// Which is trusted.
        wanted: String,
        /// Which it is.
        found: String,
    },
    /// Nobody signed it.
    #[error("nobody has signed it yet; {wanted} signers have to")]
    Unsigned {
        /// How many have to sign.
        wanted: u32,
    },
    /// Signed, but by none of the signers.
    #[error("it is signed, but by none of the signers that are trusted here, of whom {wanted} have to sign")]
    WrongSigner {
        /// How many have to sign.
        wanted: u32,
    },
    /// A signature that isn't one of this content.
    #[error(
        "the signature of {signer} is not one of this content: the file was damaged or changed, fetch it again"
    )]
    BadSignature {
        /// Whose it says it is.
        signer: String,
    },
    /// Too few of the signers have signed.
    #[error("{found} of the {wanted} signatures that it needs are there; each signer counts once")]
    TooFewSignatures {
        /// How many have to sign.
        wanted: u32,
        /// How many have.
        found: u32,
    },
    /// It changes the signers, and too few of the new ones have signed it.
    #[error(
        "it changes the signers, so {wanted} of the new ones have to sign it, too, and {found} have: otherwise nobody \
         could be sure that they hold their keys"
    )]
    TooFewNewSigners {
        /// How many have to sign.
        wanted: u32,
        /// How many have.
        found: u32,
    },
    /// Older than what is known.
    #[error(
        "it is number {found}, and number {held} is known already: an old roster, which may bring back what was removed"
    )]
    Rollback {
        /// The number that is known.
        held: UInt,
        /// Its number.
        found: UInt,
    },
    /// Another document of the same number.
    #[error(
        "it has the same number {seq} as the roster that is known, and another content: the signers have signed two; keep \
         both files and ask them"
    )]
    Fork {
        /// The number of both.
        seq: UInt,
    },
    /// It follows another document than the one that is known.
    #[error(
        "it is number {seq} and follows another roster than the one that is known: the signers have signed two; keep both \
         files and ask them"
    )]
    BrokenChain {
        /// Its number.
        seq: UInt,
    },
    /// Another document than the one that was accepted last.
    #[error("it is not the roster that was accepted last")]
    NotTheLast,
    /// Its time has not come.
    #[error("it counts from {} on: wait, or set this computer's clock right", utc(*.not_before))]
    NotYetValid {
        /// When that is.
        not_before: MilliSecondsSinceUnixEpoch,
    },
    /// Its time is over.
    #[error("it ended at {}: the signers have to sign a new one", utc(*.not_after))]
    Expired {
        /// When that was.
        not_after: MilliSecondsSinceUnixEpoch,
    },
}

impl Trusted {
    /// Trusts these signers for this federation, and knows no document yet.
    ///
    /// # Errors
    /// When the signers can't be: too few, too many, one twice.
    pub fn pinned(roster_id: String, signers: Signers) -> Result<Self, super::Problem> {
        signers.check()?;
        Ok(Self {
            roster_id,
            pins: signers.clone(),
            signers,
            last: None,
        })
    }

    /// Goes on from what was kept of an earlier run. Signers that a document changed stay changed, unless the operator has
    /// named others since: then those count. Numbers never go back. What was kept of another federation is nothing.
    #[must_use]
    pub fn resume(self, kept: Self) -> Self {
        if kept.roster_id != self.roster_id {
            return self;
        }
        if kept.pins.decide_as(&self.pins) {
            return kept;
        }
        Self {
            last: kept.last,
            ..self
        }
    }

    /// The federation.
    #[must_use]
    pub fn roster_id(&self) -> &str {
        &self.roster_id
    }

    /// The signers that count now.
    #[must_use]
    pub fn signers(&self) -> &Signers {
        &self.signers
    }

    /// The last document that was accepted.
    #[must_use]
    pub fn last(&self) -> Option<Last> {
        self.last
    }

    /// Decides over a document. `grace_ms` is how long a roster is held to after its end; within it, one that has ended is
    /// accepted, as those who have it go on with it.
    ///
    /// The signatures come first: of a document without enough of them, nothing but its name is read. Documents in between
    /// may be missing, as long as the signers are those that count here; the one right behind the last has to name its
    /// hash. Who changes the signers needs enough of the old and of the new ones.
    ///
    /// # Errors
    /// Why it doesn't count. What was trusted before stays as it is.
    pub fn verify(
        &self,
        document: &Document,
        now: MilliSecondsSinceUnixEpoch,
        grace_ms: u64,
    ) -> Result<Verified, Refusal> {
        self.check_signatures(document)?;
        let roster = document.roster()?;
        if !roster.signers.decide_as(&self.signers) {
            let wanted = roster.signers.threshold;
            let found = count(document, &roster.signers)?;
            if found < wanted {
                return Err(Refusal::TooFewNewSigners { wanted, found });
            }
        }
        let hash = document.hash();
        self.check_order(&roster, hash)?;
        match Validity::at(&roster, now, grace_ms) {
            Validity::NotYetValid => Err(Refusal::NotYetValid {
                not_before: roster.not_before,
            }),
            Validity::Expired => Err(Refusal::Expired {
                not_after: roster.not_after,
            }),
            Validity::Valid | Validity::Grace { .. } => Ok(Verified {
                is_new: self.last.is_none_or(|last| last.hash != hash),
                roster,
                hash,
            }),
        }
    }

    /// Takes the document up again that was accepted last, such as after a restart. Whether it has ended doesn't matter
    /// here: [`super::Members`] answers by the time. Enough of the signers that count now must have signed it; if the
    /// operator has named others since, those.
    ///
    /// # Errors
    /// [`Refusal::NotTheLast`] for any other document, and when it lacks signatures.
    pub fn recall(&self, document: &Document) -> Result<Verified, Refusal> {
        self.check_signatures(document)?;
        let hash = document.hash();
        if self.last.is_none_or(|last| last.hash != hash) {
            return Err(Refusal::NotTheLast);
        }
        Ok(Verified {
            roster: document.roster()?,
            hash,
            is_new: false,
        })
    }

    /// Whether the right signers have signed it, and enough of them.
    fn check_signatures(&self, document: &Document) -> Result<(), Refusal> {
        if document.roster_id() != self.roster_id {
            return Err(Refusal::OtherRoster {
                wanted: self.roster_id.clone(),
                found: document.roster_id().to_owned(),
            });
        }
        let found = count(document, &self.signers)?;
        let wanted = self.signers.threshold;
        if found < wanted {
            return Err(match (found, document.signatures().is_empty()) {
                (0, true) => Refusal::Unsigned { wanted },
                (0, false) => Refusal::WrongSigner { wanted },
                _ => Refusal::TooFewSignatures { wanted, found },
            });
        }
        Ok(())
    }

    fn check_order(&self, roster: &Roster, hash: Hash) -> Result<(), Refusal> {
        let Some(last) = self.last else { return Ok(()) };
        let seq = roster.seq;
        if seq < last.seq {
            return Err(Refusal::Rollback {
                held: last.seq,
                found: seq,
            });
        }
        if seq == last.seq && hash != last.hash {
            return Err(Refusal::Fork { seq });
        }
        let is_next = u64::from(last.seq) + 1 == u64::from(seq);
        if is_next && roster.prev_hash != Some(last.hash) {
            return Err(Refusal::BrokenChain { seq });
        }
        Ok(())
    }

    /// What is trusted once this document is accepted.
    #[must_use]
    pub fn after(&self, verified: &Verified) -> Self {
        Self {
            roster_id: self.roster_id.clone(),
            pins: self.pins.clone(),
            signers: verified.roster.signers.clone(),
            last: Some(Last {
                seq: verified.roster.seq,
                hash: verified.hash,
            }),
        }
    }
}

/// How many of these signers have signed, each counted once.
fn count(document: &Document, signers: &Signers) -> Result<u32, Refusal> {
    let mut found = 0;
    for signer in &signers.keys {
        let Some(signature) = document.signatures().get(&signer.key) else {
            continue;
        };
        if !signer.key.verifies(document.signed_bytes(), signature) {
            return Err(Refusal::BadSignature {
                signer: signer.name.clone(),
            });
        }
        found += 1;
    }
    Ok(found)
}

impl Verified {
    /// Its content.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Whether it is another than the one that was known.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// When the server stops to talk to others unless there is a new one.
    #[must_use]
    pub fn closes_at(&self, grace_ms: u64) -> MilliSecondsSinceUnixEpoch {
        later(self.roster.not_after, grace_ms)
    }
}
