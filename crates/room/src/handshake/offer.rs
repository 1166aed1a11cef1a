//! Templates that this server offers: the event that a user of another server would make.

use ruma::events::TimelineEventType;
use ruma::{CanonicalJsonObject, MilliSecondsSinceUnixEpoch, ServerName, UserId};

use super::AskedMembership;
use crate::build::{AuthState, BuildError, NewEvent, Place, draft};

/// What a user of another server wants to become.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Who.
    pub user: &'a UserId,
    /// What.
    pub membership: AskedMembership,
    /// The user of this server who lets them in, where the join rule asks for one.
    pub host: Option<&'a UserId>,
    /// Now.
    pub now: MilliSecondsSinceUnixEpoch,
    /// This server.
    pub server: &'a ServerName,
}

/// The event that the user's server may sign: not hashed, not signed, with the auth events that allow it. As text, a JSON
/// object.
///
/// `state` is the current state, at least for what such an event needs ([`auth_types`](crate::auth_types) of the event
/// that [`event`] makes).
///
/// # Errors
///
/// [`BuildError::Forbidden`] when the rules of the room refuse it; see [`BuildError`].
///
/// # Spec
///
/// [`GET /make_join`](https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_joinroomiduserid)
pub fn offer(wanted: &Wanted<'_>, place: Place<'_>, state: &AuthState) -> Result<String, BuildError> {
    let mut object = draft(event(wanted), place, state)?;
    object.insert("origin".to_owned(), wanted.server.to_string().into());
    serde_json::to_string(&object).map_err(|e| BuildError::BadContent(e.to_string()))
}

/// The event that is offered, before it has a place.
pub fn event(wanted: &Wanted<'_>) -> NewEvent {
    let mut content = CanonicalJsonObject::new();
    content.insert(
        "membership".to_owned(),
        wanted.membership.as_str().to_owned().into(),
    );
    if let Some(host) = wanted.host {
        content.insert(
            "join_authorised_via_users_server".to_owned(),
            host.to_string().into(),
        );
    }
    NewEvent {
        kind: TimelineEventType::RoomMember,
        state_key: Some(wanted.user.to_string()),
        content,
        sender: wanted.user.to_owned(),
        redacts: None,
        origin_server_ts: wanted.now,
    }
}

#[cfg(test)]
mod tests {
    use ruma::{MilliSecondsSinceUnixEpoch, UInt, server_name};
    use serde_json::json;

    use super::{Wanted, offer};
    use crate::build::BuildError;
    use crate::handshake::{Ask, AskedMembership, check_template};
    use crate::test_room::{ALICE, CAROL, DORA, TestRoom, VERSIONS, event, user};

    fn offered(
        room: &TestRoom,
        membership: AskedMembership,
        host: Option<&str>,
    ) -> Result<String, BuildError> {
        let (carol, host) = (user(CAROL), host.map(user));
        let wanted = Wanted {
            user: &carol,
            membership,
            host: host.as_deref(),
            now: MilliSecondsSinceUnixEpoch(UInt::from(5_u32)),
            server: server_name!("a.example"),
        };
        offer(&wanted, room.place(), &room.state)
    }

    fn room(version: &ruma::RoomVersionId, rule: serde_json::Value) -> TestRoom {
        let mut room = TestRoom::public(version);
        room.send(event(ALICE, "m.room.join_rules", Some(""), rule));
        room
    }

    #[test]
    fn what_is_offered_is_what_another_server_takes_for_a_template() {
        for version in VERSIONS {
            for (rule, membership) in [
                ("public", AskedMembership::Join),
                ("knock", AskedMembership::Knock),
            ] {
                let room = room(&version, json!({"join_rule": rule}));
                let template = offered(&room, membership, None).unwrap();
                let carol = user(CAROL);
                let ask = Ask {
                    room_id: room.room_id.as_deref().unwrap(),
                    user: &carol,
                    membership,
                    resident: server_name!("a.example"),
                    version: Some(&version),
                };
                let template = check_template(&template, Some(&version), ask).unwrap();
                assert_eq!(template.authorizer(), None);
            }
        }
    }

    #[test]
    fn a_host_is_named_who_may_let_people_in() {
        for version in VERSIONS {
            let allow = json!([{"type": "m.room_membership", "room_id": "!other:a.example"}]);
            let room = room(&version, json!({"join_rule": "restricted", "allow": allow}));
            let template = offered(&room, AskedMembership::Join, Some(ALICE)).unwrap();
            assert!(template.contains(&format!("\"join_authorised_via_users_server\":\"{ALICE}\"")));
            // Dora isn't in the room.
            let refused = offered(&room, AskedMembership::Join, Some(DORA));
            assert!(matches!(refused, Err(BuildError::Forbidden(_))), "{refused:?}");
        }
    }

    #[test]
    fn nothing_is_offered_that_the_rules_refuse() {
        for version in VERSIONS {
            let room = room(&version, json!({"join_rule": "invite"}));
            for membership in [
                AskedMembership::Join,
                AskedMembership::Knock,
                AskedMembership::Leave,
            ] {
                let refused = offered(&room, membership, None);
                assert!(matches!(refused, Err(BuildError::Forbidden(_))), "{refused:?}");
            }
        }
    }
}
