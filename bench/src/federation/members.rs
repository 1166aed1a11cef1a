//! Rooms with many members, all of one server.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use http::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::Place;
use crate::{http_client::Connection, people::segment};

/// Joins that are made at the same time.
const AT_ONCE: usize = 16;
const TOKEN: &str = "members-are-made-with-this-token";
/// Never used: the service has no address.
const UNUSED: &str = "nobody-is-told-with-this-token-x";

/// What lets us make members. Answers where it stands.
pub(super) fn write_registration(folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.join("members.yaml");
    let registration = format!(
        "id: members\nurl: null\nas_token: {TOKEN}\nhs_token: {UNUSED}\nsender_localpart: members\n\
         rate_limited: false\nnamespaces:\n  users:\n    - exclusive: true\n      regex: '@member-.*'\n"
    );
    std::fs::write(&path, registration)?;
    Ok(path)
}

/// The members that there are so far.
pub(super) struct Members {
    address: SocketAddr,
    server: String,
    made: usize,
}

impl Members {
    pub(super) fn new(host: &Place) -> anyhow::Result<Self> {
        Ok(Self {
            address: host.server.address,
            server: host.name.clone(),
            made: 0,
        })
    }

    /// A public room with so many members.
    pub(super) async fn room(&mut self, size: usize) -> anyhow::Result<String> {
        let mut service = self.connect().await?;
        let body = json!({ "preset": "public_chat", "name": "Large" });
        let room = service
            .json(Method::POST, "/_matrix/client/v3/createRoom", &body)
            .await?;
        let room = room["room_id"]
            .as_str()
            .context("createRoom answers no room_id")?
            .to_owned();
        // The service is in it too.
        let names: Vec<usize> = (0..size - 1).collect();
        let names: Vec<Arc<[usize]>> = names
            .chunks(names.len().div_ceil(AT_ONCE).max(1))
            .map(Arc::from)
            .collect();
        let mut joining = JoinSet::new();
        for names in names {
            let mut connection = self.connect().await?;
            let (room, server, made) = (room.clone(), self.server.clone(), self.made);
            joining.spawn(async move {
                for number in &*names {
                    let name = format!("member-{number:05}");
                    if *number >= made {
                        let body = json!({
                            "type": "m.login.application_service", "username": name, "inhibit_login": true,
                        });
                        connection
                            .json(Method::POST, "/_matrix/client/v3/register", &body)
                            .await?;
                    }
                    let path = format!(
                        "/_matrix/client/v3/join/{}?user_id={}",
                        segment(&room),
                        segment(&format!("@{name}:{server}"))
                    );
                    connection.json(Method::POST, &path, &json!({})).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(joined) = joining.join_next().await {
            joined??;
        }
        self.made = self.made.max(size - 1);
        Ok(room)
    }

    async fn connect(&self) -> anyhow::Result<Connection> {
        let mut connection = Connection::open(self.address).await?;
        connection.token = Some(TOKEN.to_owned());
        Ok(connection)
    }
}
