//! Rooms that somebody finds: in the directory, and in a space.

use std::pin::pin;

use anyhow::{Context as _, anyhow, ensure};
use futures_util::StreamExt as _;
use matrix_sdk::RoomState;
use matrix_sdk::ruma::api::client::directory::get_public_rooms_filtered;
use matrix_sdk::ruma::api::client::room::{Visibility, create_room};
use matrix_sdk::ruma::directory::Filter;
use matrix_sdk::ruma::events::room::join_rules::{JoinRule, RoomJoinRulesEventContent};
use matrix_sdk::ruma::events::{EmptyStateKey, InitialStateEvent};
use matrix_sdk::ruma::room::RoomType;
use matrix_sdk::ruma::{assign, serde::Raw};
use matrix_sdk_ui::spaces::SpaceService;

use crate::lab::{Lab, eventually_true};

pub(crate) async fn somebody_finds_a_room_knocks_and_is_let_in(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let clara = lab.register("clara.conrad").await?;
    let rules = InitialStateEvent::new(EmptyStateKey, RoomJoinRulesEventContent::new(JoinRule::Knock));
    let request = assign!(create_room::v3::Request::new(), {
        name: Some("Rechtsamt".to_owned()),
        visibility: Visibility::Public,
        room_alias_name: Some("rechtsamt".to_owned()),
        initial_state: vec![Raw::new(&rules)?.cast_unchecked()],
    });
    let room = anna.client.create_room(request).await?;
    let id = room.room_id();

    let request = assign!(get_public_rooms_filtered::v3::Request::new(), {
        filter: assign!(Filter::new(), { generic_search_term: Some("rechts".to_owned()) }),
    });
    let found = clara.client.public_rooms_filtered(request).await?.chunk;
    ensure!(
        found.len() == 1 && found[0].room_id == id,
        "the directory has something else: {found:?}"
    );
    let alias = found[0]
        .canonical_alias
        .clone()
        .context("the room has no address")?;
    let preview = clara
        .client
        .get_room_preview((&*alias).into(), Vec::new())
        .await?;
    ensure!(preview.room_id == id, "the address leads elsewhere");
    ensure!(preview.num_joined_members == 1, "the room has other members");
    clara
        .client
        .knock(alias.into(), Some("I am new here.".to_owned()), Vec::new())
        .await?;
    clara.room(id, RoomState::Knocked).await?;

    let (requests, _task) = room.subscribe_to_knock_requests().await?;
    let mut requests = pin!(requests);
    let knock = loop {
        let all = requests
            .next()
            .await
            .context("the list of those who knock ended")?;
        if let Some(first) = all.into_iter().next() {
            break first;
        }
    };
    ensure!(
        knock.member_info.user_id == clara.user_id(),
        "somebody else knocks"
    );
    ensure!(
        knock.member_info.reason.as_deref() == Some("I am new here."),
        "the reason is lost"
    );
    knock.accept().await?;
    clara.accept(id).await?;
    let text = lab.secret("Welcome to the legal office.");
    eventually_true("Anna knows that Clara is there", async || {
        Ok(room.joined_members_count() == 2)
    })
    .await?;
    anna.say(id, &text).await?;
    clara.reads(id, &text).await?;
    Ok(())
}

pub(crate) async fn a_space_shows_its_rooms(lab: &mut Lab) -> anyhow::Result<()> {
    let anna = lab.register("anna.albrecht").await?;
    let ben = lab.register("ben.brueckner").await?;
    let creation = assign!(create_room::v3::CreationContent::new(), { room_type: Some(RoomType::Space) });
    let request = assign!(create_room::v3::Request::new(), {
        name: Some("Rathaus".to_owned()),
        creation_content: Some(Raw::new(&creation)?),
        invite: vec![ben.user_id().to_owned()],
    });
    let space = anna.client.create_room(request).await?.room_id().to_owned();
    ben.accept(&space).await?;
    let mut rooms = Vec::new();
    let spaces = SpaceService::new(anna.client.clone()).await;
    for name in ["Bauamt", "Rechtsamt"] {
        let request = assign!(create_room::v3::Request::new(), { name: Some(name.to_owned()) });
        let room = anna.client.create_room(request).await?.room_id().to_owned();
        let joined = anna.room(&room, RoomState::Joined).await?;
        eventually_true("space and room came with /sync", async || {
            let listed = spaces.top_level_joined_spaces().await;
            let has_space = listed.iter().any(|listed| listed.room_id == space);
            Ok(has_space && joined.power_levels().await.is_ok())
        })
        .await?;
        let added = spaces.add_child_to_space(room.clone(), space.clone()).await;
        // The library's own words leave out why.
        added.map_err(|error| anyhow!("can't add a room: {error:?}"))?;
        rooms.push(room);
    }

    // Seen by somebody who is in the space and in none of its rooms: private rooms stay out of sight.
    for (person, expected) in [(&anna, &rooms[..]), (&ben, &[])] {
        let list = SpaceService::new(person.client.clone())
            .await
            .space_room_list(space.clone())
            .await;
        eventually_true("the space shows its rooms", async || {
            list.reset().await;
            list.paginate().await?;
            let mut shown: Vec<_> = list.rooms().await.into_iter().map(|room| room.room_id).collect();
            let mut wanted = expected.to_vec();
            shown.sort();
            wanted.sort();
            Ok(shown == wanted)
        })
        .await?;
    }
    spaces
        .remove_child_from_space(rooms[0].clone(), space.clone())
        .await?;
    let list = spaces.space_room_list(space.clone()).await;
    eventually_true("the space has one room", async || {
        list.reset().await;
        list.paginate().await?;
        let shown = list.rooms().await;
        Ok(shown.len() == 1 && shown[0].room_id == rooms[1])
    })
    .await
}
