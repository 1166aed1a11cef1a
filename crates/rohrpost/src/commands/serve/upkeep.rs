//! Removes what has had its time, now and then, and tells who stopped typing without saying so.

use std::{sync::Arc, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use rohrpost_core::{
    Result, Server, accounts::deactivate, delayed_events::send_due, personal::typing, upkeep,
};
use tokio::time::{MissedTickBehavior, interval};

/// Time from one turn to the next.
const TURN: Duration = Duration::from_secs(60);
/// Turns in an hour.
const HOUR: u32 = 60;
/// How long somebody may be seen typing after their time ran out, at most.
const TYPING_TURN: Duration = Duration::from_secs(3);

/// How late a planned event may be, at most, where nothing else is to be done.
const DELAYED_TURN: Duration = Duration::from_secs(1);

/// Runs until the server stops. What fails is tried again at the next turn.
pub(super) async fn run(server: Arc<Server>, figures: PrometheusHandle) {
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut typing_turns = interval(TYPING_TURN);
    typing_turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut delayed_turns = interval(DELAYED_TURN);
    delayed_turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut turn = 0_u32;
    loop {
        tokio::select! {
            () = server.stopped() => return,
            _ = typing_turns.tick() => {
                if let Err(error) = typing::expire(&server).await {
                    tracing::warn!(%error, "people may be shown as typing who stopped; it is tried again in a moment");
                }
                continue;
            }
            _ = delayed_turns.tick() => {
                if let Err(error) = send_due::send_due(&server).await {
                    tracing::warn!(%error, "planned events could not be sent; it is tried again in a moment");
                }
                continue;
            }
            _ = turns.tick() => {}
        }
        figures.run_upkeep();
        if let Err(error) = clean(&server, turn).await {
            tracing::error!(%error, "what has had its time could not be removed; it is tried again in a minute");
        }
        turn = turn.wrapping_add(1);
    }
}

async fn clean(server: &Arc<Server>, turn: u32) -> Result<()> {
    upkeep::upkeep(server).await?;
    deactivate::finish(server).await?;
    if turn.is_multiple_of(HOUR) {
        upkeep::forget_answers(server).await?;
    }
    Ok(())
}
