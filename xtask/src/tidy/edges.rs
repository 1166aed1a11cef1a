//! Which crate may use which. The table is the plan of the house; ARCHITECTURE.md explains it.

use cargo_metadata::{DependencyKind, Metadata};

use super::Finding;
use super::files::File;

/// The rule for one crate.
struct Rule {
    name: &'static str,
    /// Those of our crates that it may use.
    uses: Uses,
    /// Crates of others that belong to another layer.
    banned: &'static [&'static [&'static str]],
}

enum Uses {
    Every,
    These(&'static [&'static str]),
}

use Uses::{Every, These};

/// Databases: what is kept is the business of `store`.
const SQL: &[&str] = &[
    "rusqlite",
    "tokio-postgres",
    "deadpool-postgres",
    "postgres",
    "sqlx",
];
/// Sockets and HTTP: who asks is the business of `http`.
const SERVER: &[&str] = &["axum", "hyper", "hyper-util", "tower", "http"];
/// Connections to elsewhere: that is the business of `remote`.
const CLIENT: &[&str] = &["reqwest", "ureq"];
/// Waiting: what only decides never waits.
const RUNTIME: &[&str] = &["tokio", "tokio-util", "futures-util"];

const RULES: &[Rule] = &[
    Rule {
        name: "rohrpost",
        uses: Every,
        banned: &[SQL, CLIENT],
    },
    Rule {
        name: "rohrpost-http",
        uses: These(&["rohrpost-core", "rohrpost-room"]),
        banned: &[SQL, CLIENT],
    },
    Rule {
        name: "rohrpost-worker",
        uses: These(&["rohrpost-core"]),
        banned: &[SQL, SERVER, CLIENT],
    },
    Rule {
        name: "rohrpost-remote",
        uses: These(&["rohrpost-core"]),
        banned: &[SQL],
    },
    Rule {
        name: "rohrpost-core",
        uses: These(&["rohrpost-room", "rohrpost-trust", "rohrpost-store"]),
        banned: &[SQL, SERVER, CLIENT],
    },
    Rule {
        name: "rohrpost-store",
        uses: These(&["rohrpost-room"]),
        banned: &[SERVER, CLIENT],
    },
    Rule {
        name: "rohrpost-room",
        uses: These(&[]),
        banned: &[SQL, SERVER, CLIENT, RUNTIME],
    },
    Rule {
        name: "rohrpost-trust",
        uses: These(&[]),
        banned: &[SQL, SERVER, CLIENT, RUNTIME],
    },
    Rule {
        name: "rohrpost-config",
        uses: These(&[]),
        banned: &[SQL, SERVER, CLIENT, RUNTIME],
    },
    Rule {
        name: "rohrpost-testkit",
        uses: Every,
        banned: &[SQL],
    },
    Rule {
        name: "rohrpost-bench",
        uses: Every,
        banned: &[SQL],
    },
    Rule {
        name: "rohrpost-demo",
        uses: These(&[]),
        banned: &[SQL, SERVER, CLIENT],
    },
    Rule {
        name: "xtask",
        uses: These(&["rohrpost-config"]),
        banned: &[SQL, SERVER, CLIENT, RUNTIME],
    },
];

/// The crate that only tests may use, and the one that is nothing but a test.
const TESTKIT: &str = "rohrpost-testkit";
const NOTHING_BUT_A_TEST: &str = "rohrpost-bench";

/// One of our crates, and what its manifest says that it uses.
pub(super) struct Member {
    name: String,
    manifest: String,
    uses: Vec<Use>,
}

struct Use {
    name: String,
    in_tests_only: bool,
    /// Where it stands in the manifest, counted from 1.
    line: usize,
}

/// Our own crates.
pub(super) fn members(metadata: &Metadata, files: &[File]) -> Vec<Member> {
    let member = |package: &cargo_metadata::Package| {
        let root = &metadata.workspace_root;
        let manifest = package
            .manifest_path
            .strip_prefix(root)
            .unwrap_or(&package.manifest_path)
            .to_string();
        let text = files
            .iter()
            .find(|file| file.path == manifest)
            .map_or("", |file| file.text.as_str());
        let uses = package.dependencies.iter().map(|dependency| Use {
            name: dependency.name.clone(),
            in_tests_only: dependency.kind == DependencyKind::Development,
            line: line_of(text, &dependency.name),
        });
        Member {
            name: package.name.to_string(),
            uses: uses.collect(),
            manifest,
        }
    };
    metadata.packages.iter().map(member).collect()
}

/// Holds every crate against its rule.
pub(super) fn check(members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        let Some(rule) = RULES.iter().find(|rule| rule.name == member.name) else {
            let message = format!(
                "no rule says what {} may use, add one to xtask/src/tidy/edges.rs",
                member.name
            );
            findings.push(Finding::error(&member.manifest, 1, message));
            continue;
        };
        for used in &member.uses {
            let is_ours = members.iter().any(|other| other.name == used.name);
            let message = if is_ours {
                wrong_edge(rule, used)
            } else {
                wrong_layer(rule, used)
            };
            findings.extend(message.map(|message| Finding::error(&member.manifest, used.line, message)));
        }
    }
    findings
}

