//! `rohrpost doctor`: says in plain words what is wrong with the set-up, and what to do. Changes nothing.

mod certificate;
mod database;
mod fetch;
mod folder;
mod network;
mod roster;

use std::process::ExitCode;

use rohrpost_config::{Config, ConfigError};

use crate::{commands::say, system};

/// 2026-01-01: no clock that is right shows an earlier time.
const EARLIEST_TS: i64 = 1_767_225_600_000;

/// What was looked at.
pub(crate) struct Finding {
    what: String,
    /// What is wrong and what to do. `None`: nothing.
    problem: Option<String>,
}

impl Finding {
    fn good(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            problem: None,
        }
    }

    fn bad(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            problem: Some(problem.into()),
        }
    }
}

/// Looks at everything there is; fails if anything is wrong.
pub(crate) async fn run(config: Result<Config, ConfigError>) -> anyhow::Result<ExitCode> {
    let findings = match config {
        Ok(config) => examine(&config).await,
        Err(error) => vec![Finding::bad("configuration", error.to_string())],
    };
    let mut problems = 0_usize;
    for Finding { what, problem } in &findings {
        match problem {
            None => say(&format!("ok       {what}"))?,
            Some(problem) => {
                problems += 1;
                say(&format!("PROBLEM  {what}"))?;
                for line in problem.lines() {
                    say(&format!("         {line}"))?;
                }
            }
        }
    }
    match problems {
        0 => say("\neverything is in order")?,
        1 => say("\none problem")?,
        _ => say(&format!("\n{problems} problems"))?,
    }
    Ok(if problems == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn examine(config: &Config) -> Vec<Finding> {
    let now_ts = system::ports().clock.now_ts();
    let mut findings = vec![
        Finding::good(format!("configuration of {}", config.server.name)),
        clock(now_ts),
    ];
    findings.extend(folder::examine(&config.server.data_dir));
    findings.extend(database::examine(config).await);
    findings.extend(certificate::examine(&config.tls, now_ts));
    findings.extend(network::examine(config).await);
    findings.extend(roster::examine(config).await);
    findings
}

fn clock(now_ts: i64) -> Finding {
    if now_ts < EARLIEST_TS {
        return Finding::bad(
            "clock",
            "this computer's clock is years behind, so messages would be misdated and certificates refused: set it, \
             and let NTP keep it right",
        );
    }
    Finding::good("clock")
}

#[cfg(test)]
mod tests {
    use super::clock;

    #[test]
    fn notices_a_clock_that_was_never_set() {
        assert!(clock(0).problem.is_some());
        assert!(clock(1_790_000_000_000).problem.is_none());
    }
}
