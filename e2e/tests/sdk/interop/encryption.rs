//! Encrypted rooms, with the Rust client library at both servers.

use anyhow::ensure;
use matrix_sdk::ruma::api::client::room::create_room;
use matrix_sdk::ruma::assign;

use super::pair::{Pair, SIDES, Side};
use crate::device::Device;
use crate::lab::Troubles;

async fn device(pair: &Pair, side: Side, name: &str, troubles: &Troubles) -> anyhow::Result<Device> {
    let url = match side {
        Side::Ours => pair.ours.url(),
        Side::Synapse => pair.synapse.url(),
    };
    Device::register(&url, name, troubles.clone()).await
}

pub(crate) async fn people_of_both_read_what_is_encrypted(pair: &mut Pair) -> anyhow::Result<()> {
    for side in SIDES {
        let troubles = Troubles::default();
        let anna = device(pair, side, "anna.albrecht", &troubles).await?;
        let ben = device(pair, side.other(), "ben.brueckner", &troubles).await?;
        let request = assign!(create_room::v3::Request::new(), {
            preset: Some(create_room::v3::RoomPreset::PrivateChat),
            invite: vec![ben.user_id().to_owned()],
        });
        let room = anna.client.create_room(request).await?;
        let id = room.room_id();
        ben.accept(id).await?;
        // Not by the number of members, which Synapse tells only those who load members lazily.
        anna.sees(id, "Ben joins", |seen| {
            seen.event["state_key"] == ben.user_id().as_str() && seen.event["content"]["membership"] == "join"
        })
        .await?;
        if !room.latest_encryption_state().await?.is_encrypted() {
            room.enable_encryption().await?;
        }
        ben.sees(id, "the room becomes encrypted", |seen| {
            seen.event["type"] == "m.room.encryption"
        })
        .await?;
        anna.say(id, "for Ben alone").await?;
        ben.reads(id, "for Ben alone").await?;
        ben.say(id, "for Anna alone").await?;
        anna.reads(id, "for Anna alone").await?;

        // A second device of each: the other server has to hear of it, and of its keys.
        let url = match side {
            Side::Ours => pair.synapse.url(),
            Side::Synapse => pair.ours.url(),
        };
        let laptop = Device::log_in(&url, "ben.brueckner", troubles.clone()).await?;
        crate::lab::eventually_true("Anna's device knows Ben's laptop", async || {
            let encryption = anna.client.encryption();
            Ok(encryption
                .get_device(laptop.user_id(), laptop.device_id())
                .await?
                .is_some())
        })
        .await?;
        anna.say(id, "for the laptop too").await?;
        laptop.reads(id, "for the laptop too").await?;
        ben.reads(id, "for the laptop too").await?;
        laptop.say(id, "from the laptop").await?;
        anna.reads(id, "from the laptop").await?;
        ensure!(
            anna.unreadable(id).await?.is_empty(),
            "Anna can't read everything"
        );
        troubles.ensure_none()?;
    }
    Ok(())
}
