//! Public keys: published, asked for, handed out, signed.

mod claim_keys;
mod failures;
mod key_changes;
mod query_keys;
mod upload_identity;
mod upload_keys;
mod upload_signatures;

use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.authed(upload_keys::upload_keys);
    routes.authed(query_keys::query_keys);
    routes.authed(claim_keys::claim_keys);
    routes.authed(key_changes::key_changes);
    routes.authed(upload_identity::upload_identity);
    routes.authed(upload_signatures::upload_signatures);
}
