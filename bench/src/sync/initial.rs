//! A client that begins with nothing.

use std::time::Duration;

use anyhow::ensure;

use super::{
    Account, SOME,
    cost::{Cost, Costs},
    sliding, v3,
};
use crate::server::Server;

const ROUNDS: usize = 10;
/// What an app shows first.
const WINDOW: usize = 20;

/// What the first answers cost.
pub(super) struct Initial {
    pub(super) v3: Cost,
    pub(super) window: Cost,
    pub(super) all: Cost,
}

pub(super) async fn measure(server: &Server, account: &Account<'_>) -> anyhow::Result<Initial> {
    let mut connection = account.person.connect(server.address).await?;
    let [mut of_v3, mut window, mut all] = [(); 3].map(|()| Costs::default());
    // The first round finds nothing in memory, and isn't counted.
    for round in 0..=ROUNDS {
        let (answer, _) = of_v3
            .of(server, v3(&mut connection, None, Duration::ZERO))
            .await?;
        let count = answer["rooms"]["join"]
            .as_object()
            .map_or(0, serde_json::Map::len);
        ensure!(count == SOME, "v3 shows {count} rooms");
        for (rooms, costs) in [(WINDOW, &mut window), (SOME, &mut all)] {
            let (answer, _) = costs
                .of(server, sliding(&mut connection, None, rooms, Duration::ZERO))
                .await?;
            let count = answer["rooms"].as_object().map_or(0, serde_json::Map::len);
            ensure!(count == rooms, "a window of {rooms} shows {count} rooms");
        }
        if round == 0 {
            for costs in [&mut of_v3, &mut window, &mut all] {
                costs.forget();
            }
        }
    }
    Ok(Initial {
        v3: of_v3.sorted(),
        window: window.sorted(),
        all: all.sorted(),
    })
}
