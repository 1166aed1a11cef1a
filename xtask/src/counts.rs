//! How many tests passed and failed, read from the closing lines of the test runners.

use std::ops::AddAssign;

/// Tests that passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The counts in a line that closes a test run; `None` for any other line.
///
/// Known are `test result: ok. 3 passed; 0 failed; ...` of cargo, `Tests  1 failed | 3 passed (4)` of vitest and, alone
/// on its line, `3 passed, 0 failed` of our own browser tests.
pub(crate) fn in_line(line: &str) -> Option<Counts> {
    let line = without_colors(line);
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("test result: ") {
        let (_verdict, rest) = rest.split_once(". ")?;
        return Some(in_parts(rest.split(';')));
    }
    if let Some(rest) = line.strip_prefix("Tests ") {
        let (rest, _total) = rest.split_once('(')?;
        return Some(in_parts(rest.split('|')));
    }
    let (passed, failed) = line.split_once(", ")?;
    let passed = passed.strip_suffix(" passed")?.parse().ok()?;
    let failed = failed.strip_suffix(" failed")?.parse().ok()?;
    Some(Counts { passed, failed })
}

fn in_parts<'a>(parts: impl Iterator<Item = &'a str>) -> Counts {
    let mut counts = Counts::default();
    for part in parts {
        match part.trim().split_once(' ') {
            Some((number, "passed")) => counts.passed = number.parse().unwrap_or(0),
            Some((number, "failed")) => counts.failed = number.parse().unwrap_or(0),
            _ => {}
        }
    }
    counts
}

/// The line without terminal colors (`ESC [ ... m`).
fn without_colors(line: &str) -> String {
    let mut pieces = line.split("\u{1b}[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or("", |(_color, text)| text));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{Counts, in_line};

    fn counts(passed: u64, failed: u64) -> Option<Counts> {
        Some(Counts { passed, failed })
    }

    #[test]
    fn reads_the_closing_line_of_each_runner() {
        let cargo =
            "test result: FAILED. 16 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 1s";
        assert_eq!(in_line(cargo), counts(16, 1));
        assert_eq!(in_line("      Tests  12 passed (12)"), counts(12, 0));
        assert_eq!(
            in_line("\u{1b}[2m      Tests \u{1b}[22m \u{1b}[31m2 failed\u{1b}[39m | 10 passed (12)"),
            counts(10, 2)
        );
        assert_eq!(in_line("7 passed, 1 failed"), counts(7, 1));
    }

    #[test]
    fn passes_over_all_other_lines() {
        for line in [
            "test a ... ok",
            " Test Files  2 passed (2)",
            "and 7 passed, 1 failed today",
            "",
            "Tests are fun",
        ] {
            assert_eq!(in_line(line), None, "{line}");
        }
    }
}
