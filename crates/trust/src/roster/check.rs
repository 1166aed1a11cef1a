//! The bounds of a roster, and what must not stand in it twice. Each problem names its place.

use std::collections::HashSet;

use js_int::UInt;
use ruma_common::SigningKeyAlgorithm;

use super::{FORMAT, Policy, Roster, Server, Signers};
use crate::{key::PublicKey, moment::utc};

/// The most members.
pub const MAX_SERVERS: usize = 10_000;
/// The most signers.
pub const MAX_SIGNERS: usize = 16;
/// The most keys of one server, old ones among them.
pub const MAX_KEYS: usize = 16;
/// The most mail domains of one server.
pub const MAX_DOMAINS: usize = 200;
/// The longest name of an organisation, contact or signer.
pub const MAX_TEXT_BYTES: usize = 200;
/// The longest time for which a roster can count: 400 days. One without an end would never stop trusting.
pub const MAX_LIFETIME_MS: u64 = 400 * 24 * 60 * 60 * 1000;

/// The longest name of a federation.
const MAX_ID_BYTES: usize = 100;

/// What is wrong with the content of a roster, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Problem(String);

type Checked = Result<(), Problem>;

fn ensure(is_good: bool, message: impl FnOnce() -> String) -> Checked {
    if is_good { Ok(()) } else { Err(Problem(message())) }
}

impl Roster {
    /// Whether everything is within bounds and nothing stands there twice that must be one.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Checked {
        check_format(&self.format, &self.critical)?;
        ensure(is_roster_id(&self.roster_id), || {
            format!("roster_id must be 1 to {MAX_ID_BYTES} small letters, digits, . and -")
        })?;
        ensure(self.seq > UInt::MIN, || "seq begins at 1".to_owned())?;
        ensure(
            (self.seq == UInt::from(1_u32)) == self.prev_hash.is_none(),
            || "prev_hash must be there in every roster but the first".to_owned(),
        )?;
        let lifetime = u64::from(self.not_after.get()).checked_sub(self.not_before.get().into());
        ensure(lifetime.is_some_and(|ms| 0 < ms && ms <= MAX_LIFETIME_MS), || {
            format!(
                "it must end after it begins and within 400 days of that; it says {} to {}",
                utc(self.not_before),
                utc(self.not_after)
            )
        })?;
        self.signers.check()?;
        self.policy.check()?;
        ensure(self.servers.len() <= MAX_SERVERS, || {
            format!(
                "{} servers are too many, {MAX_SERVERS} are the most",
                self.servers.len()
            )
        })?;
        check_servers(&self.servers)
    }
}

/// Whether this version knows the form of a roster, and everything that must not be passed over.
pub(super) fn check_format(format: &str, critical: &[String]) -> Checked {
    ensure(format == FORMAT, || {
        format!("this version of Rohrpost reads {FORMAT} and not {format:?}: update it")
    })?;
    ensure(critical.is_empty(), || {
        format!(
            "it demands that {:?} is understood, which this version of Rohrpost doesn't: update it",
            critical.join(", ")
        )
    })
}

impl Signers {
    /// Whether there are enough signers, and each once.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Checked {
        ensure((1..=MAX_SIGNERS).contains(&self.keys.len()), || {
            format!("there must be 1 to {MAX_SIGNERS} signers")
        })?;
        let threshold = usize::try_from(self.threshold).unwrap_or(usize::MAX);
        ensure((1..=self.keys.len()).contains(&threshold), || {
            format!(
                "{threshold} of {} signers can't be: the threshold is between 1 and the number of signers",
                self.keys.len()
            )
        })?;
        let (mut keys, mut names) = (HashSet::new(), HashSet::new());
        for signer in &self.keys {
            check_text("the name of a signer", &signer.name)?;
            ensure(keys.insert(signer.key) && names.insert(&signer.name), || {
                format!("signer {}: name or key stands there twice", signer.name)
            })?;
        }
        Ok(())
    }
}

impl Policy {
    fn check(&self) -> Checked {
        ensure((1..=1000).contains(&u64::from(self.min_room_version)), || {
            "min_room_version must be the number of a room version".to_owned()
        })
    }
}

fn check_servers(servers: &[Server]) -> Checked {
    let mut keys = HashSet::new();
    let mut domains = HashSet::new();
    for server in servers {
        check_server(server, &mut keys, &mut domains)
            .map_err(|Problem(message)| Problem(format!("server {}: {message}", server.name)))?;
    }
    for pair in servers.windows(2) {
        let (before, after) = (pair[0].name.as_str(), pair[1].name.as_str());
        ensure(before != after, || format!("server {after} stands there twice"))?;
        ensure(before < after, || {
            format!("server {after} stands behind {before}: servers stand in the order of their names")
        })?;
    }
    Ok(())
}

fn check_server<'a>(
    server: &'a Server,
    keys: &mut HashSet<PublicKey>,
    domains: &mut HashSet<&'a str>,
) -> Checked {
    let is_small = |text: &str| !text.bytes().any(|byte| byte.is_ascii_uppercase());
    ensure(is_small(server.name.as_str()), || {
        "must be in small letters".to_owned()
    })?;
    check_text("organisation", &server.organisation)?;
    check_text("contact", &server.contact)?;
    ensure(server.mail_domains.len() <= MAX_DOMAINS, || {
        format!("{MAX_DOMAINS} mail domains are the most")
    })?;
    for domain in &server.mail_domains {
        ensure(is_domain(domain), || {
            format!("{domain:?} is no mail domain: small letters, digits, - and ., such as amt.example")
        })?;
        ensure(domains.insert(domain), || {
            format!("the mail domain {domain} stands there twice; it can belong to one server only")
        })?;
    }
    ensure((1..=MAX_KEYS).contains(&server.keys.len()), || {
        format!("must have 1 to {MAX_KEYS} signing keys")
    })?;
    let mut ids = HashSet::new();
    for key in &server.keys {
        let id = &key.id;
        ensure(id.algorithm() == SigningKeyAlgorithm::Ed25519, || {
            format!("key {id}: only Ed25519 keys are known, so its id begins with ed25519:")
        })?;
        ensure(ids.insert(id), || format!("key {id} stands there twice"))?;
        ensure(keys.insert(key.key), || {
            format!("key {id} stands there twice under other ids or servers; each server has keys of its own")
        })?;
        let has_time = key
            .not_before
            .zip(key.not_after)
            .is_none_or(|(start, end)| start < end);
        ensure(has_time, || format!("key {id} ends before it begins"))?;
    }
    Ok(())
}

/// Text that people are shown: there is some, it is short, and nothing in it can make it look like something else.
fn check_text(what: &str, text: &str) -> Checked {
    let misleads = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let is_good = !text.is_empty()
        && text.trim() == text
        && text.len() <= MAX_TEXT_BYTES
        && !text.chars().any(misleads);
    ensure(is_good, || {
        format!(
            "{what} must be 1 to {MAX_TEXT_BYTES} bytes of text, without line breaks and spaces around it"
        )
    })
}

fn is_roster_id(id: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
}

/// Whether this is a domain of mail addresses in its one spelling: small letters, digits and `-` between points.
#[must_use]
pub fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}
