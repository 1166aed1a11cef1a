//! Prints what one send costs in this crate: building, reading back, push rules and the client format.
//!
//! `cargo run --release -p rohrpost-room --example send_cost`

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use rohrpost_room::create::{CreateRoom, Person, Preset, create_room};
use rohrpost_room::keys::key_from_seed;
use rohrpost_room::{
    AuthState, Encryption, NewEvent, Pdu, Place, Power, PushEvent, Shape, Unsigned, build, canonical_object,
    client_event, resolve,
};
use ruma::events::{StateEventType, TimelineEventType};
use ruma::push::Ruleset;
use ruma::{MilliSecondsSinceUnixEpoch, OwnedEventId, RoomVersionId, UInt, UserId};
use serde_json::json;

const ROUNDS: u32 = 5_000;

fn main() -> Result<(), Box<dyn Error>> {
    let version = RoomVersionId::V12;
    let key = key_from_seed(&[1; 32], "a")?;
    let creator = UserId::parse("@alice:a.example")?;
    let reader = UserId::parse("@bob:a.example")?;
    let now = MilliSecondsSinceUnixEpoch(UInt::from(1_u32));
    let person = |user_id| Person {
        user_id,
        displayname: None,
        avatar_url: None,
    };

    let mut state = AuthState::new();
    let mut heads: Vec<OwnedEventId> = Vec::new();
    let mut room_id = None;
    let templates = create_room(CreateRoom {
        version: version.clone(),
        preset: Preset::PrivateChat,
        creator: person(creator.clone()),
        invite: vec![person(reader.clone())],
        is_direct: false,
        name: Some("Registry".to_owned()),
        topic: None,
        alias: None,
        creation_content: Default::default(),
        initial_state: Vec::new(),
        power_level_content_override: Default::default(),
        encryption: Encryption::Required,
        nonce: "0123456789abcdef".to_owned(),
    })?;
    for (depth, template) in (1..).zip(templates) {
        let place = Place {
            version: &version,
            room_id: room_id.as_deref(),
            prev_events: &heads,
            depth,
        };
        let pdu = build(
            template.into_event(creator.clone(), now),
            place,
            &state,
            creator.server_name(),
            &key,
        )?;
        room_id = Some(pdu.room_id().to_owned());
        heads = vec![pdu.event_id().to_owned()];
        let kind = StateEventType::from(pdu.kind().to_string());
        state.insert(
            (kind, pdu.state_key().unwrap_or_default().to_owned()),
            Arc::new(pdu),
        );
    }

    let new = NewEvent {
        kind: TimelineEventType::RoomEncrypted,
        state_key: None,
        content: canonical_object(json!({
            "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "A".repeat(600), "session_id": "x".repeat(43),
        }))?,
        sender: creator.clone(),
        redacts: None,
        origin_server_ts: now,
    };
    let place = Place {
        version: &version,
        room_id: room_id.as_deref(),
        prev_events: &heads,
        depth: 20,
    };
    let pdu = build(new.clone(), place, &state, creator.server_name(), &key)?;
    measure("build, sign and authorize", || {
        build(new.clone(), place, &state, creator.server_name(), &key).is_ok()
    });
    measure("read from the database", || {
        Pdu::from_stored(pdu.room_id(), pdu.event_id(), pdu.json()).is_ok()
    });
    let levels = state
        .get(&(StateEventType::RoomPowerLevels, String::new()))
        .map(|pdu| &**pdu);
    let create = state
        .get(&(StateEventType::RoomCreate, String::new()))
        .map(|pdu| &**pdu);
    let power = Power::new(create, levels, &version)?;
    measure("read the power levels", || {
        Power::new(create, levels, &version).is_ok()
    });
    measure("take apart for push", || PushEvent::new(&pdu, 2, Some(&power)));
    let rules = Ruleset::server_default(&reader);
    let mut event = PushEvent::new(&pdu, 2, Some(&power));
    measure("push rules of one member", || {
        event.evaluate(&reader, "Bob", &rules)
    });
    let unsigned = Unsigned {
        age_ms: Some(1),
        ..Unsigned::default()
    };
    measure("client format", || {
        client_event(&pdu, &version, Shape::Timeline, &unsigned)
    });
    let map = state
        .iter()
        .map(|(key, pdu)| (key.clone(), pdu.event_id().to_owned()))
        .collect();
    let maps = [map];
    measure("a state that isn't forked", || {
        resolve(&version, &maps, vec![Default::default()], |_| None).is_ok()
    });
    Ok(())
}

fn measure<T>(what: &str, mut run: impl FnMut() -> T) {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        black_box(run());
    }
    println!(
        "{:>8.1} us  {what}",
        start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
    );
}
