//! Random histories: a script is a list of seeds, one for each step, so that a step can be left out and the others
//! stay what they are.

use ruma::signatures::Ed25519KeyPair;
use ruma::{OwnedEventId, RoomVersionId};
use serde_json::{Value, json};

use crate::random::Random;
use crate::world::{Draft, World};

const USERS: [&str; 7] = [
    "@alice:a.example",
    "@bob:a.example",
    "@carol:b.example",
    "@dora:c.example",
    "@eve:b.example",
    "@frank:c.example",
    "@gina:a.example",
];
const TOKENS: [&str; 2] = ["token1", "token2"];
const IDENTITY: &str = "identity.example";
const LEVELS: [i64; 10] = [-5, 0, 1, 25, 49, 50, 51, 99, 100, 101];
const FIELDS: [&str; 7] = [
    "users_default",
    "events_default",
    "state_default",
    "ban",
    "redact",
    "kick",
    "invite",
];
const RULES: [&str; 6] = [
    "public",
    "invite",
    "knock",
    "restricted",
    "knock_restricted",
    "private",
];

#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) version: RoomVersionId,
    pub(crate) seed: u64,
    pub(crate) steps: Vec<u64>,
}

impl Script {
    pub(crate) fn new(version: &RoomVersionId, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let length = 12 + random.below(20);
        Self {
            version: version.clone(),
            seed,
            steps: (0..length).map(|_| random.next()).collect(),
        }
    }

    /// Plays all steps in a new room.
    pub(crate) fn play(&self) -> World {
        let mut random = Random::new(self.seed ^ 0x5eed);
        let mut world = World::new(&self.version, &create(&self.version, &mut random));
        begin(&mut world, &mut random);
        for seed in &self.steps {
            step(&mut world, &mut Random::new(*seed));
        }
        if world.heads.len() > 1 {
            world.resolve_heads();
        }
        world
    }
}

fn create(version: &RoomVersionId, random: &mut Random) -> Draft {
    let mut content = json!({"room_version": version.as_str(), "nonce": random.next() >> 12});
    if *version == RoomVersionId::V10 {
        content["creator"] = USERS[0].into();
    }
    if random.one_in(30) {
        content["m.federate"] = (!random.one_in(2)).into();
    }
    if random.one_in(3) {
        content["additional_creators"] = json!([random.pick(&USERS[1..])]);
    }
    draft(USERS[0], "m.room.create", Some(""), content, 1_000)
}

/// What rooms begin with; now and then something of it is missing.
fn begin(world: &mut World, random: &mut Random) {
    let mut drafts = vec![member(USERS[0], USERS[0], "join")];
    if !random.one_in(10) {
        let mut users = json!({});
        if world.version != RoomVersionId::V12 {
            users[USERS[0]] = 100.into();
        }
        for user in &USERS[1..4] {
            if random.one_in(2) {
                users[*user] = (*random.pick(&LEVELS)).into();
            }
        }
        let mut levels = json!({"users": users});
        // All levels are said, but in a few rooms: see `known.rs`.
        if !random.one_in(12) {
            for field in FIELDS {
                levels[field] = (*random.pick(&[0, 0, 25, 50, 50])).into();
            }
        }
        if random.one_in(2) {
            levels["events"] = json!({"m.room.power_levels": random.pick(&[25, 50]), "m.room.topic": 25});
        }
        drafts.push(draft(USERS[0], "m.room.power_levels", Some(""), levels, 0));
    }
    if !random.one_in(40) {
        drafts.push(join_rules(USERS[0], random));
    }
    for user in &USERS[1..4] {
        drafts.push(member(USERS[0], user, "invite"));
        if !random.one_in(4) {
            drafts.push(member(user, user, "join"));
        }
    }
    for (i, mut draft) in drafts.into_iter().enumerate() {
        draft.ts = 1_001 + u64::try_from(i).unwrap();
        world.happen(&draft, &[0], |_, _| {});
    }
}

