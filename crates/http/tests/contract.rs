//! What each implemented endpoint of the specification answers to: a good request; the same again; somebody else's
//! things and things that don't exist, which must look the same; and bodies that are malformed.
//!
//! Each endpoint has a row ([`row::Row`]). A row that lacks an answer to one of these questions is a failing test, and so
//! is an endpoint without a row. Without a token and with a wrong one, each is asked in `endpoints.rs`.

mod account;
mod ask;
mod elsewhere;
mod encryption;
mod personal;
mod public;
mod push;
mod reading;
mod rooms;
mod row;
mod world;

use std::{collections::BTreeSet, path::Path};

use rohrpost_testkit::TestServer;

use self::{row::Row, world::World};
use crate::endpoints::page;

fn rows() -> Vec<Row> {
    let parts = [
        account::rows(),
        encryption::rows(),
        personal::rows(),
        public::rows(),
        push::rows(),
        reading::rows(),
        rooms::rows(),
    ];
    parts.into_iter().flatten().collect()
}

#[tokio::test]
async fn each_endpoint_answers_as_its_row_says() {
    TestServer::with(world::settings)
        .each(async |server| {
            let mut faults = Vec::new();
            for (number, row) in rows().into_iter().enumerate() {
                let world = World::new(&server, number).await;
                ask::check(&row, world, &mut faults).await;
            }
            assert!(
                faults.is_empty(),
                "{} faults:\n{}",
                faults.len(),
                faults.join("\n")
            );
        })
        .await;
}

#[test]
fn each_implemented_endpoint_has_a_row_or_is_tested_elsewhere() {
    let rows: BTreeSet<(String, String)> = rows()
        .iter()
        .map(|row| (row.method.to_owned(), page::shape(row.path)))
        .collect();
    let elsewhere: BTreeSet<(String, String)> = elsewhere::ROWS
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), page::shape(path)))
        .collect();
    let there = page::implemented();
    let missing: Vec<String> = page::list()
        .into_iter()
        .map(|endpoint| (endpoint.method, page::shape(&endpoint.path)))
        .filter(|endpoint| there.contains(endpoint))
        .filter(|endpoint| !rows.contains(endpoint) && !elsewhere.contains(endpoint))
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    assert!(missing.is_empty(), "no row for\n{}", missing.join("\n"));
    let twice: Vec<_> = rows.intersection(&elsewhere).collect();
    assert!(twice.is_empty(), "{twice:?} have a row and needn't be elsewhere");
    let gone: Vec<_> = rows
        .union(&elsewhere)
        .filter(|endpoint| !there.contains(*endpoint))
        .collect();
    assert!(gone.is_empty(), "{gone:?} are no endpoints");
}

#[test]
fn each_test_elsewhere_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = std::fs::read_dir(folder).expect("the tests");
    let sources: Vec<String> = files
        .map(|file| file.expect("a file").path())
        .filter(|path| path.is_file())
        .map(|path| std::fs::read_to_string(path).expect("text"))
        .collect();
    for (method, path, tests) in elsewhere::ROWS {
        for test in *tests {
            let head = format!("#[tokio::test]\nasync fn {test}(");
            assert!(
                sources.iter().any(|source| source.contains(&head)),
                "{method} {path}: there is no test {test}"
            );
        }
    }
}
