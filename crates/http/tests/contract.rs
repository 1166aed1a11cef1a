//! What each implemented endpoint of the specification answers to: a good request; the same again; somebody else's
//! things and things that don't exist, which must look the same; and bodies that are malformed.
//!
//! Each endpoint has a row ([`row::Row`]). A row that lacks an answer to one of these questions is a failing test, and so
//! is an endpoint without a row. Without a token and with a wrong one, each is asked in `endpoints.rs`. Some rows stand
//! among [neighbours](around::Around): a web site, and an application service.

mod account;
mod around;
mod ask;
mod encryption;
mod given;
mod mail;
mod media;
mod personal;
mod public;
mod push;
mod reading;
mod rooms;
mod row;
mod services;
mod world;

use std::collections::BTreeSet;

use rohrpost_core::settings::Registration;

use self::{around::Around, row::Row, world::World};
use crate::endpoints::page;

fn rows() -> Vec<Row> {
    let parts = [
        account::rows(),
        encryption::rows(),
        mail::rows(),
        media::rows(),
        personal::rows(),
        public::rows(),
        push::rows(),
        reading::rows(),
        rooms::rows(),
        services::rows(),
    ];
    parts.into_iter().flatten().collect()
}

async fn ask_all(registration: Registration) {
    let around = Around::start().await;
    around
        .server(registration)
        .each(async |server| {
            let mut faults = Vec::new();
            for (number, row) in rows().into_iter().enumerate() {
                if row.by_mail == (registration == Registration::Email) {
                    let world = World::new(&server, &around, number).await;
                    ask::check(&row, world, &mut faults).await;
                }
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

#[tokio::test]
async fn each_endpoint_answers_as_its_row_says() {
    ask_all(Registration::Open).await;
}

#[tokio::test]
async fn each_endpoint_for_accounts_by_mail_answers_as_its_row_says() {
    ask_all(Registration::Email).await;
}

#[test]
fn each_implemented_endpoint_has_a_row() {
    let rows: BTreeSet<(String, String)> = rows()
        .iter()
        .map(|row| (row.method.to_owned(), page::shape(row.path)))
        .collect();
    let there = page::implemented();
    let missing: Vec<String> = page::list()
        .into_iter()
        .map(|endpoint| (endpoint.method, page::shape(&endpoint.path)))
        .filter(|endpoint| there.contains(endpoint) && !rows.contains(endpoint))
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    assert!(missing.is_empty(), "no row for\n{}", missing.join("\n"));
    let gone: Vec<_> = rows.difference(&there).collect();
    assert!(gone.is_empty(), "{gone:?} are no endpoints");
}
