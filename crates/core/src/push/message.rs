//! What is told: the bodies of pushes. Pure.
//!
//! `ruma` leaves a number out that is zero, but zero is what takes the number off an icon, so these shapes are our
//! own.

use ruma::{EventId, RoomId};
use serde::Serialize;
use serde_json::{Map, Value, json, value::RawValue};

/// What a push gateway is told.
///
/// # Spec
/// [Push gateway API](https://spec.matrix.org/v1.19/push-gateway-api/#post_matrixpushv1notify)
#[derive(Serialize)]
pub(crate) struct Body<'a> {
    pub(crate) notification: Notification<'a>,
}

/// A notification, or without an event the number on the icon alone.
#[derive(Serialize)]
pub(crate) struct Notification<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event_id: Option<&'a EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) room_id: Option<&'a RoomId>,
    #[serde(flatten)]
    pub(crate) details: Option<Details<'a>>,
    pub(crate) counts: Counts,
    pub(crate) devices: [Device<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prio: Option<&'static str>,
}

/// What gateways learn where the operator allows more than ids.
#[derive(Serialize)]
pub(crate) struct Details<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    pub(crate) sender: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sender_display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) room_name: Option<String>,
    pub(crate) user_is_target: bool,
    pub(crate) content: &'a RawValue,
}

/// How much is unread.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Counts {
    pub(crate) unread: i64,
}

/// The device that is to be told.
#[derive(Serialize)]
pub(crate) struct Device<'a> {
    pub(crate) app_id: &'a str,
    pub(crate) pushkey: &'a str,
    pub(crate) data: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) tweaks: Map<String, Value>,
}

/// How loud a notification is.
pub(crate) fn tweaks(highlight: bool, sound: Option<&str>) -> Map<String, Value> {
    let mut tweaks = Map::new();
    if highlight {
        tweaks.insert("highlight".to_owned(), json!(true));
    }
    if let Some(sound) = sound {
        tweaks.insert("sound".to_owned(), json!(sound));
    }
    tweaks
}

/// What a browser is told, encrypted for it.
#[derive(Serialize)]
pub(crate) struct BrowserMessage<'a> {
    pub(crate) app_id: &'a str,
    pub(crate) event_id: &'a EventId,
    pub(crate) room_id: &'a RoomId,
    pub(crate) unread: i64,
    pub(crate) prio: &'static str,
}

/// The first thing a browser is told: what its client has to show us.
#[derive(Serialize)]
pub(crate) struct Activation<'a> {
    pub(crate) app_id: &'a str,
    pub(crate) ack_token: &'a str,
}