fn wrong_edge(rule: &Rule, used: &Use) -> Option<String> {
    let name = &used.name;
    if name == TESTKIT {
        let is_fine = used.in_tests_only || rule.name == NOTHING_BUT_A_TEST;
        return (!is_fine).then(|| format!("{name} is for tests, move it to [dev-dependencies]"));
    }
    match rule.uses {
        Every => None,
        These(allowed) if allowed.contains(&name.as_str()) => None,
        These([]) => Some(format!(
            "{} must not use {name}: it stands on none of our crates",
            rule.name
        )),
        These(allowed) => Some(format!(
            "{} must not use {name}, only {}",
            rule.name,
            allowed.join(", ")
        )),
    }
}

fn wrong_layer(rule: &Rule, used: &Use) -> Option<String> {
    let is_banned = !used.in_tests_only
        && rule
            .banned
            .iter()
            .any(|layer| layer.contains(&used.name.as_str()));
    let message = format!(
        "{} must not use {}, which belongs to another layer; ask through a port",
        rule.name, used.name
    );
    is_banned.then_some(message)
}

/// The line of a manifest that names a dependency; 1 when it is written in an unusual way.
fn line_of(manifest: &str, name: &str) -> usize {
    let names_it = |line: &str| {
        let rest = line.trim_start().strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with([' ', '.', '=']))
    };
    manifest.lines().position(names_it).map_or(1, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::{Member, Use, check, line_of};

    /// Whether `from` may use `to`, in a workspace of these two.
    fn is_allowed(from: &str, to: &str, in_tests_only: bool) -> bool {
        let used = Use {
            name: to.to_owned(),
            in_tests_only,
            line: 7,
        };
        let member = |name: &str, uses| Member {
            name: name.to_owned(),
            manifest: "Cargo.toml".to_owned(),
            uses,
        };
        let mut members = vec![member(from, vec![used])];
        if to.starts_with("rohrpost") {
            members.push(member(to, Vec::new()));
        }
        check(&members).is_empty()
    }

    #[test]
    fn knows_the_edges_of_the_house() {
        for (from, to) in [
            ("rohrpost", "rohrpost-store"),
            ("rohrpost-http", "rohrpost-core"),
            ("rohrpost-http", "rohrpost-room"),
            ("rohrpost-worker", "rohrpost-core"),
            ("rohrpost-remote", "rohrpost-core"),
            ("rohrpost-core", "rohrpost-store"),
            ("rohrpost-core", "rohrpost-trust"),
            ("rohrpost-store", "rohrpost-room"),
            ("rohrpost-bench", "rohrpost-testkit"),
        ] {
            assert!(is_allowed(from, to, false), "{from} -> {to}");
        }
        for (from, to) in [
            ("rohrpost-http", "rohrpost-store"),
            ("rohrpost-core", "rohrpost-http"),
            ("rohrpost-core", "rohrpost-remote"),
            ("rohrpost-store", "rohrpost-core"),
            ("rohrpost-store", "rohrpost-trust"),
            ("rohrpost-room", "rohrpost-trust"),
            ("rohrpost-trust", "rohrpost-room"),
            ("rohrpost-http", "rohrpost-trust"),
            ("rohrpost-worker", "rohrpost-store"),
            ("rohrpost-remote", "rohrpost-room"),
            ("rohrpost-config", "rohrpost-room"),
            ("rohrpost-http", "rohrpost-config"),
            ("xtask", "rohrpost-core"),
        ] {
            assert!(!is_allowed(from, to, false), "{from} -> {to}");
        }
    }

    #[test]
    fn the_testkit_is_for_tests() {
        assert!(is_allowed("rohrpost-core", "rohrpost-testkit", true));
        assert!(!is_allowed("rohrpost-core", "rohrpost-testkit", false));
        assert!(!is_allowed("rohrpost", "rohrpost-testkit", false));
        assert!(!is_allowed("rohrpost-core", "rohrpost-http", true));
    }

    #[test]
    fn other_peoples_crates_stay_in_their_layer() {
        for (from, to) in [
            ("rohrpost-core", "axum"),
            ("rohrpost-core", "rusqlite"),
            ("rohrpost-core", "tokio-postgres"),
            ("rohrpost-core", "reqwest"),
            ("rohrpost-room", "tokio"),
            ("rohrpost-http", "rusqlite"),
            ("rohrpost", "tokio-postgres"),
        ] {
            assert!(!is_allowed(from, to, false), "{from} -> {to}");
        }
        assert!(is_allowed("rohrpost-store", "rusqlite", false));
        assert!(is_allowed("rohrpost-http", "axum", false));
        assert!(is_allowed("rohrpost-room", "tokio", true));
    }

    #[test]
    fn a_crate_without_a_rule_is_refused() {
        assert!(!is_allowed("rohrpost-new", "serde", false));
    }

    #[test]
    fn finds_the_line_in_the_manifest() {
        let manifest = "[dependencies]\ntokio-util.workspace = true\ntokio = { version = \"1\" }\n";
        assert_eq!(line_of(manifest, "tokio"), 3);
        assert_eq!(line_of(manifest, "tokio-util"), 2);
    }
}
