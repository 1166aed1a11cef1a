//! The people of this server, found by name.

use std::sync::Arc;

pub use rohrpost_store::Profile;
use ruma::OwnedUserId;

use crate::{Caller, Refusal, Result, Server, settings::PeopleSearch};

/// People in one answer.
const MAX_PEOPLE: u32 = 50;
/// Longest term, in bytes.
const MAX_TERM_BYTES: usize = 512;

/// People that were found.
pub struct Found {
    /// In the order of their names.
    pub people: Vec<(OwnedUserId, Profile)>,
    /// There are more.
    pub limited: bool,
}

/// Finds active accounts other than the caller's whose display name or localpart contains all words of the term, among
/// those that the operator lets be found.
///
/// # Errors
/// `InvalidParam` for a term that is too long.
///
/// # Spec
/// [User directory](https://spec.matrix.org/v1.19/client-server-api/#user-directory)
pub async fn search(server: &Arc<Server>, caller: &Caller, term: &str, limit: u32) -> Result<Found> {
    if term.len() > MAX_TERM_BYTES {
        return Err(Refusal::InvalidParam(format!(
            "a search term may have {MAX_TERM_BYTES} bytes"
        )));
    }
    let limit = limit.min(MAX_PEOPLE);
    let (own, term) = (caller.user_id.clone(), term.to_owned());
    let who = server.settings.people_search;
    let reading = server.store.read(move |tx| {
        // One for the caller, one for knowing whether there are more.
        let limit = limit + 2;
        Box::pin(async move {
            Ok::<_, Refusal>(match who {
                PeopleSearch::Everybody => tx.profile_search(words(&term), limit).await?,
                PeopleSearch::SharedRooms => tx.profile_search_sharing(&own, words(&term), limit).await?,
                PeopleSearch::Nobody => Vec::new(),
            })
        })
    });
    let mut people = reading.await?;
    people.retain(|(user_id, _)| *user_id != caller.user_id);
    let limited = people.len() > limit as usize;
    people.truncate(limit as usize);
    Ok(Found { people, limited })
}

/// What to look for. Of a full user id it is the localpart: all are of this server.
fn words(term: &str) -> &str {
    let term = term.trim();
    match term.strip_prefix('@') {
        Some(user_id) => user_id
            .split_once(':')
            .map_or(user_id, |(localpart, _)| localpart),
        None => term,
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_user_id_is_looked_for_by_its_localpart() {
        assert_eq!(words("@anna:example.org"), "anna");
        assert_eq!(words("@an"), "an");
        assert_eq!(words("  Anna Muster "), "Anna Muster");
    }
}
