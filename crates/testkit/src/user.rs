//! People who use a test server.

use std::sync::atomic::{AtomicU64, Ordering};

use rohrpost_core::settings::Registration;
use rohrpost_store::{Profile, StoreError, TokenKind, TokenRow, Tx, UserRow, UserState, Work};
use ruma::{DeviceId, OwnedDeviceId, OwnedUserId, UserId};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{TestServer, ask::enc};

/// The password of every test user who registered through the endpoint.
pub const PASSWORD: &str = "correct horse battery staple";

/// Somebody who is signed in.
#[derive(Clone)]
pub struct User {
    /// The server.
    pub server: TestServer,
    /// `@alice:test.example`
    pub id: OwnedUserId,
    /// The access token.
    pub token: String,
    /// The device.
    pub device: OwnedDeviceId,
}

impl User {
    /// `GET`; answers status and JSON.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.server.get(path, Some(&self.token)).await
    }

    /// `POST`; answers status and JSON.
    pub async fn post(&self, path: &str, json: Value) -> (u16, Value) {
        self.server.post(path, Some(&self.token), json).await
    }

    /// `PUT`; answers status and JSON.
    pub async fn put(&self, path: &str, json: Value) -> (u16, Value) {
        self.server.put(path, Some(&self.token), json).await
    }

    /// `DELETE`; answers status and JSON.
    pub async fn delete(&self, path: &str) -> (u16, Value) {
        self.server.delete(path, Some(&self.token)).await
    }

    /// Makes a room with the body of `createRoom`; answers its id.
    pub async fn create_room(&self, body: Value) -> String {
        let made = expect("a room", self.post("/_matrix/client/v3/createRoom", body).await);
        text(&made, "room_id")
    }

    /// Invites somebody.
    pub async fn invite(&self, room_id: &str, other: &Self) {
        let path = format!("/_matrix/client/v3/rooms/{}/invite", enc(room_id));
        expect(
            "an invitation",
            self.post(&path, json!({ "user_id": other.id })).await,
        );
    }

    /// Joins a room.
    pub async fn join(&self, room_id: &str) {
        let path = format!("/_matrix/client/v3/rooms/{}/join", enc(room_id));
        expect("joining", self.post(&path, json!({})).await);
    }

    /// Leaves a room.
    pub async fn leave(&self, room_id: &str) {
        let path = format!("/_matrix/client/v3/rooms/{}/leave", enc(room_id));
        expect("leaving", self.post(&path, json!({})).await);
    }

    /// Sends a text; answers the event's id.
    pub async fn send_text(&self, room_id: &str, body: &str) -> String {
        self.send(
            room_id,
            "m.room.message",
            json!({ "msgtype": "m.text", "body": body }),
        )
        .await
    }

    /// Sends a message event under a transaction id of its own; answers its id.
    pub async fn send(&self, room_id: &str, kind: &str, content: Value) -> String {
        static TXN: AtomicU64 = AtomicU64::new(0);
        let txn = TXN.fetch_add(1, Ordering::Relaxed);
        let path = format!(
            "/_matrix/client/v3/rooms/{}/send/{}/auto{txn}",
            enc(room_id),
            enc(kind)
        );
        text(&expect("a message", self.put(&path, content).await), "event_id")
    }

    /// Sets a state event; answers its id.
    pub async fn set_state(&self, room_id: &str, kind: &str, state_key: &str, content: Value) -> String {
        let path = format!(
            "/_matrix/client/v3/rooms/{}/state/{}/{}",
            enc(room_id),
            enc(kind),
            enc(state_key)
        );
        text(
            &expect("a state event", self.put(&path, content).await),
            "event_id",
        )
    }

    /// What is there since a token, without waiting; answers the whole sync.
    pub async fn sync(&self, since: Option<&str>) -> Value {
        self.sync_waiting(since, 0).await
    }

    /// The same, waiting for news up to so many milliseconds.
    pub async fn sync_waiting(&self, since: Option<&str>, timeout_ms: u64) -> Value {
        let since = since
            .map(|since| format!("&since={}", enc(since)))
            .unwrap_or_default();
        expect(
            "a sync",
            self.get(&format!("/_matrix/client/v3/sync?timeout={timeout_ms}{since}"))
                .await,
        )
    }

    /// Signs in on another device, with the password.
    pub async fn another_device(&self) -> Self {
        let body = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": self.id },
            "password": PASSWORD,
        });
        let body = expect(
            "signing in",
            self.server.post("/_matrix/client/v3/login", None, body).await,
        );
        Self {
            token: text(&body, "access_token"),
            device: text(&body, "device_id").into(),
            ..self.clone()
        }
    }
}

