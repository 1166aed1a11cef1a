//! Names and pictures, and finding people by them.

use rohrpost_store::{Profile, Tx, UserRow, UserState};

use crate::{
    accounts::account,
    memberships::join,
    support::{alice, on_both, pos, room, tx, user},
};

async fn put(tx: &mut Tx<'_>, name: &str, display_name: &str) -> rohrpost_store::Result<()> {
    tx.user_insert(&account(name)).await?;
    let profile = Profile {
        display_name: Some(display_name.to_owned()),
        avatar_url: None,
    };
    tx.profile_put(&user(name), &profile).await
}

async fn found(tx: &mut Tx<'_>, term: &str) -> rohrpost_store::Result<Vec<String>> {
    let found = tx.profile_search(term, 100).await?;
    Ok(found
        .into_iter()
        .map(|(user_id, _)| user_id.localpart().to_owned())
        .collect())
}

#[test]
fn a_profile_is_empty_until_it_is_set() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert_eq!(tx.profile_get(&alice()).await?, Profile::default());
            let new = Profile {
                display_name: Some("Alice".into()),
                avatar_url: Some("mxc://a/b".into()),
            };
            tx.profile_put(&alice(), &new).await?;
            assert_eq!(tx.profile_get(&alice()).await?, new);
            let new = Profile {
                display_name: None,
                avatar_url: None,
            };
            tx.profile_put(&alice(), &new).await?;
            assert_eq!(tx.profile_get(&alice()).await?, new);
        });
    });
}

#[test]
fn people_are_found_by_a_part_of_their_name_whatever_the_case() {
    on_both(async |db| {
        tx!(db, |tx| {
            put(tx, "jmueller", "Jörg MÜLLER").await?;
            put(tx, "asmith", "Anna Smith").await?;
            assert_eq!(found(tx, "müller").await?, ["jmueller"]);
            assert_eq!(found(tx, "JÖRG").await?, ["jmueller"]);
            assert_eq!(found(tx, "jmuel").await?, ["jmueller"], "by localpart");
            assert_eq!(
                found(tx, "m").await?,
                ["asmith", "jmueller"],
                "in the order of their names"
            );
            assert_eq!(
                found(tx, "example.org").await?,
                [""; 0],
                "the server's name is nobody's"
            );
            assert_eq!(found(tx, "nobody").await?, [""; 0]);
            assert_eq!(tx.profile_search("m", 1).await?.len(), 1);
        });
    });
}

#[test]
fn wildcards_in_a_term_stand_for_themselves() {
    on_both(async |db| {
        tx!(db, |tx| {
            put(tx, "percent", "100% sure").await?;
            put(tx, "underscore", "snake_case").await?;
            put(tx, "backslash", "back\\slash").await?;
            put(tx, "quote", "O'Neill").await?;
            put(tx, "plain", "plain").await?;
            assert_eq!(found(tx, "%").await?, ["percent"]);
            assert_eq!(found(tx, "_").await?, ["underscore"]);
            assert_eq!(found(tx, "\\").await?, ["backslash"]);
            assert_eq!(found(tx, "k\\s").await?, ["backslash"]);
            assert_eq!(found(tx, "'").await?, ["quote"]);
            assert_eq!(found(tx, "\\%").await?, [""; 0]);
            assert_eq!(found(tx, "e_c").await?, ["underscore"]);
            assert_eq!(
                found(tx, "").await?.len(),
                5,
                "an empty term is part of every name"
            );
        });
    });
}

#[test]
fn closed_accounts_and_strangers_are_not_found() {
    on_both(async |db| {
        tx!(db, |tx| {
            put(tx, "alice", "Alice").await?;
            tx.user_set_state(&alice(), UserState::Deactivated).await?;
            let stranger = Profile {
                display_name: Some("Alice elsewhere".into()),
                avatar_url: None,
            };
            tx.profile_put(&user("stranger"), &stranger).await?;
            assert_eq!(found(tx, "alice").await?, [""; 0]);
            let open = UserRow {
                state: UserState::Active,
                ..account("alice2")
            };
            tx.user_insert(&open).await?;
            tx.profile_put(&open.user_id, &Profile::default()).await?;
            assert_eq!(
                found(tx, "alice").await?,
                ["alice2"],
                "without a name, by localpart"
            );
        });
    });
}

