//! Sockets: accepts connections, speaks HTTP/1.1 and HTTP/2, with TLS where asked, and stops cleanly.
//!
//! Every wait for a peer has an end, and every connection a place in a bounded number of them. What a request may
//! do is not decided here.

mod tls;

use std::{convert::Infallible, io, net::SocketAddr, path::PathBuf, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use futures_util::future::{Either, join_all, select};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::ServiceExt as _;

pub use self::tls::{Tls, TlsError};

/// Connections that are open at the same time, over all listeners.
const MAX_CONNECTIONS: usize = 10_000;
/// Longest time for a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for the headers of a request, and for the next request on an open connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Streams on one HTTP/2 connection.
const MAX_STREAMS: u32 = 250;
/// Largest headers of one request.
const MAX_HEADER_BYTES: u32 = 64 * 1024;
/// How often a silent HTTP/2 peer is asked whether it is still there, and how long it may take to answer.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long requests may go on once the server is to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(8);
/// Pause after the system refused a connection, for example because there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A socket that was bound.
pub enum Listener {
    /// Plain HTTP.
    Tcp(TcpListener),
    /// HTTP over TLS.
    Tls(TcpListener, Tls),
    /// Plain HTTP on a Unix socket, whose file is removed at the end.
    Unix(UnixListener, PathBuf),
}

/// Answers on all listeners until `stop` is ready; then finishes what is under way, for 8 s at most, and returns.
pub async fn serve(listeners: Vec<Listener>, router: Router, stop: impl Future<Output = ()> + Send) {
    let serving = Serving {
        router,
        places: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        stopping: watch::Sender::new(false),
    };
    let all = join_all(listeners.into_iter().map(|listener| serving.listen(listener)));
    let (all, stop) = (pin!(all), pin!(stop));
    if let Either::Right(((), all)) = select(all, stop).await {
        serving.stopping.send_replace(true);
        all.await;
    }
}

struct Serving {
    router: Router,
    places: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
}

/// A connection that was accepted.
enum Accepted {
    Tcp(tokio::net::TcpStream, SocketAddr),
    Unix(tokio::net::UnixStream),
}

impl Listener {
    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) | Self::Tls(listener, _) => {
                let (stream, peer) = listener.accept().await?;
                // Small answers must not wait for the acknowledgement of earlier ones. It only fails on a connection
                // that is gone already.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection broke off at once");
                }
                Ok(Accepted::Tcp(stream, peer))
            }
            Self::Unix(listener, _) => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }
}

impl Serving {
    async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        stopping
            .wait_for(|stopping| *stopping)
            .await
            .expect("the sender is in self");
    }

    /// Accepts until the stop, then waits for the connections that are left.
    async fn listen(&self, listener: Listener) {
        let mut connections = JoinSet::new();
        let graceful = GracefulShutdown::new();
        loop {
            let next = async {
                let place = Arc::clone(&self.places)
                    .acquire_owned()
                    .await
                    .expect("the semaphore is never closed");
                (listener.accept().await, Place::new(place))
            };
            tokio::select! {
                () = self.stopped() => break,
                (accepted, place) = next => match accepted {
                    Ok(accepted) => self.connect(&mut connections, &graceful, &listener, accepted, place),
                    Err(error) if is_the_peers(&error) => tracing::debug!(%error, "a connection broke off at once"),
                    Err(error) => {
                        tracing::warn!(%error, "could not accept a connection");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(ended) = connections.join_next() => note_panic(ended),
            }
        }
        if let Listener::Unix(_, path) = &listener
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(%error, "could not remove the Unix socket {}", path.display());
        }
        drop(listener);
        if timeout(STOP_TIMEOUT, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests took too long to finish and were cut off");
        }
        connections.shutdown().await;
    }

    fn connect(
        &self,
        connections: &mut JoinSet<()>,
        graceful: &GracefulShutdown,
        listener: &Listener,
        accepted: Accepted,
        place: Place,
    ) {
        let router = self.router.clone();
        let watcher = graceful.watcher();
        match (accepted, listener) {
            (Accepted::Unix(stream), _) => {
                connections.spawn(async move { speak(stream, None, router, watcher, place).await });
            }
            (Accepted::Tcp(stream, peer), Listener::Tls(_, tls)) => {
                let acceptor = tls.acceptor();
                connections.spawn(async move {
                    match timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
                        Ok(Ok(stream)) => speak(stream, Some(peer), router, watcher, place).await,
                        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                        Err(_) => tracing::debug!("a TLS handshake took too long"),
                    }
                });
            }
            (Accepted::Tcp(stream, peer), _) => {
                connections.spawn(async move { speak(stream, Some(peer), router, watcher, place).await });
            }
        }
    }
}

/// One of the connections that may be open, counted while it is.
struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Place {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        metrics::gauge!("rohrpost_http_connections").increment(1);
        Self { _permit: permit }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::gauge!("rohrpost_http_connections").decrement(1);
    }
}

/// A failed accept that says nothing about this computer.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a connection's task panicked");
    }
}

/// Speaks HTTP on one connection until it ends.
async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    peer: Option<SocketAddr>,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
    place: Place,
) {
    let asked = Arc::new(Notify::new());
    let service = {
        let asked = Arc::clone(&asked);
        service_fn(move |mut request: http::Request<Incoming>| {
            asked.notify_one();
            if let Some(peer) = peer {
                request.extensions_mut().insert(ConnectInfo(peer));
            }
            let router = router.clone();
            async move {
                Ok::<_, Infallible>(
                    router
                        .oneshot(request)
                        .await
                        .unwrap_or_else(|never| match never {}),
                )
            }
        })
    };
    let mut http = auto::Builder::new(TokioExecutor::new());
    // Without a timer the limits in time would do nothing.
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES as usize);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    let connection = pin!(watcher.watch(http.serve_connection(TokioIo::new(stream), service)));
    // The choice between HTTP/1 and 2 is made from the first bytes, before the limits above begin to count.
    let silent = pin!(async {
        if timeout(HEADER_TIMEOUT, asked.notified()).await.is_ok() {
            std::future::pending::<()>().await;
        }
    });
    if let Either::Left((Err(error), _)) = select(connection, silent).await {
        tracing::debug!(error, "a connection broke off");
    }
    drop(place);
}
