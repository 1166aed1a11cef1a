//! People and rooms to measure with.

use std::net::SocketAddr;

use anyhow::Context as _;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::http_client::Connection;

/// Accounts that are made at the same time.
const AT_ONCE: usize = 8;

/// A person with an account, signed in.
pub(crate) struct Person {
    pub(crate) user_id: String,
    pub(crate) token: String,
}

impl Person {
    /// A new connection of this person's client.
    pub(crate) async fn connect(&self, address: SocketAddr) -> anyhow::Result<Connection> {
        let mut connection = Connection::open(address).await?;
        connection.token = Some(self.token.clone());
        Ok(connection)
    }
}

/// Makes accounts. Names differ from those of other runs on the same database.
pub(crate) async fn register(address: SocketAddr, count: usize) -> anyhow::Result<Vec<Person>> {
    let run = std::process::id();
    let mut waiting = JoinSet::new();
    let mut people = Vec::with_capacity(count);
    for number in 0..count {
        // Passwords are hashed, which takes time and memory: a few at once.
        if waiting.len() >= AT_ONCE
            && let Some(done) = waiting.join_next().await
        {
            people.push(done??);
        }
        waiting.spawn(async move {
            let person = register_one(address, &format!("p{run}-{number:03}")).await;
            person.map(|person| (number, person))
        });
    }
    while let Some(done) = waiting.join_next().await {
        people.push(done??);
    }
    people.sort_unstable_by_key(|(number, _)| *number);
    Ok(people.into_iter().map(|(_, person)| person).collect())
}

async fn register_one(address: SocketAddr, name: &str) -> anyhow::Result<Person> {
    let path = "/_matrix/client/v3/register";
    let mut connection = Connection::open(address).await?;
    let body =
        |auth: Value| json!({ "username": name, "password": "correct horse battery staple", "auth": auth });
    let first = body(json!({ "type": "m.login.dummy" })).to_string();
    let (status, answer) = connection.ask(Method::POST, path, first).await?;
    let mut answer: Value = serde_json::from_slice(&answer)?;
    if status == 401 {
        let auth = json!({ "type": "m.login.dummy", "session": answer["session"] });
        answer = connection.json(Method::POST, path, &body(auth)).await?;
    }
    let text = |key: &str| {
        answer[key]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("can't register: {answer}"))
    };
    Ok(Person {
        user_id: text("user_id")?,
        token: text("access_token")?,
    })
}

/// Makes a room of these people, the first of whom creates it; answers its id.
pub(crate) async fn room(address: SocketAddr, people: &[&Person]) -> anyhow::Result<String> {
    let [creator, others @ ..] = people else {
        anyhow::bail!("a room needs somebody")
    };
    let invite: Vec<&str> = others.iter().map(|person| person.user_id.as_str()).collect();
    let body = json!({ "preset": "private_chat", "name": "Measured", "invite": invite });
    let mut connection = creator.connect(address).await?;
    let answer = connection
        .json(Method::POST, "/_matrix/client/v3/createRoom", &body)
        .await?;
    let room_id = answer["room_id"]
        .as_str()
        .context("createRoom answers no room_id")?
        .to_owned();
    for person in others {
        let path = format!("/_matrix/client/v3/rooms/{}/join", segment(&room_id));
        person
            .connect(address)
            .await?
            .json(Method::POST, &path, &json!({}))
            .await?;
    }
    Ok(room_id)
}

/// Text as a segment of a path or a value of a query.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
