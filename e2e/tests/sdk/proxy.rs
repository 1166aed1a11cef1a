//! A bad way to the server: requests go through, answers get lost or wait when a test wants it.

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Listens for as long as this value lives.
pub(crate) struct Proxy {
    url: String,
    answers: watch::Sender<Answers>,
    accepting: JoinHandle<()>,
}

/// What becomes of the server's answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Arrive,
    Wait,
    AreLost,
}

impl Proxy {
    /// Opens a way to a port of this computer.
    pub(crate) async fn to(port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("no free port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let (answers, state) = watch::channel(Answers::Arrive);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, port, state.clone()));
            }
        });
        Ok(Self {
            url,
            answers,
            accepting,
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on whoever asks is heard and gets no answer.
    pub(crate) fn lose_answers(&self) {
        self.answers.send_replace(Answers::AreLost);
    }

    /// From now on answers wait, until they are carried again.
    pub(crate) fn hold_answers(&self) {
        self.answers.send_replace(Answers::Wait);
    }

    pub(crate) fn carry_answers(&self) {
        self.answers.send_replace(Answers::Arrive);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Carries one connection. Ends both sides when either ends, or when an answer is to be lost.
async fn carry(mut client: TcpStream, port: u16, mut state: watch::Receiver<Answers>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let answers = async {
        let mut bytes = vec![0; 16 * 1024];
        loop {
            let count = match from_server.read(&mut bytes).await {
                Ok(count) if count > 0 => count,
                _ => return,
            };
            let lost = match state.wait_for(|state| *state != Answers::Wait).await {
                Ok(state) => *state == Answers::AreLost,
                Err(_) => return,
            };
            if lost || to_client.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = copy(&mut from_client, &mut to_server) => {}
        () = answers => {}
    }
}