fn step(world: &mut World, random: &mut Random) {
    match random.below(12) {
        0 | 1 => {
            let index = random.below(world.happened.len());
            world.fork_at(index);
        }
        _ => {}
    }
    let mut on = vec![random.below(world.heads.len())];
    if random.one_in(5) {
        on.push(random.below(world.heads.len()));
        on.push(random.below(world.heads.len()));
    }
    let mut draft = any_draft(world, on[0], random);
    // Some at the same time, some before what they follow.
    draft.ts = 1_000 + u64::try_from(world.happened.len() / 2).unwrap() + random.next() % 6;
    let spoil = random.below(14);
    world.happen(&draft, &on, |cited, world| {
        spoil_citation(cited, world, spoil, random)
    });
}

/// Now and then the auth events aren't those of the state.
fn spoil_citation(cited: &mut Vec<OwnedEventId>, world: &World, spoil: usize, random: &mut Random) {
    let any = |random: &mut Random| random.pick(&world.happened).pdu.event_id().to_owned();
    match spoil {
        0 if !cited.is_empty() => {
            cited.remove(random.below(cited.len()));
        }
        1 => cited.push(any(random)),
        2 if !cited.is_empty() && random.one_in(2) => cited.push(cited[random.below(cited.len())].clone()),
        // An older or newer event for the same key: allowed by the rules about auth events.
        3..=5 if !cited.is_empty() => {
            let place = random.below(cited.len());
            let known = &world.events[&cited[place]];
            let same: Vec<_> = world
                .events
                .values()
                .filter(|pdu| pdu.kind() == known.kind() && pdu.state_key() == known.state_key())
                .collect();
            cited[place] = random.pick(&same).event_id().to_owned();
        }
        6 if random.one_in(4) => {
            let unknown = format!("${}", "a".repeat(43));
            cited.push(OwnedEventId::try_from(unknown).unwrap());
        }
        _ => {}
    }
}

fn any_draft(world: &World, on: usize, random: &mut Random) -> Draft {
    let sender = *random.pick(&USERS);
    let target = *random.pick(&USERS);
    match random.below(36) {
        0..=3 => member(sender, sender, "join"),
        4 | 5 => member(sender, sender, "leave"),
        6 | 7 => member(sender, target, "leave"),
        8..=10 => member(sender, target, "ban"),
        11 | 12 => member(sender, target, "invite"),
        13 | 14 => member(sender, sender, "knock"),
        15 => member(sender, target, ["join", "knock", "dance"][random.below(3)]),
        16 | 17 => {
            let mut draft = member(sender, sender, "join");
            draft.content["join_authorised_via_users_server"] = target.into();
            draft
        }
        18..=24 => power_levels(world, on, sender, random),
        25..=27 => join_rules(sender, random),
        28 => third_party_invite(sender, random),
        29 | 30 => invite_by_token(sender, target, random),
        31 => draft(
            sender,
            "m.room.topic",
            Some(""),
            json!({"topic": random.next() % 100}),
            0,
        ),
        32 => draft(sender, "m.room.message", None, json!({"body": "x"}), 0),
        33 => draft(sender, "org.example.own", Some(target), json!({}), 0),
        34 => draft(sender, "m.room.redaction", None, json!({"redacts": "$x"}), 0),
        _ => strange_member(sender, target, random),
    }
}

fn strange_member(sender: &str, target: &str, random: &mut Random) -> Draft {
    let mut draft = member(sender, target, "invite");
    draft.content = match random.below(5) {
        0 => json!({}),
        1 => json!({"membership": 5}),
        2 => {
            let invite = [
                json!(null),
                json!("x"),
                json!([]),
                json!({"signed": 5, "more": 1}),
            ];
            let membership = ["invite", "join", "leave"][random.below(3)];
            json!({"membership": membership, "third_party_invite": random.pick(&invite)})
        }
        3 => json!({"membership": "invite", "third_party_invite": {"signed": {"token": TOKENS[0]}}}),
        _ => json!({"membership": "invite", "third_party_invite": {}}),
    };
    draft
}

fn join_rules(sender: &str, random: &mut Random) -> Draft {
    let content = match random.below(60) {
        0 => json!({"join_rule": 5}),
        1 => json!({}),
        _ => json!({"join_rule": random.pick(&RULES)}),
    };
    draft(sender, "m.room.join_rules", Some(""), content, 0)
}

