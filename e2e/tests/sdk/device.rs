//! One client of one person, syncing in the background.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use matrix_sdk::config::{RequestConfig, SyncSettings};
use matrix_sdk::encryption::{BackupDownloadStrategy, EncryptionSettings};
use matrix_sdk::room::MessagesOptions;
use matrix_sdk::ruma::api::client::account::register;
use matrix_sdk::ruma::api::client::filter::FilterDefinition;
use matrix_sdk::ruma::api::client::room::create_room;
use matrix_sdk::ruma::api::client::sync::sync_events::v3::Filter;
use matrix_sdk::ruma::api::client::uiaa::{AuthData, Dummy};
use matrix_sdk::ruma::api::error::ErrorKind;
use matrix_sdk::ruma::events::room::message::RoomMessageEventContent;
use matrix_sdk::ruma::{DeviceId, OwnedEventId, RoomId, UserId, assign};
use matrix_sdk::{Client, ClientBuilder, Error, HttpError, Room, RoomState};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::lab::{Troubles, eventually};
use crate::timeline::{Readable, Seen, Shown};

/// Short enough that a missed wake-up shows as a slow test and not as a failed one.
const SYNC_WAITS: Duration = Duration::from_secs(10);

/// How long a device waits after a failed sync.
const SYNC_PAUSE: Duration = Duration::from_millis(100);

/// A client with the library's memory store, gone with this value.
pub(crate) struct Device {
    pub(crate) client: Client,
    shown: Shown,
    troubles: Troubles,
    filter: Option<FilterDefinition>,
    syncing: JoinHandle<()>,
}

impl Device {
    /// Makes an account and uses its first device.
    pub(crate) async fn register(url: &str, name: &str, troubles: Troubles) -> anyhow::Result<Self> {
        let client = client(url).await?;
        let mut request = assign!(register::v3::Request::new(), {
            username: Some(name.to_owned()),
            password: Some(password(name)),
            initial_device_display_name: Some("first".to_owned()),
        });
        let Err(error) = client.matrix_auth().register(request.clone()).await else {
            bail!("an account was made without any authentication");
        };
        let Some(asked) = error.as_uiaa_response() else {
            return Err(error).context("the server doesn't say how to register");
        };
        request.auth = Some(AuthData::Dummy(
            assign!(Dummy::new(), { session: asked.session.clone() }),
        ));
        client
            .matrix_auth()
            .register(request)
            .await
            .context("can't register")?;
        Self::set_up(client, None, troubles).await
    }

    /// Logs in at a new device, which is of another sort: it knows how to refresh tokens, and asks for members only when
    /// it needs them.
    pub(crate) async fn log_in(url: &str, name: &str, troubles: Troubles) -> anyhow::Result<Self> {
        let client = client(url).await?;
        client
            .matrix_auth()
            .login_username(name, &password(name))
            .initial_device_display_name("another")
            .request_refresh_token()
            .send()
            .await
            .context("can't log in")?;
        Self::set_up(client, Some(FilterDefinition::with_lazy_loading()), troubles).await
    }

    async fn set_up(
        client: Client,
        filter: Option<FilterDefinition>,
        troubles: Troubles,
    ) -> anyhow::Result<Self> {
        client.encryption().wait_for_e2ee_initialization_tasks().await;
        let shown = Shown::default();
        // Uploads the device's keys too.
        let answer = client
            .sync_once(settings(filter.as_ref()).timeout(Duration::ZERO))
            .await;
        shown.add(&answer.context("the first /sync failed")?)?;
        let syncing = tokio::spawn(sync(
            client.clone(),
            filter.clone(),
            shown.clone(),
            troubles.clone(),
        ));
        Ok(Self {
            client,
            shown,
            troubles,
            filter,
            syncing,
        })
    }

    /// Goes offline.
    pub(crate) async fn pause(&mut self) {
        self.syncing.abort();
        // An error says that it was aborted.
        let _aborted = (&mut self.syncing).await;
    }

    /// Goes online again, from where it was.
    pub(crate) fn resume(&mut self) {
        self.syncing = tokio::spawn(sync(
            self.client.clone(),
            self.filter.clone(),
            self.shown.clone(),
            self.troubles.clone(),
        ));
    }

    pub(crate) fn user_id(&self) -> &UserId {
        self.client.user_id().expect("every device is logged in")
    }

    pub(crate) fn device_id(&self) -> &DeviceId {
        self.client.device_id().expect("every device is logged in")
    }

    /// Makes a room without a word about encryption, invites the others and waits until they have joined.
    pub(crate) async fn room_with(&self, others: &[&Self]) -> anyhow::Result<Room> {
        let request = assign!(create_room::v3::Request::new(), {
            preset: Some(create_room::v3::RoomPreset::PrivateChat),
            invite: others.iter().map(|other| other.user_id().to_owned()).collect(),
        });
        let room = self
            .client
            .create_room(request)
            .await
            .context("can't create a room")?;
        for other in others {
            other.accept(room.room_id()).await?;
        }
        eventually("everybody has joined", async || {
            let joined = room.joined_members_count();
            Ok((joined > others.len() as u64).then_some(()))
        })
        .await?;
        Ok(room)
    }

