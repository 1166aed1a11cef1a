//! A server that can go away: passes connections on to PostgreSQL until it is told to stop.

use std::sync::Arc;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// Stands between a store and its database.
pub(crate) struct Proxy {
    /// The database's address by way of this proxy.
    pub(crate) url: String,
    is_up: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn before(url: &str) -> Self {
        let config: tokio_postgres::Config = url.parse().unwrap();
        let tokio_postgres::config::Host::Tcp(host) = &config.get_hosts()[0] else {
            panic!("not by TCP: {url}")
        };
        let server = format!("{host}:{}", config.get_ports()[0]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap();
        let (is_up, state) = watch::channel(true);
        let (url, server) = (url.replace(&server, &own.to_string()), Arc::new(server));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut passing = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let (server, mut state) = (server.clone(), state.clone());
                passing.spawn(async move {
                    if !*state.borrow() {
                        return;
                    }
                    let mut server = TcpStream::connect(server.as_str()).await.unwrap();
                    tokio::select! {
                        _ended = copy_bidirectional(&mut client, &mut server) => {}
                        _down = state.wait_for(|is_up| !is_up) => {}
                    }
                });
            }
        });
        Self {
            url,
            is_up,
            _tasks: tasks,
        }
    }

    /// Cuts all connections and refuses new ones.
    pub(crate) fn go_away(&self) {
        self.is_up.send_replace(false);
    }

    pub(crate) fn come_back(&self) {
        self.is_up.send_replace(true);
    }
}
