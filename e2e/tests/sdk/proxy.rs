//! A bad way to the server: requests go through, answers get lost when a test wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Listens for as long as this value lives.
pub(crate) struct Proxy {
    url: String,
    loses_answers: Arc<AtomicBool>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Opens a way to a port of this computer.
    pub(crate) async fn to(port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("no free port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let loses_answers = Arc::new(AtomicBool::new(false));
        let loses = loses_answers.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, port, loses.clone()));
            }
        });
        Ok(Self {
            url,
            loses_answers,
            accepting,
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on whoever asks is heard and gets no answer.
    pub(crate) fn lose_answers(&self) {
        self.loses_answers.store(true, Ordering::SeqCst);
    }

    pub(crate) fn carry_answers(&self) {
        self.loses_answers.store(false, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Carries one connection. Ends both sides when either ends, or when an answer is to be lost.
async fn carry(mut client: TcpStream, port: u16, loses_answers: Arc<AtomicBool>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let answers = async {
        let mut bytes = vec![0; 16 * 1024];
        loop {
            match from_server.read(&mut bytes).await {
                Ok(count) if count > 0 && !loses_answers.load(Ordering::SeqCst) => {
                    if to_client.write_all(&bytes[..count]).await.is_err() {
                        return;
                    }
                }
                _ => return,
            }
        }
    };
    tokio::select! {
        _ = copy(&mut from_client, &mut to_server) => {}
        () = answers => {}
    }
}
