//! A server inside a test.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use http::Request;
use rohrpost_core::{
    Server, StoreSettings,
    ports::{Clock, Egress, Mailer, Nobody, Pages, Ports, RemoteServers, Rng, Services},
    settings::Settings,
};
use rohrpost_remote::{
    egress::{Networks, Outside},
    mail::Smtp,
    roster::RosterFile,
};
use rohrpost_store::{Acknowledge, AfterCommit};
use rohrpost_worker::appservices::Attempt;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    Answer, Look, TestClock, TestRoster, User,
    ask::{ask, request},
    database::Place,
    neighbours::Network,
    rng::SeededRng,
    settings::open_settings,
    user,
};

/// How long everything that a server started may take to end.
const END: Duration = Duration::from_secs(5);

/// A server inside a test. Clones are the same server; the last one to go closes it.
#[derive(Clone)]
pub struct TestServer(Arc<Shared>);

struct Shared {
    place: Place,
    settings: Settings,
    networks: Networks,
    clock: Arc<TestClock>,
    rng: Arc<SeededRng>,
    acknowledge: Arc<dyn Acknowledge>,
    network: Option<Network>,
    running: Mutex<Option<Running>>,
}

struct Running {
    server: Arc<Server>,
    router: Router,
    sockets: JoinSet<()>,
}

/// A server that is about to be started.
pub struct Builder {
    settings: Settings,
    networks: Networks,
    acknowledge: Arc<dyn Acknowledge>,
    network: Option<Network>,
}

impl Builder {
    /// Brings another acknowledgement than the right one.
    #[must_use]
    pub fn acknowledge(mut self, acknowledge: impl Acknowledge) -> Self {
        self.acknowledge = Arc::new(acknowledge);
        self
    }

    /// Lets previews of links connect to private networks, too.
    #[must_use]
    pub fn reaching(mut self, networks: Networks) -> Self {
        self.networks = networks;
        self
    }

    /// Speaks with other servers.
    pub(crate) fn network(mut self, network: Network) -> Self {
        self.network = Some(network);
        self
    }

    /// Starts on SQLite.
    pub async fn sqlite(self) -> TestServer {
        self.start(Place::sqlite()).await
    }

    /// Starts on PostgreSQL, in a database of its own. `None` when there is no PostgreSQL to test with.
    pub async fn postgres(self) -> Option<TestServer> {
        Some(self.start(Place::postgres().await?).await)
    }

    /// Runs a test on both engines, one after the other.
    pub async fn each(self, test: impl AsyncFn(TestServer)) {
        let again = Self {
            settings: self.settings.clone(),
            networks: self.networks.clone(),
            acknowledge: Arc::clone(&self.acknowledge),
            network: None,
        };
        let server = self.sqlite().await;
        test(server.clone()).await;
        server.close().await;
        if let Some(server) = again.postgres().await {
            test(server.clone()).await;
            server.close().await;
        }
    }

    async fn start(self, place: Place) -> TestServer {
        static SEED: AtomicU64 = AtomicU64::new(1);
        let shared = Shared {
            place,
            settings: self.settings,
            networks: self.networks,
            clock: Arc::default(),
            rng: Arc::new(SeededRng::new(SEED.fetch_add(1, Ordering::Relaxed))),
            acknowledge: self.acknowledge,
            network: self.network,
            running: Mutex::default(),
        };
        let server = TestServer(Arc::new(shared));
        server.open().await;
        server
    }
}

impl TestServer {
    /// A server with changed settings: `TestServer::with(|settings| settings.encryption = Encryption::Required)`.
    pub fn with(change: impl FnOnce(&mut Settings)) -> Builder {
        let mut settings = open_settings();
        change(&mut settings);
        Builder {
            settings,
            networks: Networks::Public,
            acknowledge: Arc::new(AfterCommit),
            network: None,
        }
    }

    /// A server on SQLite.
    pub async fn sqlite() -> Self {
        Self::with(|_| ()).sqlite().await
    }

    /// A server on PostgreSQL, in a database of its own. `None` when there is no PostgreSQL to test with.
    pub async fn postgres() -> Option<Self> {
        Self::with(|_| ()).postgres().await
    }

