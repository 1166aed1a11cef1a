//! Tells pushers what [`walk`](crate::push::walk) found: notifications, and the number on the icon.
//!
//! A pusher is taken for a while, so that no other node tells the same; what was told is written down after each
//! attempt. A gateway that fails is tried again, later and later, and what is a day old is not told any more.

use std::{sync::Arc, time::Duration};

use rohrpost_room::Pdu;
use rohrpost_store::{DuePusher, NotifiedRow, PusherProgress, RoomNid, StreamPos, Tx, Work};
use ruma::{
    OwnedRoomId,
    events::{StateEventType, room::member::MembershipState},
    push::PushFormat,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    Refusal, Result, Server,
    email::texts::{self, Language},
    ports::{Egress, Post, PostError, Posted},
    push::{
        message::{Activation, Body, BrowserMessage, Counts, Details, Device, Notification, tweaks},
        pusher::{Target, target},
        web_push::{self, Subscription},
    },
    rooms::head::pdu,
    sync::unread::Reader,
};

/// How long a pusher is taken, in ms: longer than its notifications take.
const LEASE_MS: i64 = 5 * 60 * 1000;
/// How many notifications one pusher gets at a time: the newest.
const MAX_AT_ONCE: u32 = 20;
/// How many events a notice by mail looks at.
const MAX_IN_NOTICE: u32 = 1000;
/// What is older is not told any more, in ms.
const MAX_AGE_MS: i64 = 24 * 60 * 60 * 1000;
/// Rooms that are counted for the number on the icon.
const MAX_ROOMS: u32 = 200;
/// Wait after the first failure, in ms; doubled with each further one.
const FIRST_RETRY_MS: i64 = 30 * 1000;
/// Longest wait, in ms.
const MAX_RETRY_MS: i64 = 60 * 60 * 1000;
/// How long a push service keeps a message for a browser that is away, in s.
const TTL_S: u32 = 24 * 60 * 60;
/// How long a message stays unread before there is mail about it, in ms.
const NOTICE_AFTER_MS: i64 = 10 * 60 * 1000;
/// From one notice by mail to the next, in ms.
const NOTICE_PAUSE_MS: i64 = 12 * 60 * 60 * 1000;

/// Takes pushers that have something to say, for this node alone.
///
/// # Errors
/// Those of the store.
pub async fn take(server: &Arc<Server>, limit: u32) -> Result<Vec<DuePusher>> {
    let now_ts = server.now_ts();
    server.store.write(Take { now_ts, limit }).await
}

struct Take {
    now_ts: i64,
    limit: u32,
}

impl Work for Take {
    type Out = Vec<DuePusher>;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<DuePusher>> {
        Ok(tx
            .pusher_claim(self.now_ts, self.now_ts + LEASE_MS, self.limit)
            .await?)
    }
}

/// What there is to tell.
struct News {
    events: Vec<Event>,
    badge: i64,
}

struct Event {
    row: NotifiedRow,
    room_id: OwnedRoomId,
    pdu: Pdu,
    sender_name: Option<String>,
    room_name: Option<String>,
}

/// What became of one attempt.
enum Told {
    Taken,
    /// Nobody is there any more.
    Gone,
    Failed(Option<Duration>),
}

