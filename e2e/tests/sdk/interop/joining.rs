//! How people get into rooms of the other server, and out again.

use anyhow::ensure;
use matrix_sdk::reqwest::Method;
use serde_json::json;

use super::pair::{Pair, SIDES};
use super::person::segment;

pub(crate) async fn a_room_is_joined_by_its_alias(pair: &mut Pair) -> anyhow::Result<()> {
    for side in SIDES {
        let host = pair.person(side, "host").await?;
        let guest = pair.person(side.other(), "guest").await?;
        let (room, alias) = host.public_room("foyer").await?;
        host.say(&room, "before").await?;
        guest.join(&alias, &[]).await?;
        host.sees_member(&room, &guest, "join").await?;
        guest.say(&room, "from the guest").await?;
        host.reads(&room, "from the guest").await?;
        host.say(&room, "from the host").await?;
        guest.reads(&room, "from the guest").await?;
        guest.reads(&room, "from the host").await?;
        // The public may read what was there before.
        ensure!(guest.whole_history(&room).await?.contains(&"before".to_owned()));
        // Out and in again.
        guest.act(&room, "leave", json!({})).await?;
        host.sees_member(&room, &guest, "leave").await?;
        host.say(&room, "while nobody was there").await?;
        guest.join(&room, &[&pair.name(side)]).await?;
        host.sees_member(&room, &guest, "join").await?;
        host.say(&room, "again").await?;
        guest.reads(&room, "again").await?;
    }
    Ok(())
}

pub(crate) async fn an_invitation_is_accepted_or_declined(pair: &mut Pair) -> anyhow::Result<()> {
    for side in SIDES {
        let host = pair.person(side, "host").await?;
        let (guest, other) = (
            pair.person(side.other(), "guest").await?,
            pair.person(side.other(), "other").await?,
        );
        // One when the room is made, one later.
        let room = host
            .create_room(json!({
                "preset": "private_chat", "name": "Lagebesprechung", "invite": [guest.id],
            }))
            .await?;
        let shown = guest.is_invited(&room).await?;
        let name = shown.as_array().into_iter().flatten();
        let mut name = name.filter(|event| event["type"] == "m.room.name");
        ensure!(
            name.next()
                .is_some_and(|event| event["content"]["name"] == "Lagebesprechung"),
            "the invitation doesn't say to what: {shown}"
        );
        guest.act(&room, "join", json!({})).await?;
        host.sees_member(&room, &guest, "join").await?;
        guest.say(&room, "I am here").await?;
        host.reads(&room, "I am here").await?;

        host.invite(&room, &other).await?;
        guest.sees_member(&room, &other, "invite").await?;
        other.is_invited(&room).await?;
        other.act(&room, "leave", json!({})).await?;
        host.sees_member(&room, &other, "leave").await?;
        guest.sees_member(&room, &other, "leave").await?;

        // An invitation that is taken back.
        host.invite(&room, &other).await?;
        other.is_invited(&room).await?;
        host.act(&room, "kick", json!({ "user_id": other.id })).await?;
        host.sees_member(&room, &other, "leave").await?;
    }
    Ok(())
}

pub(crate) async fn somebody_knocks_and_is_let_in(pair: &mut Pair) -> anyhow::Result<()> {
    for side in SIDES {
        let host = pair.person(side, "host").await?;
        let guest = pair.person(side.other(), "guest").await?;
        let room = host
            .create_room(json!({
                "preset": "private_chat",
                "initial_state": [{
                    "type": "m.room.join_rules", "state_key": "", "content": { "join_rule": "knock" },
                }],
            }))
            .await?;
        let path = format!(
            "v3/knock/{0}?via={1}&server_name={1}",
            segment(&room),
            segment(&pair.name(side))
        );
        guest.post(&path, json!({ "reason": "I work here too" })).await?;
        host.sees_member(&room, &guest, "knock").await?;
        host.invite(&room, &guest).await?;
        guest.accept(&room).await?;
        host.sees_member(&room, &guest, "join").await?;
        guest.say(&room, "thank you").await?;
        host.reads(&room, "thank you").await?;
    }
    Ok(())
}

pub(crate) async fn nobody_gets_in_uninvited(pair: &mut Pair) -> anyhow::Result<()> {
    for side in SIDES {
        let host = pair.person(side, "host").await?;
        let stranger = pair.person(side.other(), "stranger").await?;
        let room = host.create_room(json!({ "preset": "private_chat" })).await?;
        let via = segment(&pair.name(side));
        let path = format!("v3/join/{}?via={via}&server_name={via}", segment(&room));
        let errcode = stranger.refused(Method::POST, &path, json!({})).await?;
        ensure!(
            errcode == "M_FORBIDDEN" || errcode == "M_NOT_FOUND",
            "a stranger is told {errcode}"
        );
        ensure!(host.state(&room, "m.room.member", &stranger.id).await?.is_none());
    }
    Ok(())
}