#[test]
fn each_word_has_to_be_found_in_any_order() {
    on_both(async |db| {
        tx!(db, |tx| {
            put(tx, "jm", "Jörg Müller").await?;
            put(tx, "am", "Anna Müller").await?;
            assert_eq!(found(tx, "müller jörg").await?, ["jm"]);
            assert_eq!(found(tx, "  müll   ann ").await?, ["am"]);
            assert_eq!(found(tx, "müller").await?, ["am", "jm"]);
            assert_eq!(
                found(tx, "a n m ü nobody").await?,
                ["am"],
                "no more than four words"
            );
            assert_eq!(found(tx, " \t").await?.len(), 2);
        });
    });
}

#[test]
fn an_account_without_a_profile_is_found_by_its_localpart_alone() {
    on_both(async |db| {
        tx!(db, |tx| {
            tx.user_insert(&account("secretary")).await?;
            put(tx, "boss", "Boss").await?;
            assert_eq!(found(tx, "Secret").await?, ["secretary"]);
            assert_eq!(found(tx, "").await?, ["boss", "secretary"]);
            for part in ["example", "org", ":", "@"] {
                assert_eq!(found(tx, part).await?, [""; 0], "the server's name is nobody's");
            }
            let profile = Profile {
                display_name: Some("Office".into()),
                avatar_url: None,
            };
            tx.profile_put(&user("secretary"), &profile).await?;
            assert_eq!(found(tx, "office").await?, ["secretary"]);
            tx.profile_delete(&user("secretary")).await?;
            assert_eq!(found(tx, "office").await?, [""; 0]);
            assert_eq!(tx.profile_get(&user("secretary")).await?, Profile::default());
            assert_eq!(found(tx, "secretary").await?, ["secretary"]);
        });
    });
}

#[test]
fn a_search_among_those_one_shares_a_room_with_finds_nobody_else() {
    on_both(async |db| {
        tx!(db, |tx| {
            put(tx, "mia", "Mia").await?;
            put(tx, "moritz", "Moritz").await?;
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            join(tx, a, &alice(), 1).await?;
            join(tx, a, &user("mia"), 2).await?;
            join(tx, b, &user("moritz"), 3).await?;
            let found = tx.profile_search_sharing(&alice(), "m", 10).await?;
            let found: Vec<&str> = found.iter().map(|(user_id, _)| user_id.localpart()).collect();
            assert_eq!(found, ["mia"]);
            assert!(
                tx.profile_search_sharing(&alice(), "moritz", 10)
                    .await?
                    .is_empty()
            );
        });
    });
}

#[test]
fn changed_fields_are_told_to_those_who_share_a_room() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            join(tx, a, &alice(), 1).await?;
            join(tx, a, &user("bob"), 2).await?;
            join(tx, b, &user("carol"), 3).await?;
            for (name, field, at) in [
                ("alice", "m.tz", 4),
                ("bob", "displayname", 5),
                ("bob", "m.tz", 6),
                ("carol", "m.tz", 7),
                ("bob", "displayname", 8),
            ] {
                tx.profile_change_put(&user(name), field, pos(at)).await?;
            }
            let told = |name: &str, field: &str| (user(name), field.to_owned());
            let all = tx.profile_change_list(&alice(), pos(0), pos(9), 9).await?;
            assert_eq!(
                all,
                [
                    told("bob", "displayname"),
                    told("bob", "m.tz"),
                    told("alice", "m.tz")
                ]
            );
            let some = tx.profile_change_list(&alice(), pos(4), pos(7), 9).await?;
            assert_eq!(some, [told("bob", "m.tz")]);
            let few = tx.profile_change_list(&alice(), pos(0), pos(9), 1).await?;
            assert_eq!(few, [told("bob", "displayname")]);
        });
    });
}

#[test]
fn many_profiles_come_in_the_order_they_were_asked_for() {
    on_both(async |db| {
        tx!(db, |tx| {
            put(tx, "anna", "Anna").await?;
            tx.profile_field_put(&user("anna"), "m.tz", "\"Europe/Berlin\"")
                .await?;
            let found = tx.profile_get_each(&[user("nobody"), user("anna")]).await?;
            assert_eq!(found[0].profile, Profile::default());
            assert!(found[0].fields.is_empty());
            assert_eq!(found[1].profile.display_name.as_deref(), Some("Anna"));
            assert_eq!(
                found[1].fields,
                [("m.tz".to_owned(), "\"Europe/Berlin\"".to_owned())]
            );
        });
    });
}