    /// Runs a test on both engines: `TestServer::each(async |server| { ... }).await`.
    pub async fn each(test: impl AsyncFn(Self)) {
        Self::with(|_| ()).each(test).await;
    }

    async fn open(&self) {
        let shared = &*self.0;
        let store = StoreSettings {
            url: &shared.place.url(),
            max_connections: 4,
            media_dir: &shared.place.folder.path().join("media"),
            acknowledge: Arc::clone(&shared.acknowledge),
        };
        let ports = Ports {
            clock: Arc::clone(&shared.clock) as Arc<dyn Clock>,
            rng: Arc::clone(&shared.rng) as Arc<dyn Rng>,
            services: services(&shared.settings),
            pages: shared.settings.url_preview.as_ref().map(|_| {
                let pages = Outside::to_pages(shared.networks.clone());
                Arc::new(pages.expect("connections can be made")) as Arc<dyn Pages>
            }),
            remote: match &shared.network {
                Some(network) => Arc::clone(&network.remote),
                None => Arc::new(Nobody) as Arc<dyn RemoteServers>,
            },
        };
        let server = Server::open(shared.settings.clone(), store, ports)
            .await
            .expect("the server opens");
        let router = rohrpost_http::router(Arc::clone(&server));
        let running = Running {
            server,
            router,
            sockets: JoinSet::new(),
        };
        self.0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(running);
        if let Some(network) = &shared.network {
            let listener = network.listener.try_clone().expect("the socket");
            let listener = TcpListener::from_std(listener).expect("the socket");
            self.serve_on(rohrpost_http::Listener::Tls(listener, network.tls.clone()));
        }
    }

    fn running<T>(&self, look: impl FnOnce(&mut Running) -> T) -> T {
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        look(running.as_mut().expect("the server is running"))
    }

    /// The server itself, for what no endpoint shows. Don't keep it.
    #[must_use]
    pub fn core(&self) -> Arc<Server> {
        self.running(|running| Arc::clone(&running.server))
    }

    /// The time of this server.
    #[must_use]
    pub fn clock(&self) -> &TestClock {
        &self.0.clock
    }

    /// The name of this server.
    #[must_use]
    pub fn name(&self) -> &ruma::ServerName {
        &self.0.settings.server_name
    }

