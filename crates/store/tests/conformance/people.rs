//! What administrators take from accounts, what people show and report, and short-lived tokens.

use rohrpost_store::{Restrictions, ShortTokenKind, UserRow, UserState};
use ruma::events::room::member::MembershipState;

use crate::{
    memberships::{join, put},
    support::{alice, bob, on_both, room, room_id, tx},
};

fn account() -> UserRow {
    UserRow {
        user_id: alice(),
        password_hash: None,
        administrator: false,
        state: UserState::Active,
        created_ts: 1,
    }
}

#[test]
fn what_was_taken_from_an_account_can_be_given_back() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert_eq!(tx.user_restrictions(&alice()).await?, Restrictions::default());
            tx.user_insert(&account()).await?;
            for (locked, suspended) in [(true, false), (true, true), (false, true), (false, false)] {
                let wanted = Restrictions { locked, suspended };
                for _ in 0..2 {
                    tx.user_restrict(&alice(), wanted).await?;
                    assert_eq!(tx.user_restrictions(&alice()).await?, wanted);
                }
            }
        });
    });
}

#[test]
fn a_short_token_is_taken_once_and_in_its_time() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (login, openid) = (ShortTokenKind::Login, ShortTokenKind::OpenId);
            tx.short_token_insert(&[1; 32], login, &alice(), 100).await?;
            tx.short_token_insert(&[2; 32], openid, &bob(), 100).await?;
            assert_eq!(tx.short_token_take(&[1; 32], login, 100).await?, None, "too late");
            assert_eq!(
                tx.short_token_take(&[1; 32], openid, 99).await?,
                None,
                "another kind"
            );
            assert_eq!(tx.short_token_take(&[1; 32], login, 99).await?, Some(alice()));
            assert_eq!(tx.short_token_take(&[1; 32], login, 99).await?, None, "taken");
            for _ in 0..2 {
                assert_eq!(tx.short_token_get(&[2; 32], openid, 99).await?, Some(bob()));
            }
            assert_eq!(tx.short_token_get(&[2; 32], openid, 100).await?, None);
            assert_eq!(tx.short_token_delete_expired(99).await?, 0);
            assert_eq!(tx.short_token_delete_expired(100).await?, 1);
            tx.short_token_insert(&[3; 32], login, &alice(), 100).await?;
            tx.user_delete_belongings(&alice()).await?;
            assert_eq!(tx.short_token_get(&[3; 32], login, 1).await?, None);
        });
    });
}

#[test]
fn the_same_report_again_takes_the_place_of_the_one_before() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.report_put(&alice(), ("!a:example.org", "$e"), "first", 1)
                .await?;
            tx.report_put(&bob(), ("!a:example.org", "$e"), "mine", 2).await?;
            tx.report_put(&alice(), ("!a:example.org", ""), "the room", 3)
                .await?;
            tx.report_put(&alice(), ("!a:example.org", "$e"), "again", 4)
                .await?;
            let listed = tx.report_list(10).await?;
            let reasons: Vec<&str> = listed.iter().map(|row| row.reason.as_str()).collect();
            assert_eq!(reasons, ["again", "the room", "mine"]);
            assert_eq!((&listed[0].reporter, listed[0].created_ts), (&alice(), 4));
            assert_eq!(tx.report_list(1).await?.len(), 1);
            assert!(tx.report_delete(listed[0].nid).await?);
            assert!(!tx.report_delete(listed[0].nid).await?);
            assert_eq!(tx.report_list(10).await?.len(), 2);
        });
    });
}

#[test]
fn further_fields_of_a_profile_go_with_it() {
    on_both(async |db| {
        tx!(db, |tx| {
            for (name, value) in [("m.tz", "\"a\""), ("a.b", "{}"), ("m.tz", "\"b\"")] {
                tx.profile_field_put(&alice(), name, value).await?;
            }
            tx.profile_field_put(&bob(), "m.tz", "null").await?;
            let fields = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
                pairs
                    .iter()
                    .map(|(a, b)| (a.to_string(), b.to_string()))
                    .collect()
            };
            let both = fields(&[("a.b", "{}"), ("m.tz", "\"b\"")]);
            assert_eq!(tx.profile_fields(&alice()).await?, both);
            for _ in 0..2 {
                tx.profile_field_delete(&alice(), "m.tz").await?;
                assert_eq!(tx.profile_fields(&alice()).await?, both[..1]);
            }
            tx.profile_delete(&alice()).await?;
            assert!(tx.profile_fields(&alice()).await?.is_empty());
            assert_eq!(tx.profile_fields(&bob()).await?.len(), 1);
        });
    });
}

#[test]
fn shared_rooms_are_those_that_both_are_joined_to() {
    on_both(async |db| {
        tx!(db, |tx| {
            for (at, name) in (1..).zip(["c", "a", "b", "d", "e"]) {
                let nid = room(tx, name).await?;
                join(tx, nid, &alice(), at).await?;
                let membership = match name {
                    "d" => MembershipState::Invite,
                    "e" => MembershipState::Leave,
                    _ => MembershipState::Join,
                };
                put(tx, nid, &bob(), &membership, at).await?;
            }
            let both = [room_id("a"), room_id("b"), room_id("c")];
            let (one, other) = (alice(), bob());
            assert_eq!(tx.membership_mutual((&one, &other), "", 10).await?, both);
            assert_eq!(tx.membership_mutual((&other, &one), "", 2).await?, both[..2]);
            assert_eq!(
                tx.membership_mutual((&one, &other), both[0].as_str(), 10).await?,
                both[1..]
            );
            assert_eq!(tx.membership_mutual_count(&one, &other).await?, 3);
        });
    });
}

#[test]
fn a_person_has_one_room_for_notices() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            assert_eq!(tx.notice_room_get(&alice()).await?, None);
            for room in [a, b, b] {
                tx.notice_room_put(&alice(), room).await?;
                assert_eq!(tx.notice_room_get(&alice()).await?, Some(room));
            }
            assert_eq!(tx.notice_room_get(&bob()).await?, None);
        });
    });
}
