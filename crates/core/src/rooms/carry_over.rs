//! What a user keeps about a room goes with them into the room that replaces it: its tags, and what they want to hear
//! of it.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#room-upgrades>

use rohrpost_store::{RoomNid, RoomRow, Tx};
use ruma::{
    OwnedRoomId, UserId,
    events::{StateEventType, room::create::RoomCreateEventContent},
    push::{ConditionalPushRule, Ruleset, SimplePushRule},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Refusal, Result, personal::account_data, push::rules, rooms::head::Head};

/// The type of account data that tags are kept as.
const TAGS: &str = "m.tag";

/// Takes over what a user who just came in kept about the room before.
pub(crate) async fn carry_over(tx: &mut Tx<'_>, head: &mut Head, user_id: &UserId) -> Result<()> {
    let create = head.state(tx, StateEventType::RoomCreate, "").await?;
    let content = create.and_then(|pdu| pdu.content_as::<RoomCreateEventContent>().ok());
    let Some(before) = content.and_then(|content| content.predecessor) else {
        return Ok(());
    };
    let Some(before) = tx.room_get(&before.room_id).await? else {
        return Ok(());
    };
    match take(tx, (&before, head.room.nid), &head.room.room_id, user_id).await {
        // Whoever keeps too much already comes in all the same.
        Err(Refusal::TooLarge(_)) => Ok(()),
        result => result,
    }
}

async fn take(
    tx: &mut Tx<'_>,
    (before, now): (&RoomRow, RoomNid),
    now_id: &OwnedRoomId,
    user_id: &UserId,
) -> Result<()> {
    if let Some(tags) = tx.account_data_get(user_id, before.nid, TAGS).await?
        && tx.account_data_get(user_id, now, TAGS).await?.is_none()
    {
        account_data::put(tx, user_id, now, TAGS, tags.content).await?;
    }
    let Some(stored) = tx
        .account_data_get(user_id, rohrpost_store::GLOBAL, rules::KIND)
        .await?
    else {
        return Ok(());
    };
    let mut ruleset = rules::read(user_id, Some(&stored))?;
    if follow(&mut ruleset, &before.room_id, now_id) {
        let pos = tx.pos_next().await?;
        tx.account_data_put(user_id, &rules::account_data(ruleset, pos)?)
            .await?;
        tx.wake_user(user_id);
    }
    Ok(())
}

/// Gives a room the rules of another. Clients mute a room by an overriding rule that has its id. Answers whether
/// anything changed.
fn follow(rules: &mut Ruleset, before: &OwnedRoomId, now: &OwnedRoomId) -> bool {
    let mut changed = false;
    let room = rules.room.iter().find(|rule| rule.rule_id == *before);
    if let Some(rule) = room.and_then(|rule| renamed::<SimplePushRule<OwnedRoomId>>(rule, before, now)) {
        changed |= rules.room.insert(rule);
    }
    let muted = rules
        .override_
        .iter()
        .find(|rule| rule.rule_id == before.as_str());
    if let Some(rule) = muted.and_then(|rule| renamed::<ConditionalPushRule>(rule, before, now)) {
        changed |= rules.override_.insert(rule);
    }
    changed
}

/// A rule with one room id in the place of another.
fn renamed<T: Serialize + DeserializeOwned>(rule: &T, before: &OwnedRoomId, now: &OwnedRoomId) -> Option<T> {
    let [before, now] = [before, now].map(|room| serde_json::to_string(room).ok());
    let rule = serde_json::to_string(rule).ok()?.replace(&before?, &now?);
    serde_json::from_str(&rule).ok()
}
