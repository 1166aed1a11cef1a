//! A server for the crash test: like the real one, open to everybody, and on demand with an acknowledgement that
//! comes before the commit.
//!
//! `crash-server --database URL --data-dir DIR [--listen ADDRESS:PORT] [--early-ack MS]`. Prints its address as the
//! first line, `listening on http://127.0.0.1:12345`, and runs until it is killed or told to stop by SIGTERM.

use std::{io::Write as _, path::PathBuf, sync::Arc, time::Duration};

use rohrpost_core::{
    Server, StoreSettings,
    ports::{Clock, Nobody, Ports, Rng},
};
use rohrpost_store::{Acknowledge, AfterCommit};
use rohrpost_testkit::{EarlyAck, open_settings};
use ruma::MilliSecondsSinceUnixEpoch;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

struct System;

impl Clock for System {
    fn now(&self) -> MilliSecondsSinceUnixEpoch {
        MilliSecondsSinceUnixEpoch::now()
    }
}

impl Rng for System {
    #[expect(clippy::disallowed_methods, reason = "this is the port")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system has randomness");
    }
}

struct Arguments {
    database: String,
    data_dir: PathBuf,
    listen: String,
    acknowledge: Arc<dyn Acknowledge>,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = std::env::args().skip(1);
    let (mut database, mut data_dir, mut listen) = (None, None, "127.0.0.1:0".to_owned());
    let mut acknowledge: Arc<dyn Acknowledge> = Arc::new(AfterCommit);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--database" => database = Some(value),
            "--data-dir" => data_dir = Some(value.into()),
            "--listen" => listen = value,
            "--early-ack" => {
                let pause_ms = value.parse().map_err(|_| "--early-ack needs milliseconds")?;
                acknowledge = Arc::new(EarlyAck {
                    pause: Duration::from_millis(pause_ms),
                });
            }
            _ => return Err(format!("{name} is not an option")),
        }
    }
    let database = database.ok_or("--database is missing")?;
    let data_dir = data_dir.ok_or("--data-dir is missing")?;
    Ok(Arguments {
        database,
        data_dir,
        listen,
        acknowledge,
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments {
        database,
        data_dir,
        listen,
        acknowledge,
    } = arguments()?;
    let store = StoreSettings {
        url: &database,
        max_connections: 10,
        media_dir: &data_dir.join("media"),
        acknowledge,
    };
    let server = Server::open(
        open_settings(),
        store,
        Ports {
            clock: Arc::new(System),
            rng: Arc::new(System),
            services: None,
            pages: None,
            remote: Arc::new(Nobody),
        },
    )
    .await?;
    let listener = TcpListener::bind(&listen).await?;
    writeln!(
        std::io::stdout(),
        "listening on http://{}",
        listener.local_addr()?
    )?;
    let mut terminated = signal(SignalKind::terminate())?;
    let stop = async {
        terminated.recv().await;
        server.stop();
    };
    let router = rohrpost_http::router(Arc::clone(&server));
    rohrpost_http::serve(vec![rohrpost_http::Listener::Tcp(listener)], router, stop).await;
    server.store.close().await;
    Ok(())
}
