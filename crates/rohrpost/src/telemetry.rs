//! What the server says about itself: log lines on standard error, figures for Prometheus.

use std::{io::IsTerminal as _, sync::Arc};

use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rohrpost_config::{Log, LogFormat};
use rohrpost_http::Render;
use tracing_subscriber::{EnvFilter, fmt};

/// Bounds of the classes that durations are counted in, in seconds.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];
/// Bounds of the classes that numbers of units in one commit are counted in.
const UNITS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// What libraries may say unless the operator asks for more. The authorization rules of `ruma` tell each of their
/// steps with the event's id, at every message.
const QUIET: &str = "ruma_state_res=warn,ruma_common=warn,ruma_signatures=warn";

/// Begins to log.
///
/// # Errors
/// When the level is no level.
pub(crate) fn log(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .parse(format!("{QUIET},{}", log.level))
        .context("[log] level can't be read")?;
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let begun = match log.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().with_ansi(false).try_init(),
    };
    begun.map_err(|error| anyhow::anyhow!("can't begin to log: {error}"))
}

/// Begins to count.
///
/// # Errors
/// When something counts already.
pub(crate) fn count() -> anyhow::Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets(SECONDS)?
        .set_buckets_for_metric(
            metrics_exporter_prometheus::Matcher::Full("rohrpost_store_batch_units".to_owned()),
            UNITS,
        )?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("can't begin to count")?;
    Ok(handle)
}

/// Writes all figures down.
pub(crate) fn render(handle: PrometheusHandle) -> Render {
    Arc::new(move || {
        if let Some(process) = Process::look() {
            metrics::gauge!("process_resident_memory_bytes").set(process.resident_bytes);
            metrics::gauge!("process_cpu_seconds_total").set(process.cpu_seconds);
        }
        handle.render()
    })
}

/// What this process uses, as far as Linux tells.
struct Process {
    resident_bytes: f64,
    cpu_seconds: f64,
}

impl Process {
    fn look() -> Option<Self> {
        let pages: f64 = std::fs::read_to_string("/proc/self/statm")
            .ok()?
            .split(' ')
            .nth(1)?
            .parse()
            .ok()?;
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The program's name stands in brackets and may hold anything; user and system time are the 12th and 13th
        // field behind it.
        let (_, fields) = stat.rsplit_once(") ")?;
        let ticks: f64 = fields
            .split(' ')
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse::<f64>().ok())
            .sum();
        Some(Self {
            resident_bytes: pages * rustix::param::page_size() as f64,
            cpu_seconds: ticks / rustix::param::clock_ticks_per_second() as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Process;

    #[test]
    fn knows_what_the_process_uses() {
        let process = Process::look().expect("this is Linux");
        assert!(process.resident_bytes > 100_000.0, "{}", process.resident_bytes);
        assert!(process.cpu_seconds < 3600.0, "{}", process.cpu_seconds);
    }
}
