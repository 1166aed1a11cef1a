//! The tests that `docs/security-tests.md` names: each must exist.

use std::collections::HashSet;

use super::Finding;
use super::files::File;

/// The list of tests.
const LIST: &str = "docs/security-tests.md";

/// Names in the list that no test has.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let Some(list) = files.iter().find(|file| file.path == LIST) else {
        return Vec::new();
    };
    let sources = files.iter().filter(|file| file.path.ends_with(".rs"));
    let functions: HashSet<&str> = sources.flat_map(|file| functions(&file.text)).collect();
    let rows = list
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with("| F"));
    rows.flat_map(|(at, row)| named(row).map(move |name| (at + 1, name)))
        .filter(|(_, name)| !functions.contains(name))
        .map(|(line, name)| {
            Finding::error(
                LIST,
                line,
                format!("no test is called {name}; name the one that shows it now"),
            )
        })
        .collect()
}

/// The names of tests in a row: what stands in backticks and has the form of one.
fn named(row: &str) -> impl Iterator<Item = &str> {
    let quoted = row.split('`').skip(1).step_by(2);
    quoted.filter(|name| {
        name.chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    })
}

fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim_start();
        let rest = line
            .strip_prefix("async fn ")
            .or_else(|| line.strip_prefix("fn "))?;
        rest.split('(').next()
    })
}

#[cfg(test)]
mod tests {
    use super::{functions, named};

    #[test]
    fn names_of_tests_are_found_in_rows_and_in_sources() {
        let row = "| F1 | `a_name` and `crates/room/x.rs` | `another_1`, not this_one |";
        assert_eq!(named(row).collect::<Vec<_>>(), ["a_name", "another_1"]);
        let source = "#[test]\nfn a_name() {\n    async fn another_1(x: u8) {}\n}\n// fn not_this()\n";
        assert_eq!(functions(source).collect::<Vec<_>>(), ["a_name", "another_1"]);
    }
}
