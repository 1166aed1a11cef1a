//! The way Element X syncs: the library's own room list, its second connection for keys, and its timelines.

use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use matrix_sdk::encryption::verification::Verification;
use matrix_sdk::ruma::api::client::receipt::create_receipt::v3::ReceiptType;
use matrix_sdk::ruma::events::relation::Thread;
use matrix_sdk::ruma::events::room::message::Relation;
use matrix_sdk::ruma::events::room::message::RoomMessageEventContent;
use matrix_sdk::ruma::{EventId, OwnedEventId, RoomId};
use matrix_sdk::{Client, ClientBuilder};
use matrix_sdk_ui::room_list_service::RoomListLoadingState;
use matrix_sdk_ui::sync_service::{State, SyncService};
use matrix_sdk_ui::timeline::{EventTimelineItem, RoomExt as _, Timeline, TimelineEventItemId};

use crate::device::{self, Device, password};
use crate::lab::{Lab, eventually, eventually_true};

/// A device that syncs the new way.
pub(crate) struct Sliding {
    pub(crate) client: Client,
    pub(crate) service: Arc<SyncService>,
}

impl Sliding {
    /// Another device of somebody.
    pub(crate) async fn log_in(lab: &Lab, name: &str) -> anyhow::Result<Self> {
        Self::log_in_with(device::builder(&lab.server.url()), name).await
    }

    /// The same with a client of another make.
    pub(crate) async fn log_in_with(builder: ClientBuilder, name: &str) -> anyhow::Result<Self> {
        let client = builder.build().await?;
        client
            .matrix_auth()
            .login_username(name, &password(name))
            .initial_device_display_name("sliding")
            .send()
            .await?;
        client.encryption().wait_for_e2ee_initialization_tasks().await;
        client.event_cache().subscribe()?;
        let service = Arc::new(SyncService::builder(client.clone()).build().await?);
        service.start().await;
        Ok(Self { client, service })
    }

    /// How many rooms the room list has, once it is there.
    async fn rooms(&self) -> anyhow::Result<Option<u32>> {
        let list = self.service.room_list_service().all_rooms().await?;
        Ok(match list.loading_state().get() {
            RoomListLoadingState::Loaded {
                maximum_number_of_rooms,
            } => maximum_number_of_rooms,
            RoomListLoadingState::NotLoaded => None,
        })
    }

    /// Opens a room as people do who tap on it.
    pub(crate) async fn open(&self, room: &RoomId) -> anyhow::Result<Arc<Timeline>> {
        let found = eventually("the room is in the room list", async || {
            Ok(self.client.get_room(room))
        })
        .await?;
        self.service.room_list_service().subscribe_to_rooms(&[room]).await;
        Ok(Arc::new(found.timeline().await?))
    }

    /// Waits until somebody's device knows this one: before that it neither hears it nor sends it keys.
    pub(crate) async fn is_known_to(&self, other: &Device) -> anyhow::Result<()> {
        let (user, device) = self
            .client
            .user_id()
            .zip(self.client.device_id())
            .context("signed out")?;
        eventually_true("a device knows the phone", async || {
            let encryption = other.client.encryption();
            Ok(encryption.get_device(user, device).await?.is_some())
        })
        .await
    }

    pub(crate) fn ensure_running(&self) -> anyhow::Result<()> {
        let state = self.service.state().get();
        ensure!(matches!(state, State::Running), "the sync stopped: {state:?}");
        Ok(())
    }
}

/// Waits until a timeline shows an event for which something holds.
pub(crate) async fn shows(
    timeline: &Timeline,
    what: &str,
    is_it: impl Fn(&EventTimelineItem) -> bool,
) -> anyhow::Result<EventTimelineItem> {
    let found = eventually(what, async || {
        let items = timeline.items().await;
        let mut events = items.iter().filter_map(|item| item.as_event());
        Ok(events.find(|event| is_it(event)).cloned())
    })
    .await;
    // Whether it never came or came without its key: two very different faults.
    let items = timeline.items().await;
    let events = || items.iter().filter_map(|item| item.as_event());
    let locked = events().filter(|event| event.content().is_unable_to_decrypt());
    found.with_context(|| {
        format!(
            "the timeline has {} events, {} of them locked",
            events().count(),
            locked.count()
        )
    })
}

