//! Removes what has had its time, now and then.

use std::{sync::Arc, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use rohrpost_core::{Result, Server, upkeep};
use tokio::time::{MissedTickBehavior, interval};

/// Time from one turn to the next.
const TURN: Duration = Duration::from_secs(60);
/// Turns in an hour.
const HOUR: u32 = 60;

/// Runs until the server stops. What fails is tried again at the next turn.
pub(super) async fn run(server: Arc<Server>, figures: PrometheusHandle) {
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for turn in 0_u32.. {
        tokio::select! {
            () = server.stopped() => return,
            _ = turns.tick() => {}
        }
        figures.run_upkeep();
        if let Err(error) = clean(&server, turn).await {
            tracing::error!(%error, "what has had its time could not be removed; it is tried again in a minute");
        }
    }
}

async fn clean(server: &Arc<Server>, turn: u32) -> Result<()> {
    upkeep::upkeep(server).await?;
    if turn.is_multiple_of(HOUR) {
        upkeep::forget_answers(server).await?;
    }
    Ok(())
}
