//! Three authorities on one computer: a ministry, a state office and a town, each with a server, people and a certificate
//! of its own, in a closed federation with a signed roster.
//!
//! Everything is done as operators do it, with the real program and its commands; nothing here is part of the server. What
//! differs from an installation: all servers read the roster from one file, the keys of its signers have no passphrase, and
//! people reach their server without TLS, on this computer only.
//!
//! Start reading at [`Demo::start`].

mod certificates;
mod http;
mod people;
mod program;
mod roster;
mod server;

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use anyhow::{Context as _, bail};

pub use self::people::Person;
use self::{
    certificates::Authority,
    program::Program,
    server::{Place, Server},
};

/// Which ports are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// The same each time, as far as they are free.
    Usual,
    /// Any.
    Free,
}

/// An authority of the demonstration.
pub struct Office {
    /// Its name for people.
    pub title: &'static str,
    /// The host of its server, as browsers and the server resolve it: this computer.
    pub host: &'static str,
    /// Names and display names of its people.
    pub people: [(&'static str, &'static str); 2],
    /// Ports for people and for other servers.
    ports: [u16; 2],
}

/// The authorities.
pub const OFFICES: [Office; 3] = [
    Office {
        title: "Ministerium",
        host: "ministerium.localhost",
        people: [("anna.berger", "Anna Berger"), ("jonas.keller", "Jonas Keller")],
        ports: [8011, 8411],
    },
    Office {
        title: "Landesamt",
        host: "land.localhost",
        people: [("mira.vogt", "Mira Vogt"), ("paul.lindner", "Paul Lindner")],
        ports: [8012, 8412],
    },
    Office {
        title: "Stadt",
        host: "stadt.localhost",
        people: [("eva.sommer", "Eva Sommer"), ("tim.hartmann", "Tim Hartmann")],
        ports: [8013, 8413],
    },
];

/// The room that all of them are in.
pub const ROOM: &str = "Hochwasserlage";

/// A federation that is running. Ends with this value at the latest.
pub struct Demo {
    /// The servers, in the order of [`OFFICES`].
    servers: Vec<Server>,
    /// Everybody who has an account, and their password.
    pub people: Vec<Person>,
}

impl Demo {
    /// Makes the federation in a new folder and starts it. `say` is told what is being done.
    ///
    /// # Errors
    /// In words for whoever looks on. Everything that was started has ended then.
    pub fn start(
        program: &Path,
        folder: &Path,
        ports: Ports,
        say: &mut dyn FnMut(&str),
    ) -> anyhow::Result<Self> {
        let folder = make(folder)?;
        let program = Program::new(program)?;
        say("making certificates, of an authority of their own");
        let authority = Authority::new(&folder)?;
        say("founding the federation: three signers, of whom two have to sign its roster");
        let signers = roster::found(&program, &folder)?;
        let mut places = Vec::new();
        for office in &OFFICES {
            let place = Place::make(&folder, office, ports)?;
            authority.certify(office.host, &place.folder)?;
            place.configure(&folder, &signers)?;
            places.push(place);
        }
        say("making accounts");
        let people = people::make(&program, &places)?;
        say("starting the servers");
        let mut servers = Vec::new();
        for place in places {
            servers.push(Server::start(&program, place)?);
        }
        say("adding the servers and their keys to the roster, signing and publishing it");
        roster::publish(&program, &folder, &servers)?;
        for server in &servers {
            server.hang_up()?;
        }
        for server in &servers {
            server.until_logged("the federation is open")?;
        }
        let demo = Self { servers, people };
        say("introducing everybody to each other");
        people::introduce(&demo.servers, &demo.people)?;
        Ok(demo)
    }

    /// Where people open the web client of an office.
    #[must_use]
    pub fn url(&self, office: usize) -> Option<String> {
        Some(self.servers.get(office)?.place.public_url())
    }

    /// A request to the server of an office, with an access token or an empty one; answers status and JSON.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn ask(
        &self,
        office: usize,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&serde_json::Value>,
    ) -> anyhow::Result<(u16, serde_json::Value)> {
        let server = self.servers.get(office).context("there is no such office")?;
        http::ask(server.place.client, method, path, token, body)
    }

    /// Signs somebody in; answers the access token.
    ///
    /// # Errors
    /// When the server doesn't take the password.
    pub fn sign_in(&self, person: &Person) -> anyhow::Result<String> {
        people::sign_in(&self.servers, person)
    }

    /// What is to be known, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut lines = Vec::new();
        for (at, (office, server)) in OFFICES.iter().zip(&self.servers).enumerate() {
            lines.push(format!("  {:<12} {}", office.title, server.place.public_url()));
            for person in self.people.iter().filter(|person| person.office == at) {
                lines.push(format!("    {:<14} {}", person.name, person.user_id));
            }
        }
        if let Some(person) = self.people.first() {
            lines.push(format!("\n  password of everybody: {}", person.password));
        }
        lines.join("\n")
    }

    /// Fails as soon as a server has ended by itself.
    ///
    /// # Errors
    /// Which one it was.
    pub fn check(&mut self) -> anyhow::Result<()> {
        self.servers.iter_mut().try_for_each(Server::check)
    }

    /// Ends everything in order.
    ///
    /// # Errors
    /// When a server didn't end as it should.
    pub fn stop(mut self) -> anyhow::Result<()> {
        for server in &self.servers {
            server.terminate()?;
        }
        self.servers.iter_mut().try_for_each(Server::end)
    }
}

/// A new folder, closed to others: keys and messages will be in there.
fn make(folder: &Path) -> anyhow::Result<std::path::PathBuf> {
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!(
            "{} is not empty: name another folder, or remove it",
            folder.display()
        );
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("can't make {}", folder.display()))?;
    folder
        .canonicalize()
        .with_context(|| format!("can't find {}", folder.display()))
}