    /// The folder in which this server keeps its files.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.0.place.folder.path()
    }

    /// Makes an account and signs in: through the endpoint where registration is open, else directly.
    pub async fn user(&self, name: &str) -> User {
        user::register(self, name).await
    }

    /// Makes an account that may administer the server.
    pub async fn administrator(&self, name: &str) -> User {
        user::administrator(self, name).await
    }

    /// Asks anything.
    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let router = self.running(|running| running.router.clone());
        ask(router, request).await
    }

    /// Any method; answers status and JSON.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        json: Option<Value>,
    ) -> (u16, Value) {
        let answer = self.ask(request(method, path, token, json)).await;
        (answer.status, answer.json())
    }

    /// `GET`; answers status and JSON.
    pub async fn get(&self, path: &str, token: Option<&str>) -> (u16, Value) {
        self.call("GET", path, token, None).await
    }

    /// `POST`; answers status and JSON.
    pub async fn post(&self, path: &str, token: Option<&str>, json: Value) -> (u16, Value) {
        self.call("POST", path, token, Some(json)).await
    }

    /// `PUT`; answers status and JSON.
    pub async fn put(&self, path: &str, token: Option<&str>, json: Value) -> (u16, Value) {
        self.call("PUT", path, token, Some(json)).await
    }

    /// `DELETE`; answers status and JSON.
    pub async fn delete(&self, path: &str, token: Option<&str>) -> (u16, Value) {
        self.call("DELETE", path, token, None).await
    }

    /// Does what there is to do for pushers at the moment, over real sockets, also in private networks.
    pub async fn push(&self) {
        self.push_through(Networks::All).await;
    }

    /// The same, over networks of one's choice.
    pub async fn push_through(&self, networks: Networks) {
        let egress: Arc<dyn Egress> = Arc::new(Outside::new(networks).expect("connections can be made"));
        rohrpost_worker::push::turn(&self.core(), &egress)
            .await
            .expect("the store works");
    }

    /// Tells an application service the next thing there is to tell, over a real socket.
    pub async fn tell_service(&self, id: &str) -> Attempt {
        let core = self.core();
        let service = core.settings.appservices.get(id).expect("such a service");
        rohrpost_worker::appservices::attempt(&core, service)
            .await
            .expect("the store works")
    }

    /// Tells other servers what there is to tell at the moment, over real sockets.
    pub async fn tell_servers(&self) {
        rohrpost_worker::outbox::turn(&self.core())
            .await
            .expect("the store works");
    }

    /// Begins to tell other servers what there is to tell as it happens. Ends with [`close`](Self::close) or the answer.
    #[must_use]
    pub fn keep_telling_servers(&self) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        tasks.spawn(rohrpost_worker::outbox::run(self.core()));
        tasks
    }

    /// Hands the mail that was written to a mail server, such as `smtp://127.0.0.1:2525`.
    pub async fn send_mail(&self, smtp_url: &str) {
        let mailer = Smtp::new(smtp_url, "Rohrpost <rohrpost@test.example>", "test.example");
        let mailer: Arc<dyn Mailer> = Arc::new(mailer.expect("an address of a mail server"));
        rohrpost_worker::mail::turn(&self.core(), &mailer)
            .await
            .expect("the store works");
    }

    /// Looks for the roster of the federation, as the server does from time to time.
    pub async fn look_for(&self, roster: &TestRoster) -> Look {
        let source = RosterFile::new(roster.path());
        rohrpost_worker::roster::turn(&self.core(), &source)
            .await
            .expect("the store works")
    }

    /// Answers on a real socket, too; returns its address.
    pub async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        self.serve_on(rohrpost_http::Listener::Tcp(listener));
        address
    }

    fn serve_on(&self, listener: rohrpost_http::Listener) {
        self.running(|running| {
            let (server, router) = (Arc::clone(&running.server), running.router.clone());
            running.sockets.spawn(async move {
                let stopped = async move { server.stopped().await };
                rohrpost_http::serve(vec![listener], router, stopped).await;
            });
        });
    }

    /// Stops in order and starts again on the same database. What only lived in memory is gone.
    pub async fn restart(&self) {
        self.stop().await;
        self.open().await;
    }

    /// Starts again on the same database after [`close`](Self::close).
    pub async fn open_again(&self) {
        self.open().await;
    }

    /// Stops in order.
    ///
    /// # Panics
    /// When anything that the server started goes on.
    pub async fn close(&self) {
        self.stop().await;
    }

    async fn stop(&self) {
        let taken = self
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(Running {
            server,
            router,
            mut sockets,
        }) = taken
        else {
            return;
        };
        server.stop();
        while let Some(ended) = sockets.join_next().await {
            ended.expect("a socket ends in order");
        }
        server.store.close().await;
        drop(router);
        let left = Arc::downgrade(&server);
        drop(server);
        for _ in 0..END.as_millis() {
            if left.strong_count() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("something that the server started goes on after its end");
    }
}

/// The way to application services, over real sockets.
fn services(settings: &Settings) -> Option<Arc<dyn Services>> {
    let outside = || Outside::to_services().expect("connections can be made");
    (!settings.appservices.is_empty()).then(|| Arc::new(outside()) as Arc<dyn Services>)
}

impl Drop for Shared {
    fn drop(&mut self) {
        let taken = self
            .running
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(Running {
            server,
            router,
            sockets,
        }) = taken
        else {
            return;
        };
        server.stop();
        // Tasks of a runtime that is blocked by this very drop can't end; close() looks at those.
        let can_tell = sockets.is_empty() && self.place.is_sqlite() && !std::thread::panicking();
        drop((router, sockets));
        let left: Weak<Server> = Arc::downgrade(&server);
        drop(server);
        if can_tell {
            let ended = (0..END.as_millis()).any(|_| {
                let ended = left.strong_count() == 0;
                if !ended {
                    std::thread::sleep(Duration::from_millis(1));
                }
                ended
            });
            assert!(ended, "something that the server started goes on after its end");
        }
    }
}
