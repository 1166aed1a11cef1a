//! Who somebody at the other server is, what they do at the moment, and what their server has to offer.

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::pair::{Pair, SIDES};
use super::person::segment;
use crate::lab::eventually_true;

pub(crate) async fn names_aliases_and_public_rooms_are_found(pair: &mut Pair) -> anyhow::Result<()> {
    for side in SIDES {
        let host = pair.person(side, "host").await?;
        let guest = pair.person(side.other(), "guest").await?;
        let path = format!("v3/profile/{}/displayname", segment(&host.id));
        host.put(&path, json!({ "displayname": "Hanna Host" })).await?;
        let profile = guest.get(&format!("v3/profile/{}", segment(&host.id))).await?;
        ensure!(profile["displayname"] == "Hanna Host", "{profile}");

        let (room, alias) = host.public_room("schwarzes-brett").await?;
        let found = guest
            .get(&format!("v3/directory/room/{}", segment(&alias)))
            .await?;
        ensure!(found["room_id"] == room.as_str(), "{found}");
        let server = segment(&pair.name(side));
        let listed = guest.get(&format!("v3/publicRooms?server={server}")).await?;
        let rooms = listed["chunk"].as_array().context("no rooms")?;
        ensure!(
            rooms.iter().any(|listed| listed["room_id"] == room.as_str()),
            "{listed}"
        );
    }
    Ok(())
}

pub(crate) async fn typing_and_receipts_are_seen(pair: &mut Pair) -> anyhow::Result<()> {
    for side in SIDES {
        let host = pair.person(side, "host").await?;
        let guest = pair.person(side.other(), "guest").await?;
        let room = host
            .create_room(json!({ "preset": "private_chat", "invite": [guest.id] }))
            .await?;
        guest.accept(&room).await?;
        host.sees_member(&room, &guest, "join").await?;
        let event = host.say(&room, "who is there?").await?;
        guest.reads(&room, "who is there?").await?;

        let typing = format!("v3/rooms/{}/typing/{}", segment(&room), segment(&guest.id));
        guest
            .put(&typing, json!({ "typing": true, "timeout": 60_000 }))
            .await?;
        eventually_true("the host sees that the guest types", async || {
            let sync = host.sync().await?;
            let events = sync["rooms"]["join"][&room]["ephemeral"]["events"]
                .as_array()
                .cloned();
            let mut typing = events
                .into_iter()
                .flatten()
                .filter(|event| event["type"] == "m.typing");
            Ok(typing.any(|event| event["content"]["user_ids"] == json!([guest.id])))
        })
        .await?;
        guest
            .act(&room, &format!("receipt/m.read/{}", segment(&event)), json!({}))
            .await?;
        eventually_true("the host sees that the guest has read", async || {
            let sync = host.sync().await?;
            let events = sync["rooms"]["join"][&room]["ephemeral"]["events"]
                .as_array()
                .cloned();
            let mut receipts = events
                .into_iter()
                .flatten()
                .filter(|event| event["type"] == "m.receipt");
            Ok(receipts.any(|seen| !seen["content"][&event]["m.read"][&guest.id].is_null()))
        })
        .await?;
    }
    Ok(())
}
