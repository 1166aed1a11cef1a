//! Somebody with an account, who uses the client-server API as it is written.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use matrix_sdk::reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::device::password;
use crate::lab::eventually;

/// An account and its access token.
pub(crate) struct Person {
    http: Client,
    url: String,
    token: String,
    /// What the last sync went up to.
    since: Mutex<Option<String>>,
    pub(crate) id: String,
}

/// One path segment.
pub(crate) fn segment(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    escaped.collect()
}

/// The text of a message.
pub(crate) fn body(event: &Value) -> Option<&str> {
    event["content"]["body"].as_str()
}

impl Person {
    pub(crate) async fn register(url: &str, name: &str) -> anyhow::Result<Self> {
        let http = Client::builder().timeout(Duration::from_secs(120)).build()?;
        let mut person = Self {
            http,
            url: url.to_owned(),
            token: String::new(),
            since: Mutex::default(),
            id: String::new(),
        };
        let mut request = json!({ "username": name, "password": password(name) });
        let (_, asked) = person
            .ask(Method::POST, "v3/register", Some(request.clone()))
            .await?;
        request["auth"] = json!({ "type": "m.login.dummy", "session": asked["session"] });
        let account = person.post("v3/register", request).await?;
        person.token = text(&account, "access_token")?;
        person.id = text(&account, "user_id")?;
        Ok(person)
    }

