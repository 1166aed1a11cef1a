//! `rohrpost serve`: runs the server until it is told to stop.
//!
//! Everything that runs beside the sockets is started here and joined here.

mod first_start;
mod upkeep;

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use rohrpost_config::Config;
use rohrpost_core::{Server, federation::roster};
use rohrpost_http::Tls;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
    time::timeout,
};

use crate::{
    commands::say,
    telemetry,
    wire_up::{self, listeners},
};

/// How long stopping may take before it is cut short.
const STOP_TIMEOUT: Duration = Duration::from_millis(9_500);

pub(crate) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new().context("can't listen for signals")?;
    let figures = telemetry::count()?;
    wire_up::allow_many_files();
    let listeners = listeners::bind(config).await?;
    let _alone = wire_up::be_alone(config)?;
    let (egress, mailer) = (wire_up::egress(config)?, wire_up::mailer(config)?);
    let roster = wire_up::federation::roster_source(config)?;
    let server = wire_up::server(config).await?;
    let render = telemetry::render(figures.clone());
    let mut router = rohrpost_http::router(Arc::clone(&server));
    if listeners.metrics.is_empty() {
        router = router.merge(rohrpost_http::metrics_for_administrators(
            Arc::clone(&server),
            Arc::clone(&render),
        ));
    }

    let router = rohrpost_http::behind_proxies(router, config.listen.trusted_proxies.clone());

    say(&format!(
        "Rohrpost {} for {}, on {}",
        env!("CARGO_PKG_VERSION"),
        server.name(),
        server.store.engine_name()
    ))?;
    for line in &listeners.lines {
        say(line)?;
    }
    say(&format!("open {} in a browser", server.settings.public_url))?;
    first_start::greet(&server).await?;
    tracing::info!(engine = server.store.engine_name(), "the server is running");

    let mut tasks = JoinSet::new();
    tasks.spawn(rohrpost_http::serve(listeners.main, router, stopped(&server)));
    if !listeners.metrics.is_empty() {
        let router = rohrpost_http::metrics_router(render);
        tasks.spawn(rohrpost_http::serve(listeners.metrics, router, stopped(&server)));
    }
    for service in server.settings.appservices.iter() {
        tasks.spawn(rohrpost_worker::appservices::run(
            Arc::clone(&server),
            Arc::clone(service),
        ));
    }
    tasks.spawn(upkeep::run(Arc::clone(&server), figures));
    tasks.spawn(rohrpost_worker::push::run(Arc::clone(&server), egress));
    if server.settings.federation.is_on() {
        tasks.spawn(rohrpost_worker::outbox::run(Arc::clone(&server)));
    }
    if let Some(source) = roster {
        let every = Duration::from_secs(config.federation.roster_refresh_minutes * 60);
        tasks.spawn(rohrpost_worker::roster::run(Arc::clone(&server), source, every));
    }
    if let Some(mailer) = mailer {
        tasks.spawn(rohrpost_worker::mail::run(Arc::clone(&server), mailer));
    }

    let mut code = ExitCode::SUCCESS;
    tokio::select! {
        () = signals.wait_for_stop(&server, listeners.tls.as_ref()) => {}
        Some(_) = tasks.join_next() => {
            tracing::error!("a part of the server ended by itself, so the whole server ends");
            code = ExitCode::FAILURE;
        }
    }
    tracing::info!("the server is stopping");
    server.stop();
    let stop = async {
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the server did not end in order");
            }
        }
        server.store.close().await;
    };
    tokio::select! {
        stopped = timeout(STOP_TIMEOUT, stop) => if stopped.is_err() {
            bail!("stopping took too long and was cut short; what was confirmed to anybody is on disk");
        },
        () = signals.stop_signal() => bail!("stopped at once; what was confirmed to anybody is on disk"),
    }
    tracing::info!("the server has stopped");
    Ok(code)
}

/// Ready when the server is to stop.
fn stopped(server: &Arc<Server>) -> impl Future<Output = ()> + Send + 'static {
    let server = Arc::clone(server);
    async move { server.stopped().await }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn stop_signal(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits for Ctrl-C or SIGTERM. SIGHUP means that the certificate was renewed, or that there is a new roster.
    async fn wait_for_stop(&mut self, server: &Server, tls: Option<&Tls>) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hang_up.recv() => {}
            }
            roster::look_again(server);
            match tls.map(Tls::reload) {
                Some(Ok(())) => tracing::info!("certificate and key were read again"),
                Some(Err(error)) => tracing::error!(%error, "the old certificate stays in use"),
                None => {}
            }
        }
    }
}
