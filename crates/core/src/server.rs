//! A running server: what every use case is given.
//!
//! Built once, top to bottom, by [`Server::open`]; nothing is set afterwards. Several servers run side by side in
//! one process.

use std::{path::Path, sync::Arc};

use rohrpost_room::keys;
use rohrpost_store::{Acknowledge, Blobs, SigningKeyRow, Store, StoreError, Tx, Work};
use ruma::{MilliSecondsSinceUnixEpoch, ServerName, UserId, signatures::Ed25519KeyPair};
use tokio::sync::{Semaphore, watch};
use zeroize::Zeroizing;

use crate::{
    Result,
    federation::{
        accept::{AuthGraphs, ResolvedStates},
        locks::Locks,
        outbox::Outbox,
        roster::{self, CurrentRoster},
        server_keys::ServerKeys,
        transactions::Incoming,
    },
    limits::{Kind, Limits},
    media::{Address, preview::Previews},
    notify::Notify,
    personal::presence::Present,
    ports::{Clock, Pages, Ports, RemoteServers, Rng, Services},
    push::web_push::{self, VapidKey},
    random,
    rendezvous::Notes,
    rooms::head::HeadCache,
    settings::Settings,
    shared_secret::Nonces,
    sync::{sliding::connections::Connections, unread::UnreadCache},
};

/// Passwords that are hashed at the same time: each takes memory and a core.
const PASSWORDS_AT_ONCE: usize = 2;
/// Pictures that are scaled at the same time.
const PICTURES_AT_ONCE: usize = 2;
/// Questions to application services that are asked at the same time: each holds a connection, and somebody waits.
const QUESTIONS_AT_ONCE: usize = 64;

/// Whole states of rooms that are put together for other servers at the same time: each may take tens of megabytes.
const LARGE_ANSWERS_AT_ONCE: usize = 4;

/// Files that are fetched from other servers at the same time: each is held in memory.
const FILES_AT_ONCE: usize = 4;

/// A running server.
pub struct Server {
    /// What the operator decided.
    pub settings: Settings,
    /// Everything that is kept.
    pub store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) services: Option<Arc<dyn Services>>,
    pub(crate) pages: Option<Arc<dyn Pages>>,
    pub(crate) remote: Arc<dyn RemoteServers>,
    pub(crate) server_keys: ServerKeys,
    pub(crate) roster: CurrentRoster,
    pub(crate) auth_graphs: AuthGraphs,
    pub(crate) resolved_states: ResolvedStates,
    pub(crate) incoming: Incoming,
    pub(crate) outbox: Outbox,
    pub(crate) key: Ed25519KeyPair,
    pub(crate) vapid: VapidKey,
    pub(crate) notify: Arc<Notify>,
    pub(crate) heads: HeadCache,
    pub(crate) limits: Limits,
    pub(crate) unread: UnreadCache,
    pub(crate) connections: Connections,
    pub(crate) nonces: Nonces,
    pub(crate) notes: Notes,
    pub(crate) present: Present,
    pub(crate) passwords: Semaphore,
    pub(crate) pictures: Semaphore,
    /// Questions to application services that people wait for.
    pub(crate) questions: Semaphore,
    /// Whole states of rooms that are put together for other servers.
    pub(crate) large_answers: Semaphore,
    /// Files that are fetched from other servers.
    pub(crate) large_files: Semaphore,
    pub(crate) remote_files: Locks<Address>,
    pub(crate) previews: Previews,
    /// Counts the files that came to addresses made before; wakes whoever waits for one.
    pub(crate) uploads: watch::Sender<u64>,
    stopping: watch::Sender<bool>,
}

/// How a store is opened.
pub struct StoreSettings<'a> {
    /// `sqlite:PATH` or `postgres://...`.
    pub url: &'a str,
    /// Size of the PostgreSQL pool; number of readers on SQLite.
    pub max_connections: usize,
    /// The folder for uploaded files.
    pub media_dir: &'a Path,
    /// When results are released; [`rohrpost_store::AfterCommit`].
    pub acknowledge: Arc<dyn Acknowledge>,
}