/// Mostly the levels there are with one change.
fn power_levels(world: &World, on: usize, sender: &str, random: &mut Random) -> Draft {
    let state = &world.heads[on % world.heads.len()].after;
    let current = state
        .iter()
        .find(|((kind, key), _)| kind.to_string() == "m.room.power_levels" && key.is_empty())
        .map(|(_, id)| &world.events[id]);
    let mut content: Value = current.map_or_else(
        || {
            let mut levels = json!({"users": {}});
            for field in FIELDS {
                levels[field] = 50.into();
            }
            levels
        },
        |pdu| serde_json::from_str(pdu.content().get()).unwrap(),
    );
    for _ in 0..=random.below(3) {
        change_levels(&mut content, sender, random);
    }
    if random.one_in(12) {
        spoil_levels(&mut content, random);
    }
    draft(sender, "m.room.power_levels", Some(""), content, 0)
}

fn change_levels(content: &mut Value, sender: &str, random: &mut Random) {
    let level = *random.pick(&LEVELS);
    let who = if random.one_in(3) {
        sender
    } else {
        *random.pick(&USERS)
    };
    match random.below(8) {
        0..=2 => content["users"][who] = level.into(),
        3 => {
            if let Some(users) = content["users"].as_object_mut() {
                users.remove(who);
            }
        }
        4 => {
            content["events"][*random.pick(&["m.room.topic", "m.room.power_levels", "m.room.message"])] =
                level.into()
        }
        5 => content["notifications"]["room"] = level.into(),
        6 => content[*random.pick(&FIELDS)] = level.into(),
        // Taken away only where not all are there anyway.
        _ => {
            let object = content.as_object_mut().unwrap();
            if FIELDS.iter().any(|field| !object.contains_key(*field)) {
                object.remove(*random.pick(&FIELDS));
            }
        }
    }
}

fn spoil_levels(content: &mut Value, random: &mut Random) {
    match random.below(9) {
        0 => content[*random.pick(&FIELDS)] = "50".into(),
        1 => content[*random.pick(&FIELDS)] = Value::Null,
        2 => content["users"] = json!([]),
        3 => content["users"]["alice"] = 50.into(),
        4 => content["users"][USERS[2]] = "100".into(),
        5 => content["events"] = json!({"m.room.topic": "5"}),
        6 => content["notifications"] = json!({"room": [5]}),
        7 => content["users"][USERS[0]] = 100.into(),
        _ => content["events"] = Value::Null,
    }
}

fn identity_key(right: bool) -> Ed25519KeyPair {
    let seed = if right { [8; 32] } else { [9; 32] };
    rohrpost_room::keys::key_from_seed(&seed, "0").unwrap()
}

fn third_party_invite(sender: &str, random: &mut Random) -> Draft {
    let key = rohrpost_room::keys::verify_key(&identity_key(!random.one_in(5))).encode();
    let content = match random.below(3) {
        0 => {
            json!({"display_name": "g...", "public_key": key, "key_validity_url": "https://identity.example"})
        }
        1 => json!({"public_keys": [{"public_key": key}]}),
        _ => json!({"public_key": key, "public_keys": [{"public_key": key}]}),
    };
    draft(
        sender,
        "m.room.third_party_invite",
        Some(TOKENS[random.below(TOKENS.len())]),
        content,
        0,
    )
}

fn invite_by_token(sender: &str, target: &str, random: &mut Random) -> Draft {
    let named = if random.one_in(6) {
        *random.pick(&USERS)
    } else {
        target
    };
    let signed = json!({"mxid": named, "token": random.pick(&TOKENS)});
    let mut signed = serde_json::from_value(signed).unwrap();
    ruma::signatures::sign_json(IDENTITY, &identity_key(true), &mut signed).unwrap();
    if random.one_in(6) {
        signed.insert("more".to_owned(), "unsigned".to_owned().into());
    }
    let mut draft = member(sender, target, "invite");
    draft.content["third_party_invite"] = json!({"display_name": "g...", "signed": signed});
    draft
}

fn member(sender: &str, target: &str, membership: &str) -> Draft {
    draft(
        sender,
        "m.room.member",
        Some(target),
        json!({"membership": membership}),
        0,
    )
}

fn draft(sender: &str, kind: &str, state_key: Option<&str>, content: Value, ts: u64) -> Draft {
    Draft {
        sender: sender.to_owned(),
        kind: kind.to_owned(),
        state_key: state_key.map(ToOwned::to_owned),
        content,
        ts,
    }
}
