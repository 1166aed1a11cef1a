//! Versions with known faults must not come in, directly or through another crate. `deny.toml` says which; this check
//! needs no tool beside cargo.

use cargo_metadata::semver::{Version, VersionReq};

use super::Finding;
use super::files::File;

/// A line of `deny.toml`.
struct Ban<'a> {
    name: &'a str,
    versions: VersionReq,
    reason: &'a str,
}

/// Holds a `Cargo.lock` against the bans in `deny.toml`.
pub(super) fn check(lock: &File, deny: &File) -> Vec<Finding> {
    let bans: Vec<Ban<'_>> = deny.text.lines().filter_map(ban).collect();
    if bans.is_empty() {
        let message =
            "bans no version, write each on its own line as { crate = \"name:<1.2.3\", reason = \"why\" }";
        return vec![Finding::error(&deny.path, 1, message)];
    }
    let mut findings = Vec::new();
    let mut name = "";
    for (at, line) in lock.text.lines().enumerate() {
        if let Some(value) = line.strip_prefix("name = ") {
            name = value.trim_matches('"');
        } else if let Some(version) = line.strip_prefix("version = ") {
            let version = version.trim_matches('"');
            let banned = bans
                .iter()
                .find(|ban| ban.name == name && matches(&ban.versions, version));
            findings.extend(banned.map(|ban| {
                let message = format!(
                    "{name} {version} is banned because {}, take a newer one or none",
                    ban.reason
                );
                Finding::error(&lock.path, at + 1, message)
            }));
        }
    }
    findings
}

/// `{ crate = "name:<1.2.3", reason = "why" },`, where the versions may be left out.
fn ban(line: &str) -> Option<Ban<'_>> {
    let (name, rest) = line.trim().strip_prefix("{ crate = \"")?.split_once('"')?;
    let reason = rest
        .split_once("reason = \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("", |(why, _)| why);
    let (name, versions) = name.split_once(':').unwrap_or((name, "*"));
    Some(Ban {
        name,
        versions: VersionReq::parse(versions).ok()?,
        reason,
    })
}

fn matches(versions: &VersionReq, version: &str) -> bool {
    Version::parse(version).is_ok_and(|version| versions.matches(&version))
}

#[cfg(test)]
mod tests {
    use super::{File, Finding, check};

    const DENY: &str = "[bans]\ndeny = [\n    { crate = \"h2:<0.4.16\", reason = \"it is slow\" },\n    \
                        { crate = \"openssl-sys\", reason = \"one is enough\" },\n]\n";

    fn findings(lock: &str, deny: &str) -> Vec<Finding> {
        let file = |path: &str, text: &str| File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&file("Cargo.lock", lock), &file("deny.toml", deny))
    }

    fn package(name: &str, version: &str) -> String {
        format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\n")
    }

    #[test]
    fn refuses_banned_versions_and_only_those() {
        let lock = package("h2", "0.4.15")
            + &package("h2", "0.4.16")
            + &package("openssl-sys", "0.9.1")
            + &package("serde", "0.1.0");
        let found = findings(&lock, DENY);
        let lines: Vec<usize> = found.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [3, 11]);
        assert_eq!(
            found[0].to_string(),
            "Cargo.lock:3: h2 0.4.15 is banned because it is slow, take a newer one or none"
        );
    }

    #[test]
    fn notices_when_the_bans_are_gone_or_written_in_another_form() {
        assert_eq!(findings(&package("h2", "0.4.15"), "[bans]\ndeny = []\n").len(), 1);
    }

    #[test]
    fn the_projects_own_list_holds_what_is_known_to_be_bad() {
        let lock = package("akd", "0.12.1")
            + &package("vodozemac", "0.9.0")
            + &package("matrix-sdk-crypto", "0.16.0")
            + &package("h2", "0.4.15");
        assert_eq!(findings(&lock, include_str!("../../../deny.toml")).len(), 4);
    }
}