impl Server {
    /// Opens the store, bringing it up to date, and the signing key, making one at first start.
    ///
    /// # Errors
    /// [`StoreError::Setup`] with words for the operator.
    pub async fn open(
        settings: Settings,
        store: StoreSettings<'_>,
        ports: Ports,
    ) -> Result<Arc<Self>, StoreError> {
        let notify = Arc::new(Notify::default());
        let committed = Arc::clone(&notify) as Arc<dyn rohrpost_store::Committed>;
        let blobs = Blobs::open(store.media_dir)?;
        let store = Store::open(store.url, store.max_connections, store.acknowledge, committed).await?;
        let mut seed = [0; 32];
        ports.rng.fill(&mut seed);
        let fresh = FirstKey {
            seed,
            vapid: web_push::fresh_key(&*ports.rng),
            key_id: format!("ed25519:{}", random::name(&*ports.rng, 6)),
            now_ts: ports.clock.now_ts(),
        };
        let (key, vapid) = store.write(fresh).await?;
        let version = key.key_id.strip_prefix("ed25519:").unwrap_or(&key.key_id);
        let broken = || {
            StoreError::Setup(
                "the signing key in the database can't be read: restore it from a backup".into(),
            )
        };
        let seed: [u8; 32] = key.seed.try_into().map_err(|_| broken())?;
        let server = Arc::new(Self {
            key: keys::key_from_seed(&seed, version).map_err(|_| broken())?,
            vapid: VapidKey::new(&vapid).ok_or_else(broken)?,
            limits: Limits::new(settings.limits.clone()),
            settings,
            store,
            blobs,
            clock: ports.clock,
            rng: ports.rng,
            services: ports.services,
            pages: ports.pages,
            remote: ports.remote,
            server_keys: ServerKeys::default(),
            roster: CurrentRoster::default(),
            auth_graphs: AuthGraphs::default(),
            resolved_states: ResolvedStates::default(),
            incoming: Incoming::default(),
            outbox: Outbox::default(),
            notify,
            heads: HeadCache::default(),
            unread: UnreadCache::default(),
            connections: Connections::default(),
            nonces: Nonces::default(),
            notes: Notes::default(),
            present: Present::default(),
            passwords: Semaphore::new(PASSWORDS_AT_ONCE),
            pictures: Semaphore::new(PICTURES_AT_ONCE),
            questions: Semaphore::new(QUESTIONS_AT_ONCE),
            large_answers: Semaphore::new(LARGE_ANSWERS_AT_ONCE),
            large_files: Semaphore::new(FILES_AT_ONCE),
            remote_files: Locks::default(),
            previews: Previews::default(),
            uploads: watch::Sender::new(0),
            stopping: watch::Sender::new(false),
        });
        roster::resume(&server).await?;
        Ok(server)
    }

    /// The name that all user ids of this server end in.
    #[must_use]
    pub fn name(&self) -> &ServerName {
        &self.settings.server_name
    }

    /// Whether a user has an account here.
    #[must_use]
    pub fn is_local(&self, user_id: &UserId) -> bool {
        user_id.server_name() == self.name()
    }

    /// Says that the server is about to stop: whoever waits for news is answered at once. What is under way goes on;
    /// [`Store::close`] waits for it.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether the server is about to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits until the server is about to stop.
    pub async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as the server, and the server as long as this borrow.
        stopping
            .wait_for(|stopping| *stopping)
            .await
            .expect("the server is still there");
    }

    /// Begins to wait for commits that concern somebody, for work that follows the stream. Losing one is harmless if
    /// the work looks again now and then.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.notify.commits()
    }

    /// The public key by which push services know this server, as browsers want it.
    #[must_use]
    pub fn vapid_public_key(&self) -> &str {
        self.vapid.public()
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> MilliSecondsSinceUnixEpoch {
        self.clock.now()
    }

    /// Now, in ms since the epoch.
    #[must_use]
    pub fn now_ts(&self) -> i64 {
        self.clock.now_ts()
    }

    /// Counts a request of `who` against its limit.
    ///
    /// # Errors
    /// [`Refusal::LimitExceeded`](crate::Refusal::LimitExceeded).
    pub fn limit(&self, kind: Kind, who: &str) -> Result<()> {
        if self.settings.appservices.is_unlimited(who) {
            return Ok(());
        }
        self.limits.take(kind, who, &*self.clock)
    }
}

/// Keeps the keys of this server if there are none; answers those that are used.
struct FirstKey {
    seed: [u8; 32],
    vapid: Zeroizing<[u8; 32]>,
    key_id: String,
    now_ts: i64,
}

impl Work for FirstKey {
    type Out = (SigningKeyRow, Zeroizing<Vec<u8>>);
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, StoreError> {
        let vapid = match tx.vapid_key_get().await? {
            Some(vapid) => vapid,
            None => {
                tx.vapid_key_insert(&*self.vapid, self.now_ts).await?;
                self.vapid.to_vec()
            }
        };
        let key = match tx.signing_key_current().await? {
            Some(key) => key,
            None => {
                let key = SigningKeyRow {
                    key_id: self.key_id.clone(),
                    seed: self.seed.to_vec(),
                };
                tx.signing_key_insert(&key, self.now_ts).await?;
                key
            }
        };
        Ok((key, Zeroizing::new(vapid)))
    }
}