pub(crate) async fn reads(timeline: &Timeline, text: &str) -> anyhow::Result<OwnedEventId> {
    let event = shows(timeline, &format!("{text:?} is read"), |event| {
        let message = event.content().as_message();
        event.event_id().is_some() && message.is_some_and(|message| message.body() == text)
    })
    .await?;
    Ok(event.event_id().context("an event without an id")?.to_owned())
}

pub(crate) fn is(event: &EventTimelineItem, id: &EventId) -> bool {
    event.event_id() == Some(id)
}

pub(crate) async fn a_room_list_shows_invitations_messages_and_what_belongs_to_them(
    lab: &mut Lab,
) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();
    let phone = Sliding::log_in(lab, "ben.brueckner").await?;
    eventually_true("the room list is loaded", async || {
        Ok(phone.rooms().await? == Some(1))
    })
    .await?;
    let timeline = phone.open(id).await?;
    phone.is_known_to(&anna).await?;

    let question = lab.secret("Who has the file?");
    let asked = anna.say(id, &question).await?;
    ensure!(
        reads(&timeline, &question).await? == asked,
        "the event has two ids"
    );

    // Reactions, both ways.
    let item = TimelineEventItemId::EventId(asked.clone());
    timeline.toggle_reaction(&item, "👍").await?;
    anna.sees(id, "the reaction arrives", |seen| {
        seen.event["type"] == "m.reaction"
    })
    .await?;
    shows(&timeline, "the own reaction is shown", |event| {
        let reactions = event.content().reactions();
        is(event, &asked) && reactions.is_some_and(|reactions| reactions.contains_key("👍"))
    })
    .await?;

    // A thread.
    let answer = lab.secret("It is on my desk.");
    let mut content = RoomMessageEventContent::text_plain(&answer);
    content.relates_to = Some(Relation::Thread(Thread::plain(asked.clone(), asked.clone())));
    room.send(content).await?;
    shows(&timeline, "the answer is shown in its thread", |event| {
        let message = event.content().as_message();
        let is_answer = message.is_some_and(|message| message.body() == answer);
        is_answer && event.content().thread_root().as_ref() == Some(&asked)
    })
    .await?;

    // Receipts, both ways.
    let last = lab.secret("Thank you.");
    let said = anna.say(id, &last).await?;
    reads(&timeline, &last).await?;
    ensure!(
        timeline.mark_as_read(ReceiptType::Read).await?,
        "nothing was unread"
    );
    let annas_room = anna.client.get_room(id).context("Anna is not in the room")?;
    eventually_true("Anna sees that Ben has read", async || {
        use matrix_sdk::ruma::events::receipt::{ReceiptThread, ReceiptType};
        let mut threads = [ReceiptThread::Main, ReceiptThread::Unthreaded].into_iter();
        let mut has_read = false;
        for thread in threads.by_ref() {
            let receipt = annas_room
                .load_user_receipt(ReceiptType::Read, thread, ben.user_id())
                .await?;
            has_read |= receipt.is_some_and(|(event_id, _)| event_id == said);
        }
        Ok(has_read)
    })
    .await?;
    let thanks = lab.secret("You are welcome.");
    let bens = ben.say(id, &thanks).await?;
    reads(&timeline, &thanks).await?;
    anna.reads(id, &thanks).await?;
    annas_room
        .send_single_receipt(
            ReceiptType::Read,
            matrix_sdk::ruma::events::receipt::ReceiptThread::Unthreaded,
            bens.clone(),
        )
        .await?;
    shows(&timeline, "Ben sees that Anna has read", |event| {
        is(event, &bens) && event.read_receipts().contains_key(anna.user_id())
    })
    .await?;

    // An invitation, accepted on the phone.
    let other = anna
        .client
        .create_room(matrix_sdk::ruma::assign!(
            matrix_sdk::ruma::api::client::room::create_room::v3::Request::new(),
            { invite: vec![ben.user_id().to_owned()], name: Some("Bauamt".to_owned()) }
        ))
        .await?;
    let invited = eventually("the invitation arrives", async || {
        let room = phone.client.get_room(other.room_id());
        Ok(room.filter(|room| room.state() == matrix_sdk::RoomState::Invited))
    })
    .await?;
    invited.join().await?;
    eventually_true("the room list has both rooms", async || {
        Ok(phone.rooms().await? == Some(2) && invited.state() == matrix_sdk::RoomState::Joined)
    })
    .await?;
    let welcome = lab.secret("Welcome to the building authority.");
    let there = phone.open(other.room_id()).await?;
    anna.say(other.room_id(), &welcome).await?;
    reads(&there, &welcome).await?;
    ensure!(
        invited.name().as_deref() == Some("Bauamt"),
        "the room has lost its name"
    );

    // And left again.
    invited.leave().await?;
    eventually_true("the room is left", async || {
        Ok(invited.state() == matrix_sdk::RoomState::Left)
    })
    .await?;
    phone.ensure_running()
}

