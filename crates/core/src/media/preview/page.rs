//! What a page says about itself. It is read as a row of tags, without a tree: nesting costs nothing, and work and
//! memory grow with the length of the page, which is bounded, and no faster.

use html5gum::{StartTag, Token, Tokenizer, emitters::default::DefaultEmitter};
use serde_json::{Map, Value};

use super::fetch;

/// Longest text of a property, in characters.
const MAX_CHARS: usize = 1000;
/// Properties that are told.
const MAX_PROPERTIES: usize = 30;
/// How far into a page its character set is looked for, in bytes, as browsers do.
const CHARSET_BYTES: usize = 1024;
/// Properties that lead clients to other servers, and those that this server writes itself.
const LEFT_OUT: [&str; 3] = ["og:image", "og:video", "og:audio"];

/// What a page says about itself.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// OpenGraph properties.
    pub(super) properties: Map<String, Value>,
    /// The address of its picture, maybe a relative one.
    pub(super) picture: Option<String>,
}

/// Reads a page.
pub(super) fn read(html: &str) -> Facts {
    let mut facts = Facts::default();
    let (mut title, mut description) = (String::new(), None);
    let mut is_title = false;
    for token in tokens(html.as_bytes()) {
        match token {
            Token::StartTag(tag) if tag.name.0 == b"title" => is_title = title.is_empty(),
            Token::EndTag(tag) if tag.name.0 == b"title" => is_title = false,
            Token::String(text) if is_title && title.len() < 4 * MAX_CHARS => {
                title.push_str(&String::from_utf8_lossy(&text));
            }
            Token::StartTag(tag) if tag.name.0 == b"meta" => facts.meta(&tag, &mut description),
            _ => {}
        }
    }
    facts.set_default("og:title", &title);
    facts.set_default("og:description", &description.unwrap_or_default());
    facts
}

impl Facts {
    fn meta(&mut self, tag: &StartTag<()>, description: &mut Option<String>) {
        let (Some(name), Some(content)) = (
            attribute(tag, "property").or_else(|| attribute(tag, "name")),
            attribute(tag, "content"),
        ) else {
            return;
        };
        let name = name.trim().to_ascii_lowercase();
        match name.as_str() {
            "description" => {
                description.get_or_insert(content);
            }
            "og:image" | "og:image:url" | "og:image:secure_url" if self.picture.is_none() => {
                let address = content.trim();
                self.picture = (!address.is_empty()).then(|| address.to_owned());
            }
            name if name.starts_with("og:") && name.len() <= 64 => {
                let is_left_out = LEFT_OUT.iter().any(|left_out| name.starts_with(left_out));
                if !is_left_out && self.properties.len() < MAX_PROPERTIES {
                    self.set_default(name, &content);
                }
            }
            _ => {}
        }
    }

    /// Of several the first counts.
    fn set_default(&mut self, name: &str, text: &str) {
        let text = plain(text);
        if !text.is_empty() && !self.properties.contains_key(name) {
            self.properties.insert(name.to_owned(), Value::String(text));
        }
    }
}

/// The character set that a page says it is written in.
pub(super) fn charset(html: &[u8]) -> Option<String> {
    let start = html.get(..CHARSET_BYTES).unwrap_or(html);
    tokens(start).find_map(|token| match token {
        Token::StartTag(tag) if tag.name.0 == b"meta" => attribute(&tag, "charset").or_else(|| {
            let kind = attribute(&tag, "http-equiv")?;
            let is_type = kind.trim().eq_ignore_ascii_case("content-type");
            is_type.then(|| fetch::charset(&attribute(&tag, "content")?))?
        }),
        _ => None,
    })
}

fn tokens(html: &[u8]) -> impl Iterator<Item = Token<()>> + '_ {
    let mut emitter = DefaultEmitter::default();
    // What stands in scripts and styles is no tags.
    emitter.naively_switch_states(true);
    let tokens = Tokenizer::new_with_emitter(html, emitter);
    tokens.map(|token| match token {
        Ok(token) => token,
        Err(never) => match never {},
    })
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// One line of text without control characters.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use serde_json::{Value, json};

    use super::read;

    fn properties(html: &str) -> Value {
        Value::Object(read(html).properties)
    }

    #[test]
    fn a_page_says_what_it_is() {
        let html = r#"<!DOCTYPE html><html><head><title>Not this</title>
            <meta property="og:title" content="Haushalt &amp; Personal&#8203;"><meta property="og:title" content="second">
            <META NAME="og:site_name" CONTENT='Amt'><meta property=og:url content=https://a.example/>
            <meta property="og:image:width" content="40"><meta property="og:image" content="/bild.png">
            <meta property="og:video" content="https://evil.example/v"><meta property="og:image" content="/other.png">
            <meta name="description" content="Not
            this either"><meta property="og:description" content="Was  das
            Amt tut">"#;
        let facts = read(html);
        assert_eq!(
            Value::Object(facts.properties),
            json!({
                "og:title": "Haushalt & Personal\u{200b}", "og:site_name": "Amt", "og:url": "https://a.example/",
                "og:description": "Was das Amt tut",
            })
        );
        assert_eq!(facts.picture.as_deref(), Some("/bild.png"));
    }

    #[test]
    fn without_opengraph_its_title_and_description_count() {
        let html = "<title>\n Amt &uuml;ber\n Land </title><svg><title>Pfeil</title></svg>\
                    <meta name=Description content=' Was es tut '>";
        assert_eq!(
            properties(html),
            json!({ "og:title": "Amt über Land", "og:description": "Was es tut" })
        );
        let script = "<script>'<title>no</title>'</script><style><title>no</title></style><!-- <title>no</title> -->\
                      <title>ja</title>";
        assert_eq!(properties(script), json!({ "og:title": "ja" }));
        for empty in [
            "",
            "<",
            "<title>",
            "<meta",
            "<meta property=og:title>",
            "\0\0",
            "plain text",
        ] {
            assert_eq!(properties(empty), json!({}), "{empty}");
        }
    }

    #[test]
    fn a_hostile_page_costs_no_more_than_its_length() {
        let started = Instant::now();
        let long = "x".repeat(2_000_000);
        let attributes: String = (0..200_000).map(|i| format!("a{i}=b ")).collect();
        for (what, html) in [
            ("nested", "<div>".repeat(1_000_000)),
            (
                "nested and closed",
                "<b>".repeat(500_000) + &"</b>".repeat(500_000),
            ),
            ("titles", "<title>x</title>".repeat(200_000)),
            ("attributes", format!("<meta {attributes}>")),
            ("entities", "<title>".to_owned() + &"&".repeat(1_000_000)),
            ("comments", "<!--".repeat(1_000_000)),
            ("quotes", "<meta content=\"".repeat(200_000)),
            ("doctypes", "<!DOCTYPE".repeat(200_000)),
        ] {
            let before = started.elapsed();
            read(&html);
            let took = started.elapsed() - before;
            assert!(took.as_secs() < 20, "{what} took {took:?}");
        }
        let facts = read(&format!(
            "<title>{long}</title><meta property='og:{long}' content=x>"
        ));
        assert_eq!(facts.properties["og:title"].as_str().map(str::len), Some(1000));
        assert_eq!(facts.properties.len(), 1);
        let many: String = (0..1000)
            .map(|i| format!("<meta property=og:{i} content=x>"))
            .collect();
        assert!(read(&many).properties.len() <= 32);
    }
}
