//! File and environment as one tree of values, and the list of what is wrong with it.

use std::collections::BTreeSet;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use crate::error::{ConfigError, Problem};
use crate::nearest::nearest;
use crate::section::Section;
use crate::setting::Setting;

/// How every environment variable of the server begins.
pub(crate) const PREFIX: &str = "ROHRPOST__";

/// The environment variables of this process that are meant for the server.
///
/// A variable that is not UTF-8 keeps its readable part, so that it is refused and not passed over.
pub(crate) fn process_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        (
            name.to_string_lossy().into_owned(),
            value.to_string_lossy().into_owned(),
        )
    })
}

/// The name of the environment variable for a key.
pub(crate) fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{}__{}", section.to_uppercase(), key.to_uppercase())
}

/// All values that were given, by section and key, and the problems found so far.
pub(crate) struct Source {
    figment: Figment,
    tree: Dict,
    file: String,
    problems: Vec<Problem>,
    /// `section.key` of everything that has a problem already: one is enough.
    reported: BTreeSet<String>,
}

impl Source {
    /// Reads the file's text and lays the environment over it.
    pub(crate) fn read(
        file: &str,
        toml: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let environment = Environment::read(environment, &mut problems);
        let figment = Figment::from(Toml::string(toml)).merge(environment);
        let tree = figment
            .data()
            .map_err(|error| ConfigError::Syntax {
                file: file.to_owned(),
                message: without_excerpt(&error.to_string()),
            })?
            .remove(&Profile::Default)
            .unwrap_or_default();
        Ok(Self {
            figment,
            tree,
            file: file.to_owned(),
            problems,
            reported: BTreeSet::new(),
        })
    }

    /// The value of a key, if it is set and can be used; one that can't is reported.
    pub(crate) fn take<T: Setting>(&mut self, section: &str, key: &str) -> Option<T> {
        let value = self.value(section, key)?;
        match T::read(value) {
            Ok(setting) => Some(setting),
            Err(message) => {
                self.refuse(section, key, &message);
                None
            }
        }
    }

    /// Reports a value that can't be used, with what to do instead; at most once per key.
    pub(crate) fn refuse(&mut self, section: &str, key: &str, message: &str) {
        let name = format!("{section}.{key}");
        if self.reported.insert(name.clone()) {
            let place = self.place(section, key);
            self.problems.push(Problem {
                place,
                key: name,
                message: message.to_owned(),
            });
        }
    }

    /// Reports everything in file or environment that no section knows.
    pub(crate) fn report_unknown(&mut self, known: &[Section]) {
        let mut unknown = Vec::new();
        for (name, value) in &self.tree {
            let Some(section) = known.iter().find(|section| section.name == name) else {
                unknown.push((name.clone(), String::new(), unknown_section(name, value, known)));
                continue;
            };
            let Value::Dict(_, values) = value else {
                let message =
                    format!("is a section: write [{name}] on a line of its own and its keys below it");
                unknown.push((name.clone(), String::new(), message));
                continue;
            };
            for key in values.keys() {
                if !section.keys.iter().any(|known| known.name == key) {
                    unknown.push((name.clone(), key.clone(), unknown_key(key, section, known)));
                }
            }
        }
        for (section, key, message) in unknown {
            let place = self.place(&section, &key);
            let key = if key.is_empty() {
                section
            } else {
                format!("{section}.{key}")
            };
            self.problems.push(Problem { place, key, message });
        }
    }

    /// Fails if anything was reported.
    pub(crate) fn finish(self) -> Result<(), ConfigError> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::Problems(self.problems))
        }
    }

    fn value(&self, section: &str, key: &str) -> Option<&Value> {
        match self.tree.get(section)? {
            Value::Dict(_, values) => values.get(key),
            _ => None,
        }
    }

    /// Where a value was set; the file, when it was not set at all.
    fn place(&self, section: &str, key: &str) -> String {
        let value = self.value(section, key).or_else(|| self.tree.get(section));
        let metadata = value.and_then(|value| self.figment.get_metadata(value.tag()));
        if metadata.is_some_and(|metadata| metadata.name == Environment::NAME) {
            let name = if key.is_empty() {
                format!("{PREFIX}{}", section.to_uppercase())
            } else {
                variable(section, key)
            };
            return format!("environment variable {name}");
        }
        self.file.clone()
    }
}

/// The TOML reader's message without the lines it quotes from the file: one of them may hold a secret.
fn without_excerpt(message: &str) -> String {
    let lines: Vec<&str> = message
        .lines()
        .map(str::trim)
        .filter(|line| !line.contains('|'))
        .collect();
    lines
        .join(": ")
        .replace(" in TOML source string", "")
        .trim_end_matches([':', ' '])
        .to_owned()
}

fn unknown_section(name: &str, value: &Value, known: &[Section]) -> String {
    if !matches!(value, Value::Dict(..))
        && let Some(section) = known
            .iter()
            .find(|section| section.keys.iter().any(|key| key.name == name))
    {
        return format!("stands outside of a section; it belongs below [{}]", section.name);
    }
    match nearest(name, known.iter().map(|section| section.name)) {
        Some(near) => format!("there is no such section; did you mean [{near}]?"),
        None => {
            let names: Vec<&str> = known.iter().map(|section| section.name).collect();
            format!("there is no such section; there are {}", names.join(", "))
        }
    }
}

fn unknown_key(key: &str, section: &Section, known: &[Section]) -> String {
    if let Some(near) = nearest(key, section.keys.iter().map(|key| key.name)) {
        return format!("there is no such key; did you mean {near}?");
    }
    let elsewhere = known
        .iter()
        .find(|section| section.keys.iter().any(|known| known.name == key));
    match elsewhere {
        Some(other) => format!("there is no such key here; it belongs below [{}]", other.name),
        None => {
            let names: Vec<&str> = section.keys.iter().map(|key| key.name).collect();
            format!(
                "there is no such key; [{}] knows {}",
                section.name,
                names.join(", ")
            )
        }
    }
}

/// The variables as a tree. Values stay text: only the key's own type knows whether `12` is a number.
struct Environment(Dict);

impl Environment {
    const NAME: &str = "environment";

    fn read(variables: impl Iterator<Item = (String, String)>, problems: &mut Vec<Problem>) -> Self {
        let mut tree = Dict::new();
        for (name, text) in variables {
            let Some(path) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let path = path.to_lowercase();
            let parts: Vec<&str> = path.split("__").collect();
            let [section, key] = parts[..] else {
                problems.push(Problem {
                    place: format!("environment variable {name}"),
                    key: String::new(),
                    message: format!(
                        "is not of the form {PREFIX}SECTION__KEY, for example {PREFIX}SERVER__NAME"
                    ),
                });
                continue;
            };
            let values = tree
                .entry(section.to_owned())
                .or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, values) = values {
                values.insert(key.to_owned(), Value::from(text));
            }
        }
        Self(tree)
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named(Self::NAME)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.0.clone()))
    }
}