pub(crate) async fn a_restart_costs_a_room_list_no_message(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let room = anna.room_with(&[&ben]).await?;
    let id = room.room_id();
    let client = device::client(&lab.server.url()).await?;
    client
        .matrix_auth()
        .login_username("ben.brueckner", &password("ben.brueckner"))
        .send()
        .await?;
    client.encryption().wait_for_e2ee_initialization_tasks().await;
    client.event_cache().subscribe()?;
    // As an app does it: it waits while there is no server.
    let service = SyncService::builder(client.clone())
        .with_offline_mode()
        .build()
        .await?;
    service.start().await;
    let phone = Sliding {
        client,
        service: Arc::new(service),
    };
    let timeline = phone.open(id).await?;
    phone.is_known_to(&anna).await?;
    let mut said = Vec::new();
    for number in 1..=3 {
        let text = lab.secret(&format!("before and after, number {number}"));
        anna.say(id, &text).await?;
        reads(&timeline, &text).await?;
        said.push(text);
        lab.server.stop().await?;
        lab.server.run().await?;
    }
    let text = lab.secret("and after all of that");
    anna.say(id, &text).await?;
    reads(&timeline, &text).await?;
    said.push(text);
    // What lies behind a gap is fetched when somebody scrolls up.
    let mut shown = Vec::new();
    for _ in 0..5 {
        let items = timeline.items().await;
        let bodies = items.iter().filter_map(|item| {
            let message = item.as_event()?.content().as_message()?;
            Some(message.body().to_owned())
        });
        shown = bodies.collect();
        if shown == said {
            return Ok(());
        }
        timeline.paginate_backwards(50).await?;
    }
    bail!("messages are missing, doubled or out of order: {shown:?}")
}

pub(crate) async fn a_device_that_syncs_the_new_way_is_verified(lab: &mut Lab) -> anyhow::Result<()> {
    let first = lab.register("anna.albrecht").await?;
    let phone = Sliding::log_in(lab, "anna.albrecht").await?;
    let person = first.user_id();
    let identity = eventually("the phone knows the person's identity", async || {
        Ok(phone.client.encryption().request_user_identity(person).await?)
    })
    .await?;
    phone.is_known_to(&first).await?;
    let request = identity.request_verification().await?;
    let received = eventually("the first device is asked", async || {
        let encryption = first.client.encryption();
        Ok(encryption
            .get_verification_request(person, request.flow_id())
            .await)
    })
    .await?;
    received.accept().await?;
    eventually_true("the phone is ready", async || Ok(request.is_ready())).await?;
    let ours = request.start_sas().await?.context("emoji can't be compared")?;
    let theirs = eventually("the comparison starts on the first device", async || {
        let encryption = first.client.encryption();
        let verification = encryption.get_verification(person, request.flow_id()).await;
        Ok(verification.and_then(Verification::sas))
    })
    .await?;
    theirs.accept().await?;
    for side in [&ours, &theirs] {
        eventually_true("the emoji are there", async || Ok(side.can_be_presented())).await?;
    }
    ensure!(
        ours.emoji().map(|emoji| emoji.map(|emoji| emoji.symbol))
            == theirs.emoji().map(|emoji| emoji.map(|emoji| emoji.symbol)),
        "the devices show different emoji"
    );
    // As in the scenario without sliding sync: the library loses its order when both sides confirm at once, so the second
    // speaks when it has heard the first.
    ours.confirm().await?;
    eventually_true("the first device knows that the phone confirms", async || {
        let is_it = |event: &serde_json::Value| event["type"] == "m.key.verification.mac";
        Ok(first.to_device().iter().any(is_it))
    })
    .await?;
    theirs.confirm().await?;
    for side in [&ours, &theirs] {
        eventually_true("the verification is done on both sides", async || {
            Ok(side.is_done())
        })
        .await?;
    }
    eventually_true("the phone is cross-signed", async || {
        let encryption = first.client.encryption();
        let device = phone.client.device_id().context("the phone is signed out")?;
        let device = encryption.get_device(person, device).await?;
        Ok(device.is_some_and(|device| device.is_cross_signed_by_owner()))
    })
    .await?;
    phone.ensure_running()
}
