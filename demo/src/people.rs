//! The people of the three authorities: their accounts, their names, the room that they share.

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::{
    OFFICES, ROOM,
    http::{self, escape},
    program::Program,
    server::{Place, Server},
};

/// Somebody with an account.
pub struct Person {
    /// Their office, by its place in [`OFFICES`].
    pub office: usize,
    /// Their id.
    pub user_id: String,
    /// Their name.
    pub name: &'static str,
    /// Their password: the same for all, for a demonstration.
    pub password: String,
}

/// Makes the accounts. The program makes a password up for the first, and the others get the same.
pub(crate) fn make(program: &Program, places: &[Place]) -> anyhow::Result<Vec<Person>> {
    let mut people = Vec::new();
    let mut password: Option<String> = None;
    for (office, (about, place)) in OFFICES.iter().zip(places).enumerate() {
        let config = place.config();
        let config = config.to_str().context("the folder's name is no text")?;
        for (localpart, name) in about.people {
            let add = ["user", "add", localpart, "--config", config];
            let chosen = match &password {
                Some(password) => {
                    let arguments = [&add[..], &["--password-stdin"]].concat();
                    program.run(&place.folder, &arguments, password)?;
                    password.clone()
                }
                None => {
                    let said = program.run(&place.folder, &add, "")?;
                    let chosen = said.lines().find_map(|line| line.strip_prefix("password: "));
                    chosen.context("no password was made up")?.to_owned()
                }
            };
            password = Some(chosen.clone());
            people.push(Person {
                office,
                user_id: format!("@{localpart}:{}", place.name()),
                name,
                password: chosen,
            });
        }
    }
    Ok(people)
}

pub(crate) fn sign_in(servers: &[Server], person: &Person) -> anyhow::Result<String> {
    let body = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": person.user_id },
        "password": person.password,
        "initial_device_display_name": "Demo",
    });
    let answer = good(servers, person, "POST", "/_matrix/client/v3/login", "", &body)?;
    let token = answer["access_token"].as_str();
    Ok(token.context("a sign-in without a token")?.to_owned())
}

/// Gives everybody their name, and brings all of them into one room. Whoever did that is signed out again.
pub(crate) fn introduce(servers: &[Server], people: &[Person]) -> anyhow::Result<()> {
    let mut tokens = Vec::new();
    for person in people {
        let token = sign_in(servers, person)?;
        let path = format!(
            "/_matrix/client/v3/profile/{}/displayname",
            escape(&person.user_id)
        );
        good(
            servers,
            person,
            "PUT",
            &path,
            &token,
            &json!({ "displayname": person.name }),
        )?;
        tokens.push((person, token));
    }
    let Some(((host, host_token), guests)) = tokens.split_first() else {
        return Ok(());
    };
    let invited: Vec<&str> = guests.iter().map(|(person, _)| &*person.user_id).collect();
    let body = json!({ "name": ROOM, "preset": "private_chat", "invite": invited });
    let made = good(
        servers,
        host,
        "POST",
        "/_matrix/client/v3/createRoom",
        host_token,
        &body,
    )?;
    let room = made["room_id"].as_str().context("a room without an id")?;
    for (person, token) in guests {
        let path = format!("/_matrix/client/v3/join/{}", escape(room));
        good(servers, person, "POST", &path, token, &json!({}))?;
    }
    for (person, token) in &tokens {
        good(
            servers,
            person,
            "POST",
            "/_matrix/client/v3/logout",
            token,
            &json!({}),
        )?;
    }
    Ok(())
}

/// A request to the server of a person that has to be granted.
fn good(
    servers: &[Server],
    person: &Person,
    method: &str,
    path: &str,
    token: &str,
    body: &Value,
) -> anyhow::Result<Value> {
    let server = servers.get(person.office).context("a person without a server")?;
    let (status, answer) = http::ask(server.place.client, method, path, token, Some(body))?;
    if status != 200 {
        bail!(
            "{method} {path} at {} was answered with {status}: {answer}",
            server.place.name()
        );
    }
    Ok(answer)
}
