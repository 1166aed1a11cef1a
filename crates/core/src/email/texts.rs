//! What stands in mail, in German and English. Pure.
//!
//! Mail holds no content of messages, no names of rooms and nothing of what else is in an account.

use crate::settings::Settings;

/// A mail without its address.
pub struct Text {
    /// What about.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// The language somebody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// German.
    German,
    /// English, also for all who asked for another one.
    English,
}

impl Language {
    /// From a language tag such as `de-AT`.
    #[must_use]
    pub fn of(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("de") {
            Self::German
        } else {
            Self::English
        }
    }
}

/// Nobody has told us their language yet: both, one after the other.
fn both(subject: (&str, &str), german: &str, english: &str) -> Text {
    Text {
        subject: format!("{} / {}", subject.0, subject.1),
        body: format!("{german}\n\n-- English --\n\n{english}\n"),
    }
}

/// The link by which somebody shows that they can read mail here.
pub(crate) fn link(settings: &Settings, url: &str) -> Text {
    let name = &settings.server_name;
    both(
        ("E-Mail-Adresse bestätigen", "Confirm your e-mail address"),
        &format!(
            "Guten Tag,\n\njemand hat diese Adresse bei {name} angegeben. Wenn Sie das waren, bestätigen Sie sie bitte \
             hier; der Link gilt 24 Stunden:\n\n{url}\n\nWenn Sie es nicht waren, brauchen Sie nichts zu tun."
        ),
        &format!(
            "Hello,\n\nsomebody gave this address at {name}. If it was you, please confirm it here; the link is valid \
             for 24 hours:\n\n{url}\n\nIf it wasn't you, there is nothing you have to do."
        ),
    )
}

/// Somebody wanted to use an address that an account has already.
pub(crate) fn in_use(settings: &Settings) -> Text {
    let (name, url) = (&settings.server_name, &settings.public_url);
    both(
        (
            "Ihre E-Mail-Adresse hat schon ein Konto",
            "Your e-mail address has an account already",
        ),
        &format!(
            "Guten Tag,\n\njemand wollte diese Adresse bei {name} für ein Konto verwenden. Sie gehört aber schon zu einem \
             Konto. Wenn Sie das waren, melden Sie sich bitte dort an oder setzen Sie Ihr Passwort neu:\n\n{url}\n\n\
             Wenn Sie es nicht waren, brauchen Sie nichts zu tun."
        ),
        &format!(
            "Hello,\n\nsomebody wanted to use this address for an account at {name}, but it belongs to an account \
             already. If it was you, please sign in there or set a new password:\n\n{url}\n\nIf it wasn't you, there \
             is nothing you have to do."
        ),
    )
}

/// There are messages in so many rooms that were not read for a while.
pub(crate) fn notice(language: Language, settings: &Settings, rooms: usize) -> Text {
    let (name, url) = (&settings.server_name, &settings.public_url);
    match language {
        Language::German => {
            let rooms = match rooms {
                1 => "einem Raum".to_owned(),
                rooms => format!("{rooms} Räumen"),
            };
            Text {
                subject: "Ungelesene Nachrichten".to_owned(),
                body: format!(
                    "Guten Tag,\n\nbei {name} warten in {rooms} Nachrichten auf Sie. Hier können Sie sie lesen:\n\n{url}\n\n\
                     Diese Hinweise stellen Sie in den Einstellungen unter Benachrichtigungen ab.\n"
                ),
            }
        }
        Language::English => {
            let rooms = match rooms {
                1 => "one room".to_owned(),
                rooms => format!("{rooms} rooms"),
            };
            Text {
                subject: "Unread messages".to_owned(),
                body: format!(
                    "Hello,\n\nmessages are waiting for you in {rooms} at {name}. You can read them here:\n\n{url}\n\n\
                     You can turn these notices off in the settings, under notifications.\n"
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn a_language_is_known_by_its_tag() {
        for tag in ["de", "de-AT", "DE_de"] {
            assert_eq!(Language::of(tag), Language::German, "{tag}");
        }
        for tag in ["en", "den", "fr", ""] {
            assert_eq!(Language::of(tag), Language::English, "{tag}");
        }
    }
}