    /// A request to the client-server API; the path begins behind `/_matrix/client/`.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let url = format!("{}/_matrix/client/{path}", self.url);
        let mut request = self.http.request(method, &url);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request
            .send()
            .await
            .with_context(|| format!("no answer to {path}"))?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        let body = serde_json::from_slice(&bytes).with_context(|| {
            format!(
                "{path} was answered {status} with {:?}",
                String::from_utf8_lossy(&bytes)
            )
        })?;
        Ok((status, body))
    }

    async fn must(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let (status, answer) = self.ask(method, path, body).await?;
        ensure!(
            status.is_success(),
            "{} asks {path} and gets {status} {answer}",
            self.id
        );
        Ok(answer)
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.must(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.must(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.must(Method::PUT, path, Some(body)).await
    }

    /// Demands that something is refused; answers the errcode.
    pub(crate) async fn refused(&self, method: Method, path: &str, body: Value) -> anyhow::Result<String> {
        let (status, answer) = self.ask(method, path, Some(body)).await?;
        ensure!(
            status.is_client_error(),
            "{path} was not refused: {status} {answer}"
        );
        text(&answer, "errcode")
    }

    pub(crate) async fn create_room(&self, request: Value) -> anyhow::Result<String> {
        text(&self.post("v3/createRoom", request).await?, "room_id")
    }

    /// A room that everybody may enter, under an alias. Answers its id and the alias.
    pub(crate) async fn public_room(&self, alias: &str) -> anyhow::Result<(String, String)> {
        let room = self
            .create_room(json!({
                "preset": "public_chat", "room_alias_name": alias, "name": alias, "visibility": "public",
            }))
            .await?;
        let (_, server) = self.id.split_once(':').context("a user id has a server")?;
        Ok((room, format!("#{alias}:{server}")))
    }

    /// Asks for something in a room.
    pub(crate) async fn act(&self, room: &str, what: &str, request: Value) -> anyhow::Result<Value> {
        self.post(&format!("v3/rooms/{}/{what}", segment(room)), request)
            .await
    }

    pub(crate) async fn join(&self, room: &str, via: &[&str]) -> anyhow::Result<()> {
        let via: Vec<String> = via
            .iter()
            .flat_map(|via| {
                [
                    format!("via={}", segment(via)),
                    format!("server_name={}", segment(via)),
                ]
            })
            .collect();
        let path = format!("v3/join/{}?{}", segment(room), via.join("&"));
        self.post(&path, json!({})).await?;
        Ok(())
    }

    pub(crate) async fn invite(&self, room: &str, whom: &Self) -> anyhow::Result<()> {
        self.act(room, "invite", json!({ "user_id": whom.id })).await?;
        Ok(())
    }

    /// Waits for an invitation to a room and accepts it.
    pub(crate) async fn accept(&self, room: &str) -> anyhow::Result<()> {
        self.is_invited(room).await?;
        self.act(room, "join", json!({})).await?;
        Ok(())
    }

    /// Waits for an invitation; answers what it shows of the room.
    pub(crate) async fn is_invited(&self, room: &str) -> anyhow::Result<Value> {
        eventually(&format!("{} is invited", self.id), async || {
            let invited = &self.sync().await?["rooms"]["invite"][room];
            Ok((!invited.is_null()).then(|| invited["invite_state"]["events"].clone()))
        })
        .await
    }

    /// What happened since this was called last. (Not everything each time: Synapse gives the same first answer for two
    /// minutes.)
    pub(crate) async fn sync(&self) -> anyhow::Result<Value> {
        let lock = || self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let since = lock().clone();
        let since = since.map_or_else(String::new, |since| format!("&since={}", segment(&since)));
        let answer = self.get(&format!("v3/sync?timeout=0{since}")).await?;
        *lock() = Some(text(&answer, "next_batch")?);
        Ok(answer)
    }

    /// Sends a text; answers the event's id.
    pub(crate) async fn say(&self, room: &str, message: &str) -> anyhow::Result<String> {
        let path = format!(
            "v3/rooms/{}/send/m.room.message/{}",
            segment(room),
            segment(message)
        );
        let sent = self
            .put(&path, json!({ "msgtype": "m.text", "body": message }))
            .await?;
        text(&sent, "event_id")
    }

    pub(crate) async fn set_state(
        &self,
        room: &str,
        kind: &str,
        state_key: &str,
        content: Value,
    ) -> anyhow::Result<String> {
        let path = format!(
            "v3/rooms/{}/state/{}/{}",
            segment(room),
            segment(kind),
            segment(state_key)
        );
        text(&self.put(&path, content).await?, "event_id")
    }

    /// The content of a part of the state, `None` where there is none.
    pub(crate) async fn state(
        &self,
        room: &str,
        kind: &str,
        state_key: &str,
    ) -> anyhow::Result<Option<Value>> {
        let path = format!(
            "v3/rooms/{}/state/{}/{}",
            segment(room),
            segment(kind),
            segment(state_key)
        );
        let (status, answer) = self.ask(Method::GET, &path, None).await?;
        Ok(status.is_success().then_some(answer))
    }

    /// Waits until a part of the state is as it should be.
    pub(crate) async fn state_is(
        &self,
        room: &str,
        (kind, state_key): (&str, &str),
        is_it: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<()> {
        let mut last = Value::Null;
        let found = eventually(&format!("{} sees {kind} of {state_key:?}", self.id), async || {
            let state = self.state(room, kind, state_key).await?;
            last = state.clone().unwrap_or_default();
            Ok(state.filter(&is_it))
        })
        .await;
        found.with_context(|| format!("it is {last}")).map(drop)
    }

    /// Waits until somebody has a membership.
    pub(crate) async fn sees_member(&self, room: &str, whom: &Self, membership: &str) -> anyhow::Result<()> {
        let member = ("m.room.member", whom.id.as_str());
        self.state_is(room, member, |content| content["membership"] == membership)
            .await
    }

    /// The newest events of a room, newest first.
    pub(crate) async fn newest(&self, room: &str) -> anyhow::Result<Vec<Value>> {
        let path = format!("v3/rooms/{}/messages?dir=b&limit=50", segment(room));
        let mut page = self.get(&path).await?;
        match page["chunk"].take() {
            Value::Array(events) => Ok(events),
            other => bail!("not a list of events: {other}"),
        }
    }

    /// The texts of a room's newest messages, oldest first.
    pub(crate) async fn texts(&self, room: &str) -> anyhow::Result<Vec<String>> {
        let newest = self.newest(room).await?;
        Ok(newest.iter().rev().filter_map(body).map(str::to_owned).collect())
    }

    /// Waits for an event of some kind.
    pub(crate) async fn sees(
        &self,
        room: &str,
        what: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let found = eventually(&format!("{} sees {what}", self.id), async || {
            Ok(self.newest(room).await?.into_iter().find(&is_it))
        })
        .await;
        match found {
            Ok(event) => Ok(event),
            Err(error) => Err(error.context(format!("seen: {:?}", self.newest(room).await?))),
        }
    }

    pub(crate) async fn reads(&self, room: &str, message: &str) -> anyhow::Result<Value> {
        self.sees(room, &format!("{message:?}"), |event| {
            body(event) == Some(message)
        })
        .await
    }

    /// All texts of a room from its beginning, page by page as people scroll.
    pub(crate) async fn whole_history(&self, room: &str) -> anyhow::Result<Vec<String>> {
        let mut texts = Vec::new();
        let mut from = String::new();
        for _ in 0..200 {
            let path = format!("v3/rooms/{}/messages?dir=b&limit=50{from}", segment(room));
            let page = self.get(&path).await?;
            let events = page["chunk"].as_array().context("no events")?;
            texts.extend(events.iter().filter_map(body).map(str::to_owned));
            if events.iter().any(|event| event["type"] == "m.room.create") {
                texts.reverse();
                return Ok(texts);
            }
            let end = page["end"]
                .as_str()
                .context("the history ends before its beginning")?;
            from = format!("&from={}", segment(end));
        }
        bail!("the history has no beginning")
    }

    /// Uploads a file; answers its address.
    pub(crate) async fn upload(&self, content: &[u8], kind: &str) -> anyhow::Result<String> {
        let url = format!("{}/_matrix/media/v3/upload?filename=akte.txt", self.url);
        let request = self
            .http
            .post(url)
            .bearer_auth(&self.token)
            .header("content-type", kind);
        let answer = request.body(content.to_vec()).send().await?.error_for_status()?;
        let answer: Value = serde_json::from_slice(&answer.bytes().await?)?;
        text(&answer, "content_uri")
    }

    /// Downloads a file by its address, from the own server.
    pub(crate) async fn download(&self, address: &str) -> anyhow::Result<(StatusCode, Vec<u8>)> {
        let place = address
            .strip_prefix("mxc://")
            .context("not an address of a file")?;
        let url = format!("{}/_matrix/client/v1/media/download/{place}", self.url);
        let answer = self.http.get(url).bearer_auth(&self.token).send().await?;
        Ok((answer.status(), answer.bytes().await?.to_vec()))
    }
}

/// A text that an answer must have.
pub(crate) fn text(answer: &Value, key: &str) -> anyhow::Result<String> {
    let text = answer[key].as_str();
    Ok(text.with_context(|| format!("no {key} in {answer}"))?.to_owned())
}
