//! The macros by which a section states its keys once: struct, default and documentation come from one text.

use crate::source::Source;

/// One key, for the reader that looks for unknown keys and for the generated documents.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// The doc comment, one entry per line.
    pub(crate) about: &'static [&'static str],
    /// What may stand there: "text", "whole number" ...
    pub(crate) kind: String,
    /// The default as TOML; `None` when nothing is set by default.
    pub(crate) default: Option<String>,
    /// The words it may have, each with its meaning; empty where it isn't a choice.
    pub(crate) choices: &'static [(&'static str, &'static str)],
    /// Whether the server can't start without it.
    pub(crate) required: bool,
    /// A value as TOML that shows how the key is written, where the default doesn't.
    pub(crate) like: Option<&'static str>,
}

/// One section with its keys, in the order in which the documents show them.
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) about: &'static [&'static str],
    pub(crate) keys: Vec<Key>,
}

/// What a section checks beyond the type of each value.
pub(crate) trait Check {
    /// Reports every value that can't be used, with what to do instead.
    fn check(&self, source: &mut Source);
}

/// Defines a section: a struct whose fields are keys with doc comment, type and default. `like` gives an example where
/// the default shows nothing.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $section:ident in $name:literal {
            $(
                $(#[doc = $doc:literal])+
                $visibility:vis $key:ident: $type:ty = $default:expr $(, like $like:literal)?;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        pub struct $section {
            $( $(#[doc = $doc])+ $visibility $key: $type, )+
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $( $key: $default, )+ }
            }
        }

        impl $section {
            pub(crate) fn take(source: &mut $crate::source::Source) -> Self {
                let default = Self::default();
                Self { $( $key: source.take($name, stringify!($key)).unwrap_or(default.$key), )+ }
            }

            pub(crate) fn keys() -> $crate::section::Section {
                let default = Self::default();
                $crate::section::Section {
                    name: $name,
                    about: &[$($about),+],
                    keys: vec![ $(
                        $crate::section::Key {
                            name: stringify!($key),
                            about: &[$($doc),+],
                            kind: <$type as $crate::setting::Setting>::kind(),
                            default: $crate::setting::Setting::show(&default.$key),
                            choices: <$type as $crate::setting::Setting>::choices(),
                            required: $crate::setting::Setting::is_missing(&default.$key),
                            like: [$($like)?].first().copied(),
                        },
                    )+ ],
                }
            }
        }
    };
}

/// Defines the whole configuration from its sections.
macro_rules! sections {
    ($(#[doc = $about:literal])+ pub struct $config:ident { $( $section:ident: $type:ident, )+ }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        pub struct $config {
            $(
                #[doc = concat!("The section `[", stringify!($section), "]`.")]
                pub $section: $type,
            )+
        }

        impl $config {
            pub(crate) fn keys() -> Vec<$crate::section::Section> {
                vec![$( $type::keys(), )+]
            }

            fn take(source: &mut $crate::source::Source) -> Self {
                Self { $( $section: $type::take(source), )+ }
            }

            fn check_sections(&self, source: &mut $crate::source::Source) {
                $( self.$section.check(source); )+
            }
        }
    };
}

/// Defines the words that a key may have, each with its meaning.
macro_rules! choice {
    (
        $(#[doc = $about:literal])+
        pub enum $choice:ident { $( #[doc = $doc:literal] $variant:ident = $word:literal, )+ }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $choice { $( #[doc = $doc] $variant, )+ }

        impl $choice {
            /// The word for it in the configuration.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        impl $crate::setting::Setting for $choice {
            fn kind() -> String {
                "word".to_owned()
            }

            fn choices() -> &'static [(&'static str, &'static str)] {
                &[$(($word, $doc)),+]
            }

            fn read(value: &figment::value::Value) -> Result<Self, String> {
                let word = $crate::setting::word(value);
                match word.as_deref() {
                    $( Some($word) => Ok(Self::$variant), )+
                    _ => Err(format!("must be {}", $crate::setting::one_of(&[$($word),+]))),
                }
            }

            fn show(&self) -> Option<String> {
                Some(format!("\"{}\"", self.as_str()))
            }
        }
    };
}

pub(crate) use {choice, section, sections};