/// Tells one pusher everything there is.
///
/// # Errors
/// Those of the store; the pusher is tried again when its time is over.
pub async fn deliver(server: &Arc<Server>, egress: &dyn Egress, due: DuePusher) -> Result<()> {
    let target = match target(server, &due.pusher.json) {
        Ok(Target::Email { lang }) => return notice(server, due, &lang).await,
        Ok(target) => target,
        // The operator took the permission back. It may come again, so the pusher stays.
        Err(_) => return finish(server, due.clone(), done(&due, due.badge)).await,
    };
    if let Some(token) = &due.ack_token {
        let Target::WebPush { url, subscription } = &target else {
            return finish(server, due.clone(), done(&due, due.badge)).await;
        };
        let activation = Activation {
            app_id: &due.pusher.app_id,
            ack_token: token,
        };
        let message = serde_json::to_vec(&activation)?;
        let told = tell_browser(server, egress, url, subscription, &message, "high").await;
        return conclude(server, due.clone(), told, due.due, due.badge).await;
    }
    let (with_details, is_gateway) = match &target {
        Target::Gateway { format, .. } => {
            let wants_ids = format
                .as_ref()
                .is_some_and(|format| *format == PushFormat::EventIdOnly);
            (!server.settings.push.event_id_only && !wants_ids, true)
        }
        _ => (false, false),
    };
    let (reader, wanted) = (Arc::clone(server), due.clone());
    let news = server
        .store
        .read(move |tx| Box::pin(async move { news(&reader, tx, &wanted, with_details).await }))
        .await?;
    let mut upto = due.upto;
    for event in &news.events {
        let told = match &target {
            Target::Gateway { url, data, .. } => {
                let notification = notification(&due, event, &news, data, with_details);
                tell_gateway(egress, url, &due.pusher.pushkey, notification).await?
            }
            Target::WebPush { url, subscription } => {
                let prio = prio(&event.row);
                let message = BrowserMessage {
                    app_id: &due.pusher.app_id,
                    event_id: event.pdu.event_id(),
                    room_id: &event.room_id,
                    unread: news.badge,
                    prio,
                };
                let message = serde_json::to_vec(&message)?;
                tell_browser(server, egress, url, subscription, &message, prio).await
            }
            Target::Email { .. } => Told::Taken,
        };
        if !matches!(told, Told::Taken) {
            return conclude(server, due.clone(), told, upto, due.badge).await;
        }
        upto = StreamPos(event.row.event.0);
    }
    // A browser has to show something for each message, so the number alone is for gateways.
    if news.events.is_empty()
        && news.badge != due.badge
        && is_gateway
        && let Target::Gateway { url, data, .. } = &target
    {
        let notification = Notification {
            event_id: None,
            room_id: None,
            details: None,
            counts: Counts { unread: news.badge },
            devices: [device(&due, data, Map::new())],
            prio: Some("low"),
        };
        let told = tell_gateway(egress, url, &due.pusher.pushkey, notification).await?;
        if !matches!(told, Told::Taken) {
            return conclude(server, due.clone(), told, upto, due.badge).await;
        }
    }
    let progress = done(&due, news.badge);
    finish(server, due, progress).await
}

fn done(due: &DuePusher, badge: i64) -> PusherProgress {
    PusherProgress {
        upto: due.due,
        badge,
        failures: 0,
        retry_ts: 0,
    }
}

/// Loud ones come at once.
fn prio(row: &NotifiedRow) -> &'static str {
    if row.highlight || row.sound.is_some() {
        "high"
    } else {
        "low"
    }
}

fn device<'a>(due: &'a DuePusher, data: &Map<String, Value>, tweaks: Map<String, Value>) -> Device<'a> {
    Device {
        app_id: &due.pusher.app_id,
        pushkey: &due.pusher.pushkey,
        data: data.clone(),
        tweaks,
    }
}

fn notification<'a>(
    due: &'a DuePusher,
    event: &'a Event,
    news: &News,
    data: &Map<String, Value>,
    with_details: bool,
) -> Notification<'a> {
    let details = with_details.then(|| Details {
        kind: event.row_kind(),
        sender: event.pdu.sender().as_str(),
        sender_display_name: event.sender_name.clone(),
        room_name: event.room_name.clone(),
        user_is_target: event.pdu.state_key() == Some(due.user_id.as_str()),
        content: event.pdu.content(),
    });
    let mut data = data.clone();
    if !with_details {
        data.insert("format".to_owned(), json!("event_id_only"));
    }
    Notification {
        event_id: Some(event.pdu.event_id()),
        room_id: Some(&event.room_id),
        details,
        counts: Counts { unread: news.badge },
        devices: [device(
            due,
            &data,
            tweaks(event.row.highlight, event.row.sound.as_deref()),
        )],
        prio: Some(prio(&event.row)),
    }
}

async fn tell_gateway(
    egress: &dyn Egress,
    url: &Url,
    pushkey: &str,
    notification: Notification<'_>,
) -> Result<Told> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        rejected: Vec<String>,
    }
    let post = Post {
        url: url.clone(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: serde_json::to_vec(&Body { notification })?,
    };
    Ok(match egress.post(post).await {
        Ok(Posted {
            status: 200, body, ..
        }) => {
            let answer = serde_json::from_slice::<Answer>(&body);
            let is_gone =
                answer.is_ok_and(|answer| answer.rejected.iter().any(|rejected| rejected == pushkey));
            if is_gone { Told::Gone } else { Told::Taken }
        }
        Ok(answer) => Told::Failed(answer.retry_after),
        Err(PostError::NotAllowed | PostError::Failed | PostError::TimedOut) => Told::Failed(None),
    })
}

