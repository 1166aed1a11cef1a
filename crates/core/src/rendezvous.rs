//! A place where two devices of a person leave each other notes before either trusts the other, for signing in with a
//! QR code.
//!
//! What they leave is encrypted between them. It lives in memory only, for two minutes, and a node knows its own.
//! There is space for so many notes of so many addresses; who comes then is asked to wait, so that nobody can push the
//! notes of others out.
//!
//! <https://github.com/matrix-org/matrix-spec-proposals/pull/4108>

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Refusal, Result, Server, accounts::address_key, limits::Kind, random};

/// Largest note, in bytes.
pub const MAX_BYTES: usize = 4096;
/// How long a note lives, in ms.
pub const LIFETIME_MS: i64 = 2 * 60 * 1000;
/// Most notes at the same time: together 8 MiB.
const MAX_NOTES: usize = 2000;
/// Most notes of an address at the same time.
const MAX_PER_ADDRESS: usize = 50;
/// Length of names and tags; five bits for each character.
const NAME_LENGTH: usize = 32;

/// All notes there are.
#[derive(Default)]
pub(crate) struct Notes(Mutex<HashMap<String, Kept>>);

struct Kept {
    note: Note,
    address: String,
}

/// A note.
#[derive(Clone)]
pub struct Note {
    /// What it says. Encrypted, not for us.
    pub data: String,
    /// Changes with what it says.
    pub tag: String,
    /// Until when it lives, ms since the epoch.
    pub expires_ts: i64,
    /// When it changed, ms since the epoch.
    pub changed_ts: i64,
}

/// What became of a change.
pub enum Changed {
    /// It was made.
    Done(Note),
    /// Somebody else changed the note before. This is how it is now.
    Overtaken(Note),
}

impl Notes {
    fn with<T>(&self, now_ts: i64, look: impl FnOnce(&mut HashMap<String, Kept>) -> T) -> T {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.retain(|_, kept| now_ts < kept.note.expires_ts);
        look(&mut notes)
    }
}

fn check(data: &str) -> Result<()> {
    if data.len() > MAX_BYTES {
        return Err(Refusal::TooLarge(format!("a note has at most {MAX_BYTES} bytes")));
    }
    Ok(())
}

/// Leaves a new note; answers its name, too.
///
/// # Errors
/// `TooLarge`; `LimitExceeded` when there are too many.
pub fn create(server: &Arc<Server>, address: IpAddr, data: String) -> Result<(String, Note)> {
    let address = address_key(address);
    server.limit(Kind::General, &address)?;
    check(&data)?;
    let name = random::name(&*server.rng, NAME_LENGTH);
    let now_ts = server.now_ts();
    let note = Note {
        data,
        tag: random::name(&*server.rng, NAME_LENGTH),
        expires_ts: now_ts + LIFETIME_MS,
        changed_ts: now_ts,
    };
    server.notes.with(now_ts, |notes| {
        let of_address = notes.values().filter(|kept| kept.address == address).count();
        if notes.len() >= MAX_NOTES || of_address >= MAX_PER_ADDRESS {
            return Err(Refusal::LimitExceeded {
                retry_after_ms: LIFETIME_MS.unsigned_abs(),
            });
        }
        let kept = Kept {
            note: note.clone(),
            address,
        };
        notes.insert(name.clone(), kept);
        Ok(())
    })?;
    Ok((name, note))
}

/// A note.
///
/// # Errors
/// `NotFound` when there is none, or not any more.
pub fn get(server: &Arc<Server>, name: &str) -> Result<Note> {
    let found = server.notes.with(server.now_ts(), |notes| {
        notes.get(name).map(|kept| kept.note.clone())
    });
    found.ok_or_else(|| Refusal::not_found("note"))
}

/// Changes a note, if nobody changed it since it had this tag.
///
/// # Errors
/// `TooLarge`, `NotFound`.
pub fn change(server: &Arc<Server>, name: &str, tag: &str, data: String) -> Result<Changed> {
    check(&data)?;
    let new_tag = random::name(&*server.rng, NAME_LENGTH);
    let now_ts = server.now_ts();
    server.notes.with(now_ts, |notes| {
        let kept = notes.get_mut(name).ok_or_else(|| Refusal::not_found("note"))?;
        if kept.note.tag != tag {
            return Ok(Changed::Overtaken(kept.note.clone()));
        }
        kept.note.data = data;
        kept.note.tag = new_tag;
        kept.note.changed_ts = now_ts;
        Ok(Changed::Done(kept.note.clone()))
    })
}

/// Takes a note away.
///
/// # Errors
/// `NotFound` when there is none, or not any more.
pub fn delete(server: &Arc<Server>, name: &str) -> Result<()> {
    let removed = server.notes.with(server.now_ts(), |notes| notes.remove(name));
    removed.map(|_| ()).ok_or_else(|| Refusal::not_found("note"))
}
