//! Random rooms, judged by us and by Synapse: the same events must be accepted, and the same states must come out of forks.
//!
//! Needs a Python with Synapse, named in `ROHRPOST_TEST_SYNAPSE`; `cargo xtask test --only synapse` makes one. Without it
//! only the rooms in `found/` are played, which Synapse has answered before. `ROHRPOST_TEST_SYNAPSE_COMPARISONS` says how
//! many comparisons to make (10,000), and `ROHRPOST_TEST_SYNAPSE_SEED` where to begin (1). A difference that isn't in
//! `known.rs` fails; it is shortened and written to `target/synapse`, from where it belongs to `found/`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compare;
mod found;
mod known;
mod peer;
mod random;
mod script;
mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;

use ruma::RoomVersionId;

use crate::compare::{Difference, FAULTS, Fault, differences};
use crate::peer::{Peer, Question, VARIABLE};
use crate::script::Script;

const VERSIONS: [RoomVersionId; 3] = [RoomVersionId::V10, RoomVersionId::V11, RoomVersionId::V12];

fn number(variable: &str, default: u64) -> u64 {
    std::env::var_os(variable)
        .and_then(|value| value.to_str()?.parse().ok())
        .unwrap_or(default)
}

/// The peer, or a line that says why nothing is compared.
fn peer() -> Option<Peer> {
    let peer = Peer::start();
    if peer.is_none() {
        println!("SKIPPED: {VARIABLE} names no Python with Synapse, so nothing is compared");
    }
    peer
}

fn script(seed: u64) -> Script {
    let version = &VERSIONS[usize::try_from(seed % 3).unwrap()];
    Script::new(version, seed)
}

fn unknown(script: &Script, peer: &mut Peer, fault: Fault) -> Vec<Difference> {
    let world = script.play();
    let answer = peer.ask(&Question::about(&world));
    differences(&world, &answer, fault)
        .into_iter()
        .filter(|difference| difference.known.is_none())
        .collect()
}

/// Leaves out steps as long as a difference stays.
fn shorten(mut script: Script, peer: &mut Peer) -> Script {
    let mut index = 0;
    while index < script.steps.len() {
        let mut shorter = script.clone();
        shorter.steps.remove(index);
        match unknown(&shorter, peer, Fault::None).is_empty() {
            true => index += 1,
            false => script = shorter,
        }
    }
    script
}

#[test]
fn synapse_and_we_accept_the_same_events_and_resolve_forks_to_the_same_state() {
    let Some(mut peer) = peer() else { return };
    let wanted = number("ROHRPOST_TEST_SYNAPSE_COMPARISONS", 10_000);
    let first = number("ROHRPOST_TEST_SYNAPSE_SEED", 1);
    let (mut accepted, mut rejected, mut forks) = (0_u64, 0_u64, 0_u64);
    let mut known: BTreeMap<&str, u64> = BTreeMap::new();
    let mut failures = Vec::new();
    let mut seed = first;
    while accepted + rejected + forks < wanted && failures.len() < 5 {
        let script = script(seed);
        let world = script.play();
        let answer = peer.ask(&Question::about(&world));
        assert_eq!(answer.events.len(), world.happened.len());
        assert_eq!(answer.forks.len(), world.forks.len());
        for event in &world.happened {
            *(if event.accepted {
                &mut accepted
            } else {
                &mut rejected
            }) += 1;
        }
        forks += u64::try_from(world.forks.len()).unwrap();
        let differences = differences(&world, &answer, Fault::None);
        for difference in &differences {
            if let Some(name) = difference.known {
                *known.entry(name).or_default() += 1;
            }
        }
        if differences.iter().any(|difference| difference.known.is_none()) {
            failures.push(script);
        }
        seed += 1;
    }
    println!(
        "seeds {first} to {}: {accepted} events accepted, {rejected} rejected, {forks} forks",
        seed - 1
    );
    for (name, count) in &known {
        println!("understood, {count} times: {name}");
    }
    for script in &failures {
        report(script, &mut peer);
    }
    assert!(
        failures.is_empty(),
        "{} rooms with differences that nobody understands",
        failures.len()
    );
    // What would make the comparison worthless: everything or nothing accepted, hardly anything forked.
    assert!(accepted > wanted / 5 && rejected > wanted / 5 && forks > wanted / 50);
}

fn report(script: &Script, peer: &mut Peer) {
    let short = shorten(script.clone(), peer);
    let world = short.play();
    let question = Question::about(&world);
    let answer = peer.ask(&question);
    println!(
        "\nseed {} of version {}, {} steps left:",
        short.seed,
        short.version,
        short.steps.len()
    );
    for difference in differences(&world, &answer, Fault::None) {
        println!("{} ({:?})", difference.text, difference.known);
    }
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/synapse"));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("seed-{}.json", short.seed));
    found::write(&file, &question, &answer);
    println!("written to {}", file.display());
}

#[test]
fn a_fault_in_our_rules_is_found() {
    let Some(mut peer) = peer() else { return };
    for fault in FAULTS {
        let mut seed = 1;
        while unknown(&script(seed), &mut peer, fault).is_empty() {
            seed += 1;
            assert!(seed < 500, "{fault:?} is not found in 500 rooms");
        }
        println!("{fault:?} is found with seed {seed}");
    }
}

#[test]
fn the_order_of_the_states_doesnt_matter() {
    for seed in 1..200 {
        let world = script(seed).play();
        for fork in &world.forks {
            let mut turned = fork.states.clone();
            turned.reverse();
            assert_eq!(world.resolve(&turned), fork.resolved, "seed {seed}");
            turned.rotate_left(1);
            assert_eq!(world.resolve(&turned), fork.resolved, "seed {seed}");
        }
    }
}
