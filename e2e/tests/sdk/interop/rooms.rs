//! Rooms that belong to others: spaces whose members may enter, and rooms that took another's place.

use anyhow::{Context as _, ensure};
use matrix_sdk::reqwest::Method;
use serde_json::json;

use super::pair::{Pair, SIDES, Side};
use super::person::{segment, text};

pub(crate) async fn members_of_a_space_enter_its_rooms(pair: &mut Pair) -> anyhow::Result<()> {
    for side in SIDES {
        let host = pair.person(side, "host").await?;
        let (guest, stranger) = (
            pair.person(side.other(), "guest").await?,
            pair.person(side.other(), "stranger").await?,
        );
        let space = host
            .create_room(json!({
                "preset": "private_chat", "name": "Amt", "creation_content": { "type": "m.space" },
                "invite": [guest.id],
            }))
            .await?;
        let rule = json!({
            "join_rule": "restricted", "allow": [{ "type": "m.room_membership", "room_id": space }],
        });
        let room = host
            .create_room(json!({
                "preset": "private_chat", "name": "Kantine",
                "initial_state": [{ "type": "m.room.join_rules", "state_key": "", "content": rule }],
            }))
            .await?;
        let server = pair.name(side);
        host.set_state(&space, "m.space.child", &room, json!({ "via": [server] }))
            .await?;
        guest.accept(&space).await?;
        host.sees_member(&space, &guest, "join").await?;

        let path = format!("v1/rooms/{}/hierarchy", segment(&space));
        let walked = guest.get(&path).await?;
        let rooms = walked["rooms"].as_array().context("no rooms")?;
        // Ours shows what the space says of a room that nobody here is in; it doesn't ask other servers about that room.
        let is_shown = match side {
            Side::Ours => rooms
                .iter()
                .any(|shown| shown["room_id"] == room.as_str() && shown["name"] == "Kantine"),
            Side::Synapse => rooms.iter().any(|shown| {
                shown["room_type"] == "m.space" && shown["children_state"][0]["state_key"] == room.as_str()
            }),
        };
        ensure!(is_shown, "{side:?}: the space doesn't show its room: {walked}");

        let join = format!(
            "v3/join/{0}?via={1}&server_name={1}",
            segment(&room),
            segment(&server)
        );
        stranger.refused(Method::POST, &join, json!({})).await?;
        guest.join(&room, &[&server]).await?;
        host.sees_member(&room, &guest, "join").await?;
        guest.say(&room, "what is there today?").await?;
        host.reads(&room, "what is there today?").await?;
    }
    Ok(())
}

pub(crate) async fn people_follow_a_room_to_its_next_version(pair: &mut Pair) -> anyhow::Result<()> {
    for side in SIDES {
        let host = pair.person(side, "host").await?;
        let guest = pair.person(side.other(), "guest").await?;
        let room = host
            .create_room(json!({ "preset": "public_chat", "room_version": "10", "name": "Umbau" }))
            .await?;
        guest.join(&room, &[&pair.name(side)]).await?;
        host.sees_member(&room, &guest, "join").await?;
        let upgraded = host.act(&room, "upgrade", json!({ "new_version": "12" })).await?;
        let next = text(&upgraded, "replacement_room")?;
        guest
            .state_is(&room, ("m.room.tombstone", ""), |content| {
                content["replacement_room"] == next.as_str()
            })
            .await?;
        guest.join(&next, &[&pair.name(side)]).await?;
        host.sees_member(&next, &guest, "join").await?;
        guest
            .state_is(&next, ("m.room.name", ""), |content| content["name"] == "Umbau")
            .await?;
        guest.say(&next, "found it").await?;
        host.reads(&next, "found it").await?;
    }
    Ok(())
}
