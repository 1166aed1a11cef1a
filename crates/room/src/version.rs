//! The room versions this server speaks, and their rules.
//!
//! Versions before 10 aren't offered: they accept power levels as strings. This module doesn't choose the
//! default version for new rooms; that is a setting of the operator. Start with [`rules`].

use ruma::RoomVersionId;
use ruma::room_version_rules::RoomVersionRules;

/// The room versions this server creates, joins and takes part in, oldest first.
pub const SUPPORTED: [&str; 3] = ["10", "11", "12"];

static V10: RoomVersionRules = RoomVersionRules::V10;
static V11: RoomVersionRules = RoomVersionRules::V11;
static V12: RoomVersionRules = RoomVersionRules::V12;

/// The rules of a supported room version, `None` for every other.
///
/// # Spec
///
/// [Room versions](https://spec.matrix.org/v1.19/rooms/)
pub fn rules(version: &RoomVersionId) -> Option<&'static RoomVersionRules> {
    match version {
        RoomVersionId::V10 => Some(&V10),
        RoomVersionId::V11 => Some(&V11),
        RoomVersionId::V12 => Some(&V12),
        _ => None,
    }
}

/// Whether this server speaks the room version.
pub fn is_supported(version: &RoomVersionId) -> bool {
    rules(version).is_some()
}

#[cfg(test)]
mod tests {
    use super::{SUPPORTED, is_supported};
    use ruma::RoomVersionId;

    #[test]
    fn exactly_the_listed_versions_are_supported() {
        for number in 1..=13 {
            let version = RoomVersionId::try_from(number.to_string().as_str()).unwrap();
            assert_eq!(
                is_supported(&version),
                SUPPORTED.contains(&version.as_str()),
                "version {version}"
            );
        }
        assert!(!is_supported(
            &RoomVersionId::try_from("org.example.custom").unwrap()
        ));
    }
}
