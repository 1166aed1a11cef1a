//! The table that is printed at the end.

use std::{fmt, time::Duration};

/// What a figure is held against, and whether it holds.
struct Target {
    text: String,
    is_met: bool,
}

struct Line {
    name: &'static str,
    figure: String,
    target: Option<Target>,
}

/// Figures, some of which are held against a target.
#[derive(Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// A figure that is only told.
    pub(crate) fn tell(&mut self, name: &'static str, figure: String) {
        self.lines.push(Line {
            name,
            figure,
            target: None,
        });
    }

    /// A figure that should be at most, or at least, something.
    pub(crate) fn hold(&mut self, name: &'static str, figure: String, target: String, is_met: bool) {
        self.lines.push(Line {
            name,
            figure,
            target: Some(Target { text: target, is_met }),
        });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
        let name_width = widest(&mut self.lines.iter().map(|line| line.name.len()));
        let figure_width = widest(&mut self.lines.iter().map(|line| line.figure.len()));
        for Line { name, figure, target } in &self.lines {
            write!(f, "{name:name_width$}  {figure:>figure_width$}")?;
            match target {
                Some(Target { text, is_met: true }) => writeln!(f, "  ok      {text}")?,
                Some(Target { text, is_met: false }) => writeln!(f, "  MISSED  {text}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

/// A duration in ms, to the hundredth.
pub(crate) fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn figures_stand_below_each_other_and_say_whether_they_hold() {
        let mut report = Report::default();
        report.tell("memory after", "9.5 MiB".to_owned());
        report.hold("sends", "1200/s".to_owned(), "at least 1000/s".to_owned(), true);
        report.hold("CPU", "0.70 ms".to_owned(), "at most 0.50 ms".to_owned(), false);
        let lines = [
            "memory after  9.5 MiB",
            "sends          1200/s  ok      at least 1000/s",
            "CPU           0.70 ms  MISSED  at most 0.50 ms",
            "",
        ];
        assert_eq!(report.to_string(), lines.join("\n"));
    }
}
