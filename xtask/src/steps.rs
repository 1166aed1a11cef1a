//! Steps with a name, a result and a time, so that whoever waits sees for what.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::counts::{self, Counts};
use crate::workspace;

/// How a step ended.
#[derive(Debug)]
pub(crate) enum Verdict {
    Passed,
    Failed(String),
}

/// A step that is over.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    pub(crate) counts: Counts,
    pub(crate) took: Duration,
}

/// What a step hands back when it did not fail outright.
pub(crate) enum Report {
    /// A check that has no tests to count.
    Checked,
    /// A test run.
    Tested(Counts),
}

/// All steps so far.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<Done>,
}

impl Steps {
    /// Runs one step, says so before and after, and keeps its result. Never stops the steps behind it.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> anyhow::Result<Report>) {
        println!("\n=== {name}");
        let started = Instant::now();
        let (verdict, counts) = judge(step());
        let took = started.elapsed();
        match &verdict {
            Verdict::Passed => println!("=== {name}: passed, {}", clock(took)),
            Verdict::Failed(why) => println!("=== {name}: FAILED, {}: {why}", clock(took)),
        }
        self.done.push(Done {
            name: name.to_owned(),
            verdict,
            counts,
            took,
        });
    }

    /// Prints the table and, as the very last line, how many tests passed and failed.
    ///
    /// # Errors
    /// Anything failed.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let (table, total) = summary(&self.done);
        println!("\n{table}");
        if total.failed > 0 {
            eprintln!("at least one step failed; `cargo xtask test --only STEP` runs it alone");
        }
        println!("{} passed, {} failed", total.passed, total.failed);
        std::io::stdout().flush().context("can't write the summary")?;
        if total.failed > 0 {
            bail!("tests failed");
        }
        Ok(())
    }
}

/// A step fails by an error, by a failed test, or by being a test run in which nothing ran.
fn judge(report: anyhow::Result<Report>) -> (Verdict, Counts) {
    match report {
        Ok(Report::Checked) => (Verdict::Passed, Counts::default()),
        Ok(Report::Tested(counts)) if counts.failed > 0 => {
            (Verdict::Failed("tests failed".to_owned()), counts)
        }
        Ok(Report::Tested(counts)) if counts.passed == 0 => (
            Verdict::Failed("no test ran".to_owned()),
            Counts { passed: 0, failed: 1 },
        ),
        Ok(Report::Tested(counts)) => (Verdict::Passed, counts),
        Err(error) => (
            Verdict::Failed(format!("{error:#}")),
            Counts { passed: 0, failed: 1 },
        ),
    }
}

fn summary(done: &[Done]) -> (String, Counts) {
    let mut total = Counts::default();
    let mut took = Duration::ZERO;
    let mut lines = vec![format!(
        "{:<16} {:<8} {:>6}  {}",
        "step", "result", "time", "tests"
    )];
    for step in done {
        total += step.counts;
        took += step.took;
        let (result, note) = match &step.verdict {
            Verdict::Passed => ("passed", String::new()),
            Verdict::Failed(why) => ("FAILED", format!("  {why}")),
        };
        let tests = match step.counts {
            Counts { passed: 0, failed: 0 } => String::new(),
            counts => format!("{} passed, {} failed", counts.passed, counts.failed),
        };
        let line = format!(
            "{:<16} {result:<8} {:>6}  {tests}{note}",
            step.name,
            clock(step.took)
        );
        lines.push(line.trim_end().to_owned());
    }
    lines.push(format!("{:<16} {:<8} {:>6}", "all", "", clock(took)));
    (lines.join("\n"), total)
}

/// Minutes and seconds.
pub(crate) fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

/// A program that runs in the checkout and reads nothing from the terminal.
pub(crate) fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(workspace::root())
        .stdin(Stdio::null());
    command
}

/// Runs a program and shows what it says.
///
/// # Errors
/// It can't be started or reports failure.
pub(crate) fn check(command: &mut Command) -> anyhow::Result<()> {
    let shown = shown(command);
    println!("$ {shown}");
    let status = command
        .status()
        .with_context(|| format!("can't start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// Runs a test program, shows what it says and counts its tests.
///
/// # Errors
/// It can't be started, or it reports failure without naming a test that failed.
pub(crate) fn count(command: &mut Command) -> anyhow::Result<Counts> {
    let shown = shown(command);
    println!("$ {shown}");
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("can't start `{shown}`"))?;
    let mut counts = Counts::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line.with_context(|| format!("can't read what `{shown}` says"))?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            counts += counts::in_line(&line).unwrap_or_default();
        }
    }
    let status = child
        .wait()
        .with_context(|| format!("can't wait for `{shown}`"))?;
    if !status.success() && counts.failed == 0 {
        bail!("`{shown}` ended with {status}");
    }
    Ok(counts)
}

fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Counts, Done, Duration, Report, Verdict, judge, summary};

    #[test]
    fn a_step_fails_by_an_error_by_a_failed_test_and_by_running_nothing() {
        let failed = |report| matches!(judge(report).0, Verdict::Failed(_));
        assert!(failed(Err(anyhow::anyhow!("did not compile"))));
        assert!(failed(Ok(Report::Tested(Counts { passed: 9, failed: 1 }))));
        assert!(failed(Ok(Report::Tested(Counts::default()))));
        assert!(!failed(Ok(Report::Tested(Counts { passed: 9, failed: 0 }))));
        assert!(!failed(Ok(Report::Checked)));
    }

    #[test]
    fn the_sum_counts_a_step_that_failed_without_a_test() {
        let done = |name: &str, report| {
            let (verdict, counts) = judge(report);
            Done {
                name: name.to_owned(),
                verdict,
                counts,
                took: Duration::from_secs(61),
            }
        };
        let steps = [
            done("fmt", Err(anyhow::anyhow!("not formatted"))),
            done("rust", Ok(Report::Tested(Counts { passed: 2, failed: 0 }))),
            done("sdk clippy", Ok(Report::Checked)),
        ];
        let (table, total) = summary(&steps);
        assert_eq!(total, Counts { passed: 2, failed: 1 });
        assert!(
            table.contains("fmt              FAILED     1:01  0 passed, 1 failed  not formatted"),
            "{table}"
        );
        assert!(table.contains("sdk clippy       passed     1:01\n"), "{table}");
    }
}
