//! Names of accounts.

use ruma::{OwnedUserId, ServerName, UserId};

use crate::{Refusal, Result};

/// Longest user id, in bytes.
const MAX_USER_ID_BYTES: usize = 255;

/// The user id that a new account with this name gets. Capitals become small letters.
///
/// # Errors
/// `InvalidUsername` with words that say what a name may look like.
///
/// # Spec
/// <https://spec.matrix.org/v1.19/appendices/#user-identifiers>
pub fn new_user_id(name: &str, server: &ServerName) -> Result<OwnedUserId> {
    let refuse = |text: &str| Err(Refusal::InvalidUsername(text.to_owned()));
    let name = name.to_ascii_lowercase();
    let is_allowed =
        |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '.' | '_' | '=' | '-' | '/' | '+');
    if name.is_empty() || !name.chars().all(is_allowed) {
        return refuse("please choose a name of the letters a to z, digits and . _ = - / +");
    }
    // Names of this kind belong to programs: bridges begin theirs with an underscore, guests have numbers.
    if name.starts_with('_') {
        return refuse("names that begin with an underscore are kept for programs; please choose another");
    }
    if name.chars().all(|letter| letter.is_ascii_digit()) {
        return refuse("please choose a name with at least one letter");
    }
    let user_id = format!("@{name}:{server}");
    if user_id.len() > MAX_USER_ID_BYTES {
        return refuse("this name is too long; please choose a shorter one");
    }
    OwnedUserId::try_from(user_id).or_else(|_| refuse("this can't be a name; please choose another"))
}

/// The user id that somebody means who signs in with this name: a full user id of this server or the part between
/// `@` and `:`, in capitals or small letters. `None`: nobody here can be meant.
#[must_use]
pub fn known_user_id(name: &str, server: &ServerName) -> Option<OwnedUserId> {
    let localpart = match name.strip_prefix('@') {
        Some(full) => {
            let (localpart, of) = full.split_once(':')?;
            of.eq_ignore_ascii_case(server.as_str()).then_some(localpart)?
        }
        None => name,
    };
    if localpart.is_empty() || localpart.contains(':') {
        return None;
    }
    UserId::parse(format!("@{}:{server}", localpart.to_ascii_lowercase())).ok()
}

#[cfg(test)]
mod tests {
    use ruma::server_name;

    use super::{known_user_id, new_user_id};
    use crate::Refusal;

    #[test]
    fn takes_the_names_of_the_specification_and_makes_them_small() {
        for (name, expected) in [
            ("Erika", "@erika:test.example"),
            ("a.b_c=d-e/f+9", "@a.b_c=d-e/f+9:test.example"),
            ("1a", "@1a:test.example"),
        ] {
            assert_eq!(new_user_id(name, server_name!("test.example")).unwrap(), expected);
        }
    }

    #[test]
    fn refuses_other_names_and_says_why() {
        let long = "a".repeat(242);
        for name in [
            "",
            "ü",
            "a b",
            "a:b",
            "@a",
            "a\0",
            "_bridge",
            "___",
            "12345",
            &long,
            "a\u{212a}",
        ] {
            let refused = new_user_id(name, server_name!("test.example"));
            assert!(
                matches!(refused, Err(Refusal::InvalidUsername(_))),
                "{name:?} gave {refused:?}"
            );
        }
        assert!(new_user_id(&"a".repeat(241), server_name!("test.example")).is_ok());
    }

    #[test]
    fn finds_people_by_name_and_by_full_id() {
        let server = server_name!("test.example");
        for name in ["erika", "Erika", "@erika:test.example", "@ERIKA:Test.Example"] {
            assert_eq!(known_user_id(name, server).unwrap(), "@erika:test.example");
        }
        for name in [
            "",
            "@",
            "@erika",
            "@erika:",
            "@erika:other.example",
            "erika:test.example",
            "@:test.example",
        ] {
            assert_eq!(known_user_id(name, server), None, "{name:?}");
        }
    }
}