/// The JSON of an answer that must be good.
fn expect(what: &str, (status, json): (u16, Value)) -> Value {
    assert_eq!(status, 200, "{what} was refused: {json}");
    json
}

fn text(json: &Value, key: &str) -> String {
    json[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} is missing in {json}"))
        .to_owned()
}

pub(crate) async fn register(server: &TestServer, name: &str) -> User {
    if server.core().settings.registration != Registration::Open {
        return insert(server, name).await;
    }
    let body = |auth: Value| json!({ "username": name, "password": PASSWORD, "auth": auth });
    let path = "/_matrix/client/v3/register";
    let (status, mut answer) = server
        .post(path, None, body(json!({ "type": "m.login.dummy" })))
        .await;
    if status == 401 {
        let auth = json!({ "type": "m.login.dummy", "session": answer["session"] });
        answer = expect("registration", server.post(path, None, body(auth)).await);
    } else {
        assert_eq!(status, 200, "registration was refused: {answer}");
    }
    User {
        server: server.clone(),
        id: UserId::parse(text(&answer, "user_id")).expect("a user id"),
        token: text(&answer, "access_token"),
        device: text(&answer, "device_id").into(),
    }
}

pub(crate) async fn administrator(server: &TestServer, name: &str) -> User {
    let user = register(server, name).await;
    server
        .core()
        .store
        .write(MakeAdministrator(user.id.clone()))
        .await
        .expect("the store keeps it");
    user
}

/// Makes an account directly, without a password.
async fn insert(server: &TestServer, name: &str) -> User {
    let id = UserId::parse(format!("@{name}:{}", server.name())).expect("a user id");
    let device = OwnedDeviceId::from(format!("{}1", name.to_uppercase()));
    let token = format!("token_of_{name}");
    let core = server.core();
    let account = Account {
        id: id.clone(),
        device: device.clone(),
        token: token.clone(),
        now_ts: core.now_ts(),
    };
    assert!(
        core.store.write(account).await.expect("the store keeps it"),
        "{name} exists already"
    );
    User {
        server: server.clone(),
        id,
        token,
        device,
    }
}

struct Account {
    id: OwnedUserId,
    device: OwnedDeviceId,
    token: String,
    now_ts: i64,
}

impl Work for Account {
    type Out = bool;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let row = UserRow {
            user_id: self.id.clone(),
            password_hash: None,
            administrator: false,
            state: UserState::Active,
            created_ts: self.now_ts,
        };
        let is_new = tx.user_insert(&row).await?;
        let name = Some(self.id.localpart().to_owned());
        tx.profile_put(
            &self.id,
            &Profile {
                display_name: name,
                avatar_url: None,
            },
        )
        .await?;
        let device: &DeviceId = &self.device;
        tx.device_insert(&self.id, device, None, self.now_ts).await?;
        let hash: [u8; 32] = Sha256::digest(&self.token).into();
        let token = TokenRow {
            hash,
            user_id: self.id.clone(),
            device_id: self.device.clone(),
            kind: TokenKind::Access,
            family: hash[..16].try_into().expect("16 of 32 bytes"),
            expires_ts: None,
            used_ts: None,
        };
        tx.token_insert(&token, self.now_ts).await?;
        Ok(is_new)
    }
}

struct MakeAdministrator(OwnedUserId);

impl Work for MakeAdministrator {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.user_set_administrator(&self.0, true).await
    }
}
