//! `rohrpost roster renew`: the same roster with a new end.

use clap::Args;

use super::draft::{Draft, Place};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    Draft::open(arguments.place)?.save("nothing is changed but the end")
}
