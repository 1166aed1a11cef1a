//! Rust source taken apart: code, text in quotes, comments. No parser; just enough to know in which of the three a
//! word stands.

/// One piece of text or comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it begins, counted from 1.
    pub(super) line: usize,
    pub(super) text: String,
}

/// A source file taken apart.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The code without what stands in quotes and comments, line by line.
    pub(super) code: Vec<String>,
    pub(super) strings: Vec<Piece>,
    pub(super) comments: Vec<Piece>,
}

impl Source {
    /// Takes a file apart.
    pub(super) fn read(text: &str) -> Self {
        let mut reader = Reader {
            rest: text,
            line: 1,
            code: String::new(),
            source: Self::default(),
        };
        reader.read();
        reader.source.code = reader.code.split('\n').map(str::to_owned).collect();
        reader.source
    }

    /// The line at which the tests of the file begin, counted from 1; behind the last line when there are none.
    pub(super) fn tests_begin(&self) -> usize {
        let is_test_module = |at: usize| {
            self.code[at].trim() == "#[cfg(test)]"
                && self.code[at + 1..]
                    .iter()
                    .map(|line| line.trim())
                    .find(|line| !line.is_empty() && !line.starts_with("#["))
                    .is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
        };
        (0..self.code.len())
            .find(|at| is_test_module(*at))
            .map_or(usize::MAX, |at| at + 1)
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    code: String,
    source: Source,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(first) = self.rest.chars().next() {
            if self.rest.starts_with("//") {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                let piece = self.piece(end);
                self.source.comments.push(piece);
            } else if self.rest.starts_with("/*") {
                let end = self.block_comment_end();
                let piece = self.piece(end);
                self.source.comments.push(piece);
            } else if let Some(hashes) = self.raw_string_hashes() {
                let closing = format!("\"{}", "#".repeat(hashes));
                let begin = 2 + hashes;
                let end = self.rest[begin..]
                    .find(&closing)
                    .map_or(self.rest.len(), |at| begin + at + closing.len());
                let piece = self.piece(end);
                self.source.strings.push(piece);
            } else if first == '"' {
                let end = self.quoted_end('"');
                let piece = self.piece(end);
                self.source.strings.push(piece);
            } else if first == '\'' && self.is_char_literal() {
                let end = self.quoted_end('\'');
                self.piece(end);
            } else {
                self.code.push(first);
                self.line += usize::from(first == '\n');
                self.rest = &self.rest[first.len_utf8()..];
            }
        }
    }

    /// Takes so many bytes away from the code. A quote stays for each, so that the code keeps its lines.
    fn piece(&mut self, end: usize) -> Piece {
        let (text, rest) = self.rest.split_at(end);
        let piece = Piece {
            line: self.line,
            text: text.to_owned(),
        };
        let lines = text.matches('\n').count();
        self.code.push_str(&"\n".repeat(lines));
        self.line += lines;
        self.rest = rest;
        piece
    }

    fn block_comment_end(&self) -> usize {
        let mut depth = 0_usize;
        let mut at = 0;
        while at < self.rest.len() {
            let here = &self.rest.as_bytes()[at..];
            if here.starts_with(b"/*") {
                depth += 1;
                at += 2;
            } else if here.starts_with(b"*/") {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            } else {
                at += 1;
            }
        }
        self.rest.len()
    }

    /// `Some(1)` for `r#"`, if what stands before is not part of a longer name.
    fn raw_string_hashes(&self) -> Option<usize> {
        let rest = self.rest.strip_prefix('r')?;
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let mut before = self.code.chars().rev();
        let named =
            |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
        let prefix = match before.next() {
            Some('b' | 'c') => named(before.next()),
            letter => named(letter),
        };
        (rest[hashes..].starts_with('"') && !prefix).then_some(hashes)
    }

    /// Whether the quote begins a letter and not the name of a lifetime.
    fn is_char_literal(&self) -> bool {
        let mut letters = self.rest.chars().skip(1);
        letters.next() == Some('\\') || letters.next() == Some('\'')
    }

    fn quoted_end(&self, quote: char) -> usize {
        let mut escaped = false;
        for (at, letter) in self.rest.char_indices().skip(1) {
            if !escaped && letter == quote {
                return at + 1;
            }
            escaped = !escaped && letter == '\\';
        }
        self.rest.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Piece, Source};

    fn piece(line: usize, text: &str) -> Piece {
        Piece {
            line,
            text: text.to_owned(),
        }
    }

    #[test]
    fn tells_code_text_and_comments_apart() {
        let source = Source::read(
            "let a = \"one \\\" two\"; // three\nlet b: &'a str = r#\"four \" five\"#;\n/* six /* seven */\n*/ let c = '\"';\n",
        );
        assert_eq!(
            source.strings,
            [piece(1, "\"one \\\" two\""), piece(2, "r#\"four \" five\"#")]
        );
        assert_eq!(
            source.comments,
            [piece(1, "// three"), piece(3, "/* six /* seven */\n*/")]
        );
        assert_eq!(
            source.code,
            ["let a = ; ", "let b: &'a str = ;", "", " let c = ;", ""]
        );
    }

    #[test]
    fn a_name_that_ends_in_r_begins_no_raw_string() {
        let source = Source::read("for\"a\" br\"b\\\" c");
        assert_eq!(source.strings, [piece(1, "\"a\""), piece(1, "r\"b\\\"")]);
    }

    #[test]
    fn finds_where_tests_begin() {
        assert_eq!(
            Source::read("fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n").tests_begin(),
            3
        );
        assert_eq!(
            Source::read("#[cfg(test)]\nmod tests;\nfn a() {}\n").tests_begin(),
            usize::MAX
        );
        assert_eq!(
            Source::read("#[cfg(test)]\nuse a::b;\nfn a() {}\n").tests_begin(),
            usize::MAX
        );
    }
}