async fn tell_browser(
    server: &Server,
    egress: &dyn Egress,
    url: &Url,
    to: &Subscription,
    message: &[u8],
    prio: &'static str,
) -> Told {
    let origin = url.origin().ascii_serialization();
    let contact = &server.settings.push.contact;
    let authorization = server.vapid.authorization(&origin, contact, server.now_ts());
    let body = web_push::encrypt(&*server.rng, to, message);
    let (Some(authorization), Some(body)) = (authorization, body) else {
        // It can't be said at all, so it isn't tried again.
        return Told::Taken;
    };
    let urgency = if prio == "high" { "high" } else { "normal" };
    let post = Post {
        url: url.clone(),
        headers: vec![
            ("authorization", authorization),
            ("content-encoding", "aes128gcm".to_owned()),
            ("content-type", "application/octet-stream".to_owned()),
            ("ttl", TTL_S.to_string()),
            ("urgency", urgency.to_owned()),
        ],
        body,
    };
    match egress.post(post).await {
        Ok(Posted {
            status: 200..=299, ..
        }) => Told::Taken,
        Ok(Posted {
            status: 403 | 404 | 410,
            ..
        }) => Told::Gone,
        // The message is wrong, not the time.
        Ok(Posted {
            status: 400 | 413, ..
        }) => Told::Taken,
        Ok(answer) => Told::Failed(answer.retry_after),
        Err(PostError::NotAllowed | PostError::Failed | PostError::TimedOut) => Told::Failed(None),
    }
}

/// Keeps what became of the last attempt.
async fn conclude(
    server: &Arc<Server>,
    due: DuePusher,
    told: Told,
    upto: StreamPos,
    badge: i64,
) -> Result<()> {
    match told {
        Told::Taken => {
            let progress = PusherProgress {
                upto,
                badge,
                failures: 0,
                retry_ts: 0,
            };
            finish(server, due, progress).await
        }
        Told::Gone => server.store.write(Remove(due)).await,
        Told::Failed(retry_after) => {
            let doubled = u32::try_from(due.failures).unwrap_or(u32::MAX).min(16);
            let own_ms = FIRST_RETRY_MS << doubled;
            let asked_ms =
                retry_after.map_or(0, |after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
            let progress = PusherProgress {
                upto,
                badge,
                failures: due.failures + 1,
                retry_ts: server.now_ts() + own_ms.max(asked_ms).min(MAX_RETRY_MS),
            };
            finish(server, due, progress).await
        }
    }
}

async fn finish(server: &Arc<Server>, due: DuePusher, progress: PusherProgress) -> Result<()> {
    let mail = None;
    server.store.write(Finish { due, progress, mail }).await
}

struct Finish {
    due: DuePusher,
    progress: PusherProgress,
    /// Subject and text of a notice, and when it was written.
    mail: Option<(String, String, i64)>,
}

impl Work for Finish {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        if let Some((subject, text, now_ts)) = &self.mail {
            tx.mail_insert(&self.due.pusher.pushkey, subject, text, *now_ts)
                .await?;
        }
        Ok(tx.pusher_progress(&self.due, self.progress).await?)
    }
}

struct Remove(DuePusher);

impl Work for Remove {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let DuePusher { user_id, pusher, .. } = &self.0;
        tx.pusher_delete(user_id, &pusher.app_id, &pusher.pushkey).await?;
        Ok(())
    }
}

async fn news(server: &Arc<Server>, tx: &mut Tx<'_>, due: &DuePusher, with_details: bool) -> Result<News> {
    let since_ts = server.now_ts() - MAX_AGE_MS;
    let rows = tx
        .notified_list(&due.user_id, due.upto, due.due, since_ts, MAX_AT_ONCE)
        .await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(room) = tx.room_get_by_nid(row.room).await? else {
            continue;
        };
        let found = tx.event_get_many(row.room, &[row.event]).await?;
        let Some(event) = found.first().filter(|event| event.redacted_by.is_none()) else {
            continue;
        };
        let pdu = pdu(&room.room_id, event)?;
        let (mut sender_name, mut room_name) = (None, None);
        if with_details {
            (sender_name, room_name) = names(server, tx, &pdu).await?;
        }
        events.push(Event {
            row,
            room_id: room.room_id,
            pdu,
            sender_name,
            room_name,
        });
    }
    Ok(News {
        events,
        badge: badge(server, tx, due).await?,
    })
}

