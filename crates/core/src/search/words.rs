//! The words of events: which texts are searched, and what is a word of them.

use std::collections::BTreeSet;

use rohrpost_room::Pdu;
use rohrpost_store::{EventRow, StreamPos, Tx};
use ruma::api::client::search::search_events::v3::SearchKeys;
use serde::Deserialize;

use crate::{
    Result,
    rooms::head::{Head, pdu},
};

/// Longest word that is kept, in characters; of longer ones, the beginning.
const MAX_WORD_CHARS: usize = 32;
/// Words of one event that are kept.
const MAX_WORDS: usize = 256;

/// The texts of an event that are searched, with the key each stands under. None for other types of events.
///
/// # Spec
/// [Search categories](https://spec.matrix.org/v1.19/client-server-api/#room_events)
pub(super) fn texts(pdu: &Pdu) -> Vec<(SearchKeys, String)> {
    #[derive(Deserialize)]
    struct Body {
        body: String,
    }
    #[derive(Deserialize)]
    struct Name {
        name: String,
    }
    #[derive(Deserialize)]
    struct Topic {
        topic: Option<String>,
        #[serde(default, rename = "m.topic")]
        block: Block,
    }
    #[derive(Default, Deserialize)]
    struct Block {
        #[serde(default, rename = "m.text")]
        text: Vec<Representation>,
    }
    #[derive(Deserialize)]
    struct Representation {
        body: String,
        mimetype: Option<String>,
    }
    let is_state = pdu.is_state();
    match pdu.kind().to_string().as_str() {
        "m.room.message" if !is_state => pdu
            .content_as::<Body>()
            .map(|content| vec![(SearchKeys::ContentBody, content.body)])
            .unwrap_or_default(),
        "m.room.name" if is_state => pdu
            .content_as::<Name>()
            .map(|content| vec![(SearchKeys::ContentName, content.name)])
            .unwrap_or_default(),
        "m.room.topic" if is_state => {
            let Ok(Topic { topic, block }) = pdu.content_as::<Topic>() else {
                return Vec::new();
            };
            let is_plain =
                |text: &Representation| text.mimetype.as_deref().is_none_or(|kind| kind == "text/plain");
            let plain = block.text.into_iter().filter(is_plain).map(|text| text.body);
            let texts = topic.into_iter().chain(plain);
            texts.map(|text| (SearchKeys::ContentTopic, text)).collect()
        }
        _ => Vec::new(),
    }
}

/// The words of a text, in its order and as often as they stand there: letters and digits, lower case.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.chars()
                .flat_map(char::to_lowercase)
                .take(MAX_WORD_CHARS)
                .collect()
        })
}

fn words_of(pdu: &Pdu) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, text) in texts(pdu) {
        for word in words(&text) {
            if found.len() == MAX_WORDS {
                return found;
            }
            found.insert(word);
        }
    }
    found
}

/// Keeps the words of an event, unless the room is or was encrypted.
pub(crate) async fn note(tx: &mut Tx<'_>, head: &Head, pdu: &Pdu, pos: StreamPos) -> Result<()> {
    if head.room.ever_encrypted {
        return Ok(());
    }
    let words = words_of(pdu);
    if !words.is_empty() {
        tx.search_put(head.room.nid, pos, words.iter().map(String::as_str))
            .await?;
    }
    Ok(())
}

/// Forgets the words of an event that is being redacted. `row` is the event as it was.
pub(crate) async fn forget(tx: &mut Tx<'_>, head: &Head, row: &EventRow) -> Result<()> {
    let words = words_of(&pdu(&head.room.room_id, row)?);
    if let Some(pos) = row.pos
        && !words.is_empty()
    {
        tx.search_delete(head.room.nid, pos, words.iter().map(String::as_str))
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_letters_and_digits_in_lower_case() {
        let found: Vec<String> = words("Die B\u{c4}REN-Akte (Nr. 12), die\n\u{1f43b}!").collect();
        assert_eq!(found, ["die", "b\u{e4}ren", "akte", "nr", "12", "die"]);
        assert_eq!(words(" ,\u{1f43b} ").count(), 0);
        let long: Vec<String> = words(&"x".repeat(100)).collect();
        assert_eq!(long, ["x".repeat(32)]);
    }
}
