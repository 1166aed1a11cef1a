//! `rohrpost user`: looks after accounts, whether or not the server is running.

use std::{
    io::{self, Read as _},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use rohrpost_config::Config;
use rohrpost_core::{
    Server,
    accounts::{
        add::{AddUser, add},
        deactivate::{Traces, deactivate_other},
        list::list,
        password::{MAX_PASSWORD_BYTES, Password},
        reset_password::reset_password,
    },
    notices,
};
use ruma::{OwnedUserId, UserId};

use crate::{commands::say, system, wire_up};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make an account and print a password for it
    Add {
        /// The name, such as anna.schmidt
        name: String,
        /// May administer the server
        #[arg(long)]
        admin: bool,
        /// Take the password from standard input instead of making one up
        #[arg(long)]
        password_stdin: bool,
    },
    /// List all accounts
    List,
    /// Give an account a new password and sign it out everywhere
    ResetPassword {
        /// The name
        name: String,
        /// Take the password from standard input instead of making one up
        #[arg(long)]
        password_stdin: bool,
    },
    /// Send somebody a notice of the server
    Notice {
        /// The name
        name: String,
        /// What to say
        text: String,
    },
    /// Close an account for good
    Deactivate {
        /// The name
        name: String,
        /// Remove name and picture, too
        #[arg(long)]
        erase: bool,
    },
}

pub(crate) async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    let server = wire_up::server(config).await?;
    let done = answer(command, &server).await;
    server.store.close().await;
    done?;
    Ok(ExitCode::SUCCESS)
}

async fn answer(command: Command, server: &Arc<Server>) -> anyhow::Result<()> {
    match command {
        Command::Add {
            name,
            admin,
            password_stdin,
        } => {
            let chosen = Chosen::choose(server, password_stdin)?;
            let new = AddUser {
                username: name,
                password: Some(chosen.password()),
                administrator: admin,
                device: None,
            };
            let made = add(server, new).await?;
            say(&format!("made {}", made.user_id))?;
            chosen.show()?;
        }
        Command::List => print_all(server).await?,
        Command::ResetPassword { name, password_stdin } => {
            let user_id = user_id(server, &name)?;
            let chosen = Chosen::choose(server, password_stdin)?;
            reset_password(server, user_id.clone(), &chosen.password()).await?;
            say(&format!(
                "{user_id} has a new password and is signed out everywhere"
            ))?;
            chosen.show()?;
        }
        Command::Notice { name, text } => {
            let user_id = user_id(server, &name)?;
            notices::send(server, user_id.clone(), text).await?;
            say(&format!("{user_id} has a notice"))?;
        }
        Command::Deactivate { name, erase } => {
            let user_id = user_id(server, &name)?;
            let traces = if erase { Traces::Erase } else { Traces::Keep };
            deactivate_other(server, user_id.clone(), traces).await?;
            say(&format!("{user_id} is closed"))?;
        }
    }
    Ok(())
}

async fn print_all(server: &Arc<Server>) -> anyhow::Result<()> {
    let mut after = String::new();
    loop {
        let page = list(server, &after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.user_id.to_string();
        for user in page {
            let role = if user.administrator { "\tadministrator" } else { "" };
            let state = if user.is_deactivated { "\tclosed" } else { "" };
            say(&format!("{}{role}{state}", user.user_id))?;
        }
    }
}

/// `anna` and `@anna:behoerde.example` are the same.
fn user_id(server: &Server, name: &str) -> anyhow::Result<OwnedUserId> {
    let user_id = UserId::parse_with_server_name(name, server.name())
        .with_context(|| format!("{name} is not a name of an account"))?;
    if !server.is_local(&user_id) {
        bail!("{user_id} is not an account of {}", server.name());
    }
    Ok(user_id)
}

/// A password, and whether somebody has to be told.
struct Chosen {
    text: String,
    is_ours: bool,
}

impl Chosen {
    fn choose(server: &Server, from_stdin: bool) -> anyhow::Result<Self> {
        if !from_stdin {
            return Ok(Self {
                text: make_up(server.settings.password_min_length),
                is_ours: true,
            });
        }
        let mut text = String::new();
        let limit = MAX_PASSWORD_BYTES as u64 + 3;
        io::stdin()
            .take(limit)
            .read_to_string(&mut text)
            .context("can't read the password from standard input")?;
        Ok(Self {
            text: text.trim_end_matches(['\r', '\n']).to_owned(),
            is_ours: false,
        })
    }

    fn password(&self) -> Password {
        Password::new(self.text.clone())
    }

    fn show(&self) -> io::Result<()> {
        if self.is_ours {
            say(&format!("password: {}", self.text))?;
        }
        Ok(())
    }
}

/// At least six groups of four letters and digits that can't be mistaken for each other: 120 bits.
fn make_up(min_length: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let groups = (min_length + 1).div_ceil(5).max(6);
    let mut bytes = vec![0; groups * 4];
    system::ports().rng.fill(&mut bytes);
    let group = |bytes: &[u8]| -> String {
        bytes
            .iter()
            .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
            .collect()
    };
    bytes.chunks(4).map(group).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::make_up;

    #[test]
    fn made_up_passwords_are_long_enough_for_any_policy() {
        assert_eq!(make_up(1).len(), 29);
        assert!(make_up(100).len() >= 100);
        assert_ne!(make_up(1), make_up(1));
    }
}