impl Event {
    fn row_kind(&self) -> &str {
        #[derive(Deserialize)]
        struct Kind<'a> {
            #[serde(rename = "type")]
            kind: &'a str,
        }
        serde_json::from_str::<Kind<'_>>(self.pdu.json()).map_or("", |kind| kind.kind)
    }
}

/// The names of the sender and of the room.
async fn names(
    server: &Arc<Server>,
    tx: &mut Tx<'_>,
    event: &Pdu,
) -> Result<(Option<String>, Option<String>)> {
    #[derive(Deserialize)]
    struct Content {
        name: Option<String>,
        displayname: Option<String>,
    }
    let mut head = server.heads.read(tx, event.room_id()).await?;
    let content = |pdu: Option<Arc<Pdu>>| pdu.and_then(|pdu| pdu.content_as::<Content>().ok());
    let sender = event.sender().as_str();
    let sender = content(head.state(tx, StateEventType::RoomMember, sender).await?);
    let room = content(head.state(tx, StateEventType::RoomName, "").await?);
    Ok((
        sender.and_then(|sender| sender.displayname),
        room.and_then(|room| room.name),
    ))
}

/// The number on the icon: what a sync says is unread, in the rooms in which something is.
async fn badge(server: &Arc<Server>, tx: &mut Tx<'_>, due: &DuePusher) -> Result<i64> {
    let rooms: Vec<RoomNid> = tx.notified_rooms(&due.user_id, MAX_ROOMS).await?;
    if rooms.is_empty() {
        return Ok(0);
    }
    let reader = Reader::open(server, tx, &due.user_id).await?;
    let mut unread = 0;
    for nid in rooms {
        let Some(member) = tx.membership_get(&due.user_id, nid).await? else {
            continue;
        };
        if member.membership == MembershipState::Invite {
            unread += 1;
            continue;
        }
        let Some(room) = tx.room_get_by_nid(nid).await? else {
            continue;
        };
        if member.membership != MembershipState::Join {
            continue;
        }
        let mut head = server.heads.read(tx, &room.room_id).await?;
        let counts = reader.counts(server, tx, &mut head, member.since).await?;
        unread += i64::from(counts.total().notifications);
    }
    Ok(unread)
}

/// Writes mail about messages that stay unread: that there are some, and in how many rooms.
async fn notice(server: &Arc<Server>, due: DuePusher, lang: &str) -> Result<()> {
    let now_ts = server.now_ts();
    let is_offered = server.settings.email.as_ref().is_some_and(|email| email.notices);
    let wanted = due.clone();
    let rows = server
        .store
        .read(move |tx| {
            Box::pin(async move {
                let since_ts = now_ts - MAX_AGE_MS;
                let rows = tx
                    .notified_list(&wanted.user_id, wanted.upto, wanted.due, since_ts, MAX_IN_NOTICE)
                    .await?;
                Ok::<_, Refusal>(rows)
            })
        })
        .await?;
    let progress = done(&due, due.badge);
    let Some(oldest_ts) = rows.iter().map(|row| row.ts).min().filter(|_| is_offered) else {
        return finish(server, due, progress).await;
    };
    if oldest_ts + NOTICE_AFTER_MS > now_ts {
        let progress = PusherProgress {
            upto: due.upto,
            retry_ts: oldest_ts + NOTICE_AFTER_MS,
            ..progress
        };
        return finish(server, due, progress).await;
    }
    let rooms: std::collections::BTreeSet<RoomNid> = rows.iter().map(|row| row.room).collect();
    let text = texts::notice(Language::of(lang), &server.settings, rooms.len());
    let progress = PusherProgress {
        retry_ts: now_ts + NOTICE_PAUSE_MS,
        ..progress
    };
    let mail = Some((text.subject, text.body, now_ts));
    server.store.write(Finish { due, progress, mail }).await
}