    /// Waits for an invitation and accepts it.
    pub(crate) async fn accept(&self, room: &RoomId) -> anyhow::Result<Room> {
        let invited = self.room(room, RoomState::Invited).await?;
        invited.join().await.context("can't join")?;
        self.room(room, RoomState::Joined).await
    }

    /// Waits until the device's `/sync` has shown that the person is in a room, or invited.
    pub(crate) async fn room(&self, room: &RoomId, state: RoomState) -> anyhow::Result<Room> {
        eventually(&format!("the room is {state:?}"), async || {
            let room = self.client.get_room(room);
            Ok(room.filter(|room| room.state() == state))
        })
        .await
    }

    /// Sends a text, encrypted, because the room says so.
    pub(crate) async fn say(&self, room: &RoomId, text: &str) -> anyhow::Result<OwnedEventId> {
        let room = self
            .client
            .get_room(room)
            .context("the device doesn't know the room")?;
        let sent = room.send(RoomMessageEventContent::text_plain(text)).await;
        let sent = sent.with_context(|| format!("can't send {text:?}"))?;
        ensure!(sent.encryption_info.is_some(), "{text:?} went out unencrypted");
        Ok(sent.response.event_id)
    }

    /// Waits until `/sync` brings a text, encrypted and readable.
    pub(crate) async fn reads(&self, room: &RoomId, text: &str) -> anyhow::Result<Seen> {
        self.sees(
            room,
            &format!(
                "{} reads {text:?}",
                self.client.user_id().map_or("", |user| user.as_str())
            ),
            |seen| seen.text() == Some(text),
        )
        .await
    }

    /// Waits until `/sync` brings an event of some kind.
    pub(crate) async fn sees(
        &self,
        room: &RoomId,
        what: &str,
        is_it: impl Fn(&Seen) -> bool,
    ) -> anyhow::Result<Seen> {
        let found = eventually(what, async || Ok(self.timeline(room).into_iter().find(&is_it))).await;
        if found.is_err() {
            for seen in self.timeline(room) {
                eprintln!(
                    "{} was shown {:?} {}",
                    self.device_id(),
                    seen.readable,
                    seen.event
                );
            }
        }
        found
    }

    /// Everything that `/sync` has brought of a room so far.
    pub(crate) fn timeline(&self, room: &RoomId) -> Vec<Seen> {
        self.shown.timeline(room)
    }

    /// Everything that `/sync` has brought for this device alone.
    pub(crate) fn to_device(&self) -> Vec<Value> {
        self.shown.to_device()
    }

    /// The last messages of a room, newest first, as `/messages` has them.
    pub(crate) async fn history(&self, room: &RoomId) -> anyhow::Result<Vec<Seen>> {
        let room = self
            .client
            .get_room(room)
            .context("the device doesn't know the room")?;
        let mut options = MessagesOptions::backward();
        options.limit = 100_u32.into();
        let messages = room.messages(options).await?;
        messages.chunk.iter().map(Seen::new).collect()
    }

    /// The messages of a room that this device can't read.
    pub(crate) async fn unreadable(&self, room: &RoomId) -> anyhow::Result<Vec<Seen>> {
        let mut history = self.history(room).await?;
        history.retain(|seen| seen.readable == Readable::No);
        Ok(history)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.syncing.abort();
    }
}

/// The password of every person.
pub(crate) fn password(name: &str) -> String {
    format!("the long password of {name}")
}

/// A client that shows every failure of the server instead of trying again.
pub(crate) async fn client(url: &str) -> anyhow::Result<Client> {
    Ok(builder(url).build().await?)
}

/// The same, for devices that want more.
pub(crate) fn builder(url: &str) -> ClientBuilder {
    let encryption = EncryptionSettings {
        auto_enable_cross_signing: true,
        auto_enable_backups: false,
        backup_download_strategy: BackupDownloadStrategy::Manual,
    };
    Client::builder()
        .homeserver_url(url)
        .request_config(RequestConfig::new().disable_retry())
        .with_encryption_settings(encryption)
        .with_enable_share_history_on_invite(true)
}

fn settings(filter: Option<&FilterDefinition>) -> SyncSettings {
    let settings = SyncSettings::new().timeout(SYNC_WAITS);
    match filter {
        Some(filter) => settings.filter(Filter::FilterDefinition(filter.clone())),
        None => settings,
    }
}

async fn sync(client: Client, filter: Option<FilterDefinition>, shown: Shown, troubles: Troubles) {
    loop {
        match client.sync_once(settings(filter.as_ref())).await {
            Ok(answer) => {
                if let Err(error) = shown.add(&answer) {
                    troubles.add(format!("an event of /sync makes no sense: {error}"));
                }
            }
            // Logged out, or removed by another device.
            Err(error) if matches!(error.client_api_error_kind(), Some(ErrorKind::UnknownToken(_))) => return,
            Err(error) => {
                // Without a server there is no answer; what it answers must make sense.
                if matches!(error, Error::Http(ref http) if !matches!(**http, HttpError::Reqwest(_))) {
                    troubles.add(format!("/sync failed: {error:?}"));
                }
                tokio::time::sleep(SYNC_PAUSE).await;
            }
        }
    }
}
