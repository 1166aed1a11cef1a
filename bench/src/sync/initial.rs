//! A client that begins with nothing.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::{Account, SOME, sliding, v3};
use crate::{server::Server, timing::Timings};

const ROUNDS: usize = 10;
/// What an app shows first.
const WINDOW: usize = 20;

/// How long the first answers take.
pub(super) struct Initial {
    pub(super) v3: Timings,
    pub(super) window: Timings,
    pub(super) all: Timings,
}

pub(super) async fn measure(server: &Server, account: &Account<'_>) -> anyhow::Result<Initial> {
    let mut connection = account.person.connect(server.address).await?;
    let (mut of_v3, mut window, mut all) = (Vec::new(), Vec::new(), Vec::new());
    // The first round finds nothing in memory, and isn't counted.
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        let (answer, _) = v3(&mut connection, None, Duration::ZERO).await?;
        let took_v3 = begun.elapsed();
        let count = answer["rooms"]["join"]
            .as_object()
            .map_or(0, serde_json::Map::len);
        ensure!(count == SOME, "v3 shows {count} rooms");
        let begun = Instant::now();
        let (answer, _) = sliding(&mut connection, None, WINDOW).await?;
        let took_window = begun.elapsed();
        let count = answer["rooms"].as_object().map_or(0, serde_json::Map::len);
        ensure!(count == WINDOW, "a window of {WINDOW} shows {count} rooms");
        let begun = Instant::now();
        sliding(&mut connection, None, SOME).await?;
        if round > 0 {
            of_v3.push(took_v3);
            window.push(took_window);
            all.push(begun.elapsed());
        }
    }
    Ok(Initial {
        v3: Timings::new(of_v3),
        window: Timings::new(window),
        all: Timings::new(all),
    })
}
