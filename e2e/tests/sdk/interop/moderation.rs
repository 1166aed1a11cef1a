//! Who may do what, and what happens to those who may not.

use anyhow::ensure;
use matrix_sdk::reqwest::Method;
use serde_json::json;

use super::pair::{Pair, SIDES, Side};
use super::person::{body, segment};

pub(crate) async fn state_power_and_redactions_are_the_same_on_both(pair: &mut Pair) -> anyhow::Result<()> {
    for side in SIDES {
        let host = pair.person(side, "host").await?;
        let guest = pair.person(side.other(), "guest").await?;
        let room = host
            .create_room(json!({ "preset": "private_chat", "invite": [guest.id] }))
            .await?;
        guest.accept(&room).await?;
        host.sees_member(&room, &guest, "join").await?;

        // The guest may not, then may.
        let topic = format!("v3/rooms/{}/state/m.room.topic/", segment(&room));
        let errcode = guest
            .refused(Method::PUT, &topic, json!({ "topic": "no" }))
            .await?;
        ensure!(errcode == "M_FORBIDDEN", "{errcode}");
        let mut levels = host
            .state(&room, "m.room.power_levels", "")
            .await?
            .unwrap_or_default();
        levels["users"][&guest.id] = json!(50);
        host.set_state(&room, "m.room.power_levels", "", levels).await?;
        guest
            .state_is(&room, ("m.room.power_levels", ""), |levels| {
                levels["users"][&guest.id] == 50
            })
            .await?;
        guest
            .set_state(&room, "m.room.topic", "", json!({ "topic": "yes" }))
            .await?;
        host.state_is(&room, ("m.room.topic", ""), |content| content["topic"] == "yes")
            .await?;
        host.set_state(&room, "m.room.name", "", json!({ "name": "Bauamt" }))
            .await?;
        guest
            .state_is(&room, ("m.room.name", ""), |content| content["name"] == "Bauamt")
            .await?;

        // A message is taken back by its sender, and one by a moderator.
        let slip = host.say(&room, "a slip").await?;
        guest.reads(&room, "a slip").await?;
        let rude = guest.say(&room, "something rude").await?;
        host.reads(&room, "something rude").await?;
        for event in [&slip, &rude] {
            let path = format!("v3/rooms/{}/redact/{}/r", segment(&room), segment(event));
            let path = format!("{path}{}", segment(event));
            host.put(&path, json!({ "reason": "tidied" })).await?;
        }
        for person in [&host, &guest] {
            for event in [&slip, &rude] {
                person
                    .sees(&room, "what is left of a message", |seen| {
                        seen["event_id"] == event.as_str() && body(seen).is_none()
                    })
                    .await?;
            }
        }
    }
    Ok(())
}

pub(crate) async fn who_is_removed_or_banned_hears_nothing_more(pair: &mut Pair) -> anyhow::Result<()> {
    for side in SIDES {
        let host = pair.person(side, "host").await?;
        let (guest, witness) = (
            pair.person(side.other(), "guest").await?,
            pair.person(side.other(), "witness").await?,
        );
        let room = host
            .create_room(json!({ "preset": "private_chat", "invite": [guest.id, witness.id] }))
            .await?;
        guest.accept(&room).await?;
        witness.accept(&room).await?;
        for person in [&guest, &witness] {
            host.sees_member(&room, person, "join").await?;
        }
        host.act(
            &room,
            "kick",
            json!({ "user_id": guest.id, "reason": "for a while" }),
        )
        .await?;
        witness.sees_member(&room, &guest, "leave").await?;
        let send = format!("v3/rooms/{}/send/m.room.message/1", segment(&room));
        let message = json!({ "msgtype": "m.text", "body": "still here" });
        let errcode = guest.refused(Method::PUT, &send, message.clone()).await?;
        ensure!(errcode == "M_FORBIDDEN", "{errcode}");

        host.act(&room, "ban", json!({ "user_id": guest.id })).await?;
        witness.sees_member(&room, &guest, "ban").await?;
        let via = segment(&pair.name(side));
        let join = format!("v3/join/{}?via={via}&server_name={via}", segment(&room));
        guest.refused(Method::POST, &join, json!({})).await?;
        host.say(&room, "not for the guest").await?;
        witness.reads(&room, "not for the guest").await?;
        // Synapse shows nothing at all to whom a room has banned, ours what they could read before.
        let path = format!("v3/rooms/{}/messages?dir=b&limit=50", segment(&room));
        let (status, seen) = guest.ask(Method::GET, &path, None).await?;
        ensure!(
            status.is_success() == (side == Side::Synapse),
            "{side:?}: {status} {seen}"
        );
        ensure!(
            !seen.to_string().contains("not for the guest"),
            "the guest hears what was not for them: {seen}"
        );

        host.act(&room, "unban", json!({ "user_id": guest.id })).await?;
        witness.sees_member(&room, &guest, "leave").await?;
        host.invite(&room, &guest).await?;
        // Synapse stumbles over a join while it is still taking in the invitation to a room that it is in.
        witness.sees_member(&room, &guest, "invite").await?;
        guest.accept(&room).await?;
        host.sees_member(&room, &guest, "join").await?;
        guest.say(&room, "back again").await?;
        host.reads(&room, "back again").await?;
    }
    Ok(())
}

/// Both set the same state before they hear of each other; afterwards both must have the same.
pub(crate) async fn what_both_change_at_once_comes_out_the_same(pair: &mut Pair) -> anyhow::Result<()> {
    for side in SIDES {
        let host = pair.person(side, "host").await?;
        let guest = pair.person(side.other(), "guest").await?;
        let room = host
            .create_room(json!({
                "preset": "private_chat", "invite": [guest.id],
                "power_level_content_override": { "events": { "m.room.topic": 0 } },
            }))
            .await?;
        guest.accept(&room).await?;
        host.sees_member(&room, &guest, "join").await?;
        for round in 0..10 {
            let topics = [
                json!({ "topic": format!("host {round}") }),
                json!({ "topic": format!("guest {round}") }),
            ];
            let [ours, theirs] = topics;
            tokio::try_join!(
                host.set_state(&room, "m.room.topic", "", ours),
                guest.set_state(&room, "m.room.topic", "", theirs),
            )?;
            // What both have seen merges what they did.
            host.say(&room, &format!("host done {round}")).await?;
            guest.reads(&room, &format!("host done {round}")).await?;
            guest.say(&room, &format!("guest done {round}")).await?;
            host.reads(&room, &format!("guest done {round}")).await?;
            let topic = host.state(&room, "m.room.topic", "").await?.unwrap_or_default();
            guest
                .state_is(&room, ("m.room.topic", ""), |content| *content == topic)
                .await?;
        }
    }
    Ok(())
}
