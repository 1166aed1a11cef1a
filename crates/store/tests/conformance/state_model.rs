//! State layers against a plain map: whatever changes, the stored state says the same, in short chains.

use std::{
    collections::{BTreeMap, HashMap},
    io::Write as _,
};

use proptest::{
    prelude::{Just, Strategy},
    prop_oneof,
    test_runner::{Config, TestRunner},
};
use rohrpost_store::{EventNid, Result, RoomNid, StateNid, StatePair, StoreError, Tx};
use ruma::events::StateEventType;

use crate::support::{Db, on_both, on_both_blocking, room, tx, unit};

/// (type, state key) number to event.
type Model = BTreeMap<usize, i64>;

/// How far back the state lies that is changed, and what is put where; `None` removes.
type Change = (usize, Vec<(usize, Option<i64>)>);

const KEYS: usize = 60;

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let event = prop_oneof![3 => (1..40_i64).prop_map(Some), 1 => Just(None)];
    // Mostly small changes, now and then a large one, as when servers meet again after a while.
    let size = prop_oneof![8 => 1..4_usize, 1 => 20..KEYS];
    let pairs = size.prop_flat_map(move |size| proptest::collection::vec((0..KEYS, event.clone()), size));
    // Mostly of the newest state, now and then of one long ago.
    let back = prop_oneof![6 => Just(0_usize), 1 => 0..50_usize];
    proptest::collection::vec((back, pairs), 1..60)
}

fn kind() -> StateEventType {
    StateEventType::from("org.example.key")
}

/// Applies the changes to the store and to the model, and compares after each.
async fn compare(tx: &mut Tx<'_>, changes: &[Change]) -> Result<()> {
    let name = format!("model{}", tx.pos_next().await?.0);
    let room = room(tx, &name).await?;
    let mut keys = Vec::new();
    for number in 0..KEYS {
        keys.push(tx.state_key_intern(&kind(), &number.to_string()).await?);
    }
    let mut states: Vec<(StateNid, Model)> = vec![(StateNid(0), Model::new())];
    let mut known: HashMap<Model, StateNid> = HashMap::from([(Model::new(), StateNid(0))]);
    for (back, change) in changes {
        let (parent, mut model) = states[states.len() - 1 - back % states.len()].clone();
        for (key, event) in change {
            match event {
                Some(event) => model.insert(*key, *event),
                None => model.remove(key),
            };
        }
        let pair = |(key, event): &(usize, Option<i64>)| StatePair {
            key: keys[*key],
            event: EventNid(event.unwrap_or(0)),
        };
        let pairs: Vec<StatePair> = change.iter().map(pair).collect();
        let state = tx.state_put(room, parent, &pairs).await?;
        assert_eq!(
            *known.entry(model.clone()).or_insert(state),
            state,
            "same state, same number"
        );
        check(tx, state, &model).await?;
        states.push((state, model));
    }
    // Layers that were written later must not have changed those before.
    for (state, model) in &states {
        check(tx, *state, model).await?;
    }
    let distinct: std::collections::BTreeSet<i64> = known.values().map(|state| state.0).collect();
    assert_eq!(distinct.len(), known.len(), "different states, different numbers");
    Ok(())
}

async fn check(tx: &mut Tx<'_>, state: StateNid, model: &Model) -> Result<()> {
    let mut full: Vec<i64> = tx
        .state_full(state)
        .await?
        .into_iter()
        .map(|event| event.0)
        .collect();
    full.sort_unstable();
    let mut expected: Vec<i64> = model.values().copied().collect();
    expected.sort_unstable();
    assert_eq!(full, expected);
    for key in (0..KEYS).step_by(7) {
        let found = tx.state_find(state, &kind(), &key.to_string()).await?;
        assert_eq!(found, model.get(&key).map(|event| EventNid(*event)));
    }
    Ok(())
}

/// The longest chain of layers in the database.
fn longest_chain(db: &Db) -> i64 {
    let sql = "WITH RECURSIVE chain (nid, parent, length) AS (SELECT nid, parent, CAST(1 AS BIGINT) FROM states \
               UNION ALL SELECT c.nid, s.parent, c.length + 1 FROM chain c JOIN states s ON s.nid = c.parent) \
               SELECT COALESCE(MAX(length), 0) FROM chain";
    db.database.look_one(sql)
}

/// The logarithm to base two, rounded up.
fn log2(number: usize) -> i64 {
    i64::from(number.next_power_of_two().ilog2())
}

#[test]
fn layers_say_the_same_as_a_map() {
    on_both_blocking(|db, runtime| {
        let cases = if db.is_sqlite() { 200 } else { 25 };
        let config = Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        };
        let run = TestRunner::new(config).run(&changes(), |changes| {
            let work = unit(move |tx| {
                let changes = changes.clone();
                Box::pin(async move { compare(tx, &changes).await })
            });
            let compared: Result<(), StoreError> = runtime.block_on(db.store.write(work));
            compared.map_err(|error| proptest::test_runner::TestCaseError::fail(error.to_string()))
        });
        run.unwrap_or_else(|failure| panic!("{failure}"));
        let longest = longest_chain(db);
        assert!(
            longest <= log2(KEYS) + 2,
            "a chain of {longest} layers for {KEYS} keys"
        );
    });
}

/// A room of `members`, in which `changes` more state events come one after the other.
async fn busy_room(tx: &mut Tx<'_>, room: RoomNid, members: i64, changes: i64) -> Result<()> {
    let mut pairs = Vec::new();
    for member in 0..members {
        pairs.push(StatePair {
            key: member + 1,
            event: EventNid(member + 1),
        });
    }
    let mut state = tx.state_put(room, StateNid(0), &pairs).await?;
    for number in 0..changes {
        // Scattered over the members, a tenth of them leave no trace.
        let key = number.wrapping_mul(2_654_435_761) % members + 1;
        let event = if number % 10 == 9 { 0 } else { members + number + 1 };
        state = tx
            .state_put(
                room,
                state,
                &[StatePair {
                    key,
                    event: EventNid(event),
                }],
            )
            .await?;
    }
    assert!(tx.state_full(state).await?.len() as i64 <= members);
    Ok(())
}

#[test]
fn a_change_costs_few_bytes_however_large_the_room() {
    on_both(async |db| {
        for (name, members, changes) in [
            ("small", 10, 1_000),
            ("large", 1_000, 2_000),
            ("huge", 20_000, 300),
        ] {
            let nid = tx!(db, |tx| room(tx, name).await?);
            tx!(db, |tx| busy_room(tx, nid, members, changes).await?);
            let sql = format!(
                "SELECT CAST(SUM(LENGTH(layer)) AS BIGINT), MAX(nid) FROM states WHERE room_nid = {}",
                nid.0
            );
            let bytes = db.database.look(&sql)[0][0] - 16 * members;
            let (each, in_full) = (bytes / changes, 16 * members);
            let line = format!(
                "state layers, {}, {members} members: {each} bytes for a change, {in_full} in full\n",
                db.store.engine_name()
            );
            std::io::stdout().write_all(line.as_bytes()).unwrap();
            // A pair is written again each time that its layer doubles.
            assert!(
                each <= 16 * (log2(members as usize) + 2),
                "{each} bytes for a change"
            );
        }
        let longest = longest_chain(db);
        assert!(longest <= log2(20_000) + 2, "a chain of {longest} layers");
    });
}
