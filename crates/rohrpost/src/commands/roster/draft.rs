//! The roster into which a change goes: one that nobody has signed yet is changed as it is; to one that was signed, the
//! next is begun beside it.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use rohrpost_trust::{
    moment::{later, utc},
    roster::{Document, Roster, Server},
};
use ruma::{MilliSecondsSinceUnixEpoch, ServerName, UInt};

use super::{files, words};
use crate::{commands::say, system};

/// Which roster is changed.
#[derive(Args)]
pub(super) struct Place {
    /// The roster: the last one that was signed, or one that is being prepared
    roster: PathBuf,
    /// For how many days the roster counts from now on; as long as the one before, if not said
    #[arg(long, value_name = "DAYS")]
    days: Option<u64>,
}

/// A roster that is being prepared.
pub(super) struct Draft {
    path: PathBuf,
    is_there: bool,
    pub(super) now: MilliSecondsSinceUnixEpoch,
    pub(super) roster: Roster,
}

impl Draft {
    pub(super) fn open(place: Place) -> anyhow::Result<Self> {
        let now = system::ports().clock.now();
        let document = files::read(&place.roster)?;
        let mut roster = document.roster()?;
        let lifetime = match place.days {
            Some(days) => words::days_ms(days)?,
            None => u64::from(roster.not_after.get()).saturating_sub(roster.not_before.get().into()),
        };
        if document.signatures().is_empty() {
            if place.days.is_some() {
                roster.not_after = later(roster.not_before, lifetime);
            }
            return Ok(Self {
                path: place.roster,
                is_there: true,
                now,
                roster,
            });
        }
        let Some(seq) = UInt::new(u64::from(roster.seq).saturating_add(1)) else {
            bail!("no number follows {}", roster.seq);
        };
        roster.seq = seq;
        roster.prev_hash = Some(document.hash());
        roster.not_before = now;
        roster.not_after = later(now, lifetime);
        let path = place.roster.with_file_name(format!("roster-{seq}.json"));
        if path.exists() {
            bail!(
                "{} was begun already: change that one, or move it away",
                path.display()
            );
        }
        Ok(Self {
            path,
            is_there: false,
            now,
            roster,
        })
    }

    /// A server of the roster.
    pub(super) fn server(&mut self, name: &ServerName) -> anyhow::Result<&mut Server> {
        let title = words::title(&self.roster);
        match self.roster.servers.iter_mut().find(|server| server.name == name) {
            Some(server) => Ok(server),
            None => bail!("{name} isn't in {title}; `rohrpost roster show` lists all of them"),
        }
    }

    /// Writes it, and says what was done and what comes next.
    pub(super) fn save(mut self, done: &str) -> anyhow::Result<()> {
        self.roster
            .servers
            .sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
        let document = Document::draft(&self.roster)?;
        if self.is_there {
            files::replace_roster(&self.path, &document)?;
        } else {
            files::create_roster(&self.path, &document)?;
        }
        say(done)?;
        say(&format!(
            "{}: {}, from {} until {}",
            self.path.display(),
            words::title(&self.roster),
            utc(self.roster.not_before),
            utc(self.roster.not_after)
        ))?;
        say(&format!(
            "next: {} of its signers look at it with `rohrpost roster show` and sign it with `rohrpost roster sign`",
            self.roster.signers.threshold
        ))?;
        Ok(())
    }
}
