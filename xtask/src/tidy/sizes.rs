//! Files stay small enough to be read at once. Tests and generated files are left out.

use super::Finding;
use super::files::File;
use super::rust::Source;

const WARN_LINES: usize = 600;
const FAIL_LINES: usize = 900;

/// Warns of a long file and refuses a very long one.
pub(super) fn check(file: &File) -> Option<Finding> {
    if !file.is_code() || file.is_test() || file.is_generated() {
        return None;
    }
    let mut lines = file.text.lines().count();
    if file.is_rust() {
        lines = lines.min(Source::read(&file.text).tests_begin() - 1);
    }
    let message =
        format!("{lines} lines, split it by operation; {WARN_LINES} are wanted, {FAIL_LINES} the most");
    if lines > FAIL_LINES {
        Some(Finding::error(&file.path, 1, message))
    } else if lines > WARN_LINES {
        Some(Finding::warning(&file.path, 1, message))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::{File, check};

    fn severity(path: &str, text: String) -> Option<Severity> {
        check(&File {
            path: path.to_owned(),
            text,
        })
        .map(|finding| finding.severity)
    }

    #[test]
    fn warns_above_600_lines_and_fails_above_900() {
        let path = "crates/core/src/lib.rs";
        assert_eq!(severity(path, "x\n".repeat(600)), None);
        assert_eq!(severity(path, "x\n".repeat(601)), Some(Severity::Warning));
        assert_eq!(severity(path, "x\n".repeat(900)), Some(Severity::Warning));
        assert_eq!(severity(path, "x\n".repeat(901)), Some(Severity::Error));
    }

    #[test]
    fn counts_no_tests_and_nothing_generated() {
        let tests = format!(
            "fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n",
            "x\n".repeat(901)
        );
        assert_eq!(severity("crates/core/src/lib.rs", tests), None);
        assert_eq!(severity("crates/core/tests/lib.rs", "x\n".repeat(901)), None);
        assert_eq!(severity("web/src/generated/api.ts", "x\n".repeat(901)), None);
    }
}
