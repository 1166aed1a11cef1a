//! Servers that didn't answer, as clients are told of them.

use std::collections::BTreeMap;

use rohrpost_core::encryption::query_keys::Failures;
use serde_json::{Value, json};

/// "If any remote homeservers could not be reached, they are recorded here. The names of the properties are the names of
/// the unreachable servers."
pub(super) fn told(failures: Failures) -> BTreeMap<String, Value> {
    let told = failures
        .into_iter()
        .map(|(name, why)| (name.to_string(), json!({ "error": why })));
    told.collect()
}
