//! Tells other servers what happens here.
//!
//! One future follows the stream, another one sends: to each server one request at a time, to many servers at once. A server
//! that is slow or gone holds up nobody else.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt as _, future::BoxFuture, join, stream::FuturesUnordered};
use rohrpost_core::{
    Result, Server,
    federation::outbox::{
        self, Name, Taken,
        deliver::deliver,
        fan_out::{Walked, walk},
    },
};
use tokio::time::{sleep, timeout};

/// Servers that are told something at the same time.
const AT_ONCE: usize = 100;
/// Those of them at most that didn't answer lately: many servers that are gone leave space for those that aren't.
const FAILING_AT_ONCE: usize = 50;
/// Wait after a commit, so that several are done in one turn.
const GATHER: Duration = Duration::from_millis(5);
/// Longest wait for a commit: other nodes write, too, and presence wakes nobody.
const LOOK_AGAIN: Duration = Duration::from_secs(3);
/// Longest wait for a word that there is something to send: what failed is due again.
const DUE_AGAIN: Duration = Duration::from_secs(1);
/// How often figures are counted.
const MEASURE: Duration = Duration::from_secs(30);
/// How long what is under way may take when the server stops.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Runs until the server stops.
pub async fn run(server: Arc<Server>) {
    if let Err(error) = outbox::begin(&server).await {
        tracing::error!(%error, "what is known of other servers can't be read; they are told all the same");
    }
    join!(follow(&server), send(&server), measure(&server));
}

async fn follow(server: &Arc<Server>) {
    let mut commits = server.commits();
    while !server.is_stopping() {
        commits.mark_unchanged();
        match walk(server).await {
            Ok(Walked::More) => continue,
            Ok(Walked::All) => {}
            Err(error) => {
                tracing::error!(%error, "what happened can't be read for other servers; it is tried again");
            }
        }
        tokio::select! {
            () = server.stopped() => return,
            () = sleep(LOOK_AGAIN) => {}
            _ = commits.changed() => sleep(GATHER).await,
        }
    }
}

async fn measure(server: &Arc<Server>) {
    while !server.is_stopping() {
        if let Err(error) = outbox::measure(server).await {
            tracing::warn!(%error, "what waits for other servers can't be counted");
        }
        tokio::select! {
            () = server.stopped() => return,
            () = sleep(MEASURE) => {}
        }
    }
}

/// Does everything there is to do at the moment, for tests: follows the stream to its end, and sends until every server has
/// everything or doesn't take it.
///
/// # Errors
/// Those of the store.
pub async fn turn(server: &Arc<Server>) -> Result<()> {
    while walk(server).await? == Walked::More {}
    loop {
        let taken = outbox::take(server, AT_ONCE, AT_ONCE).await?;
        let in_memory = outbox::waiting_in_memory(server, AT_ONCE);
        let names: HashSet<&Name> = taken.iter().map(|taken| &taken.name).collect();
        let in_memory = in_memory.into_iter().filter(|name| !names.contains(name));
        let mut telling: FuturesUnordered<Telling> = in_memory
            .map(|name| tell(server, name, false))
            .chain(taken.iter().map(|taken| tell(server, taken.name.clone(), true)))
            .collect();
        if telling.is_empty() {
            return Ok(());
        }
        while let Some((_, told)) = telling.next().await {
            told?;
        }
    }
}

type Telling = BoxFuture<'static, (Name, Result<()>)>;

fn tell(server: &Arc<Server>, name: Name, is_taken: bool) -> Telling {
    let server = Arc::clone(server);
    Box::pin(async move {
        let told = deliver(&server, name.clone(), is_taken).await;
        (name, told)
    })
}

/// What is known of a server that is being told something.
#[derive(Clone, Copy, Default)]
struct UnderWay {
    /// It came from the database, and is given back there.
    is_taken: bool,
    is_failing: bool,
    /// It came from the database once more meanwhile.
    is_again: bool,
}

/// The servers that are being told something.
struct Sending<'a> {
    server: &'a Arc<Server>,
    under_way: HashMap<Name, UnderWay>,
    telling: FuturesUnordered<Telling>,
}

impl Sending<'_> {
    fn start(&mut self, name: Name, state: UnderWay) {
        self.telling.push(tell(self.server, name.clone(), state.is_taken));
        self.under_way.insert(name, state);
    }

    /// Begins with as many more as there is space for.
    async fn more(&mut self) -> Result<()> {
        let free = AT_ONCE.saturating_sub(self.telling.len());
        if free == 0 {
            return Ok(());
        }
        let failing = self.under_way.values().filter(|state| state.is_failing).count();
        let free_failing = FAILING_AT_ONCE.saturating_sub(failing).min(free);
        for Taken { name, is_failing } in outbox::take(self.server, free, free_failing).await? {
            match self.under_way.get_mut(&name) {
                Some(state) => state.is_again = true,
                None => self.start(
                    name,
                    UnderWay {
                        is_taken: true,
                        is_failing,
                        is_again: false,
                    },
                ),
            }
        }
        for name in outbox::waiting_in_memory(self.server, AT_ONCE) {
            if self.telling.len() < AT_ONCE && !self.under_way.contains_key(&name) {
                self.start(name, UnderWay::default());
            }
        }
        Ok(())
    }

    fn done(&mut self, name: Name, told: Result<()>) {
        if let Err(error) = told {
            tracing::error!(%error, "what waits for a server can't be read or written; it is tried again");
        }
        if let Some(state) = self.under_way.remove(&name)
            && state.is_again
        {
            self.start(
                name,
                UnderWay {
                    is_taken: true,
                    ..UnderWay::default()
                },
            );
        }
    }
}

async fn send(server: &Arc<Server>) {
    let mut sending = Sending {
        server,
        under_way: HashMap::new(),
        telling: FuturesUnordered::new(),
    };
    while !server.is_stopping() {
        if let Err(error) = sending.more().await {
            tracing::error!(%error, "what waits for other servers can't be read; it is tried again");
        }
        tokio::select! {
            () = server.stopped() => break,
            Some((name, told)) = sending.telling.next(), if !sending.telling.is_empty() => sending.done(name, told),
            () = outbox::woken(server) => {}
            () = sleep(DUE_AGAIN) => {}
        }
    }
    let last_words = async {
        while let Some((name, told)) = sending.telling.next().await {
            if told.is_ok() {
                sending.under_way.remove(&name);
            }
        }
    };
    // What isn't known to have arrived is sent again after the start.
    let _in_time = timeout(LAST_WORDS, last_words).await;
    let held = sending.under_way.into_iter();
    let held = held.filter(|(_, state)| state.is_taken || state.is_again);
    if let Err(error) = outbox::release(server, held.map(|(name, _)| name).collect()).await {
        tracing::warn!(%error, "other servers wait for a minute longer than they have to");
    }
}
