//! What an event relates to, by the clear part of its content: read, checked when one of our users sends it, and
//! noted, so that it is found from the other end.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#forming-relationships-between-events>

use rohrpost_room::Pdu;
use rohrpost_store::{EventNid, EventRow, NewRelation, StreamPos, Tx};
use ruma::OwnedEventId;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::{Refusal, Result, rooms::head::Head};

pub(crate) const THREAD: &str = "m.thread";
pub(crate) const REPLACE: &str = "m.replace";
const ANNOTATION: &str = "m.annotation";

/// Longest way of relating that is noted, in bytes: as long as a type of events may be.
const MAX_REL_TYPE_BYTES: usize = 255;

/// What an event relates to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Relation {
    /// How it relates.
    pub(crate) rel_type: Option<String>,
    /// The root of the thread it is in.
    pub(crate) thread: Option<OwnedEventId>,
    /// The event that it relates to in another way than by a thread.
    pub(crate) parent: Option<OwnedEventId>,
    /// `m.relates_to` as it stands in the event.
    pub(crate) raw: Option<String>,
}

/// Reads what an event relates to, without looking at the rest. What can't be read relates to nothing.
pub(crate) fn relation(json: &str) -> Relation {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        content: Content<'a>,
    }
    #[derive(Deserialize)]
    struct Content<'a> {
        #[serde(borrow, rename = "m.relates_to")]
        relates_to: Option<&'a RawValue>,
    }
    let raw = serde_json::from_str::<Event<'_>>(json)
        .ok()
        .and_then(|event| event.content.relates_to);
    let related = raw.and_then(|raw| serde_json::from_str::<RelatesTo>(raw.get()).ok());
    let raw = raw.map(|raw| raw.get().to_owned());
    let (rel_type, event_id) = related.map_or((None, None), |related| (related.rel_type, related.event_id));
    let (thread, parent) = match rel_type.as_deref() {
        Some(THREAD) => (event_id, None),
        Some(_) => (None, event_id),
        None => (None, None),
    };
    Relation {
        rel_type,
        thread,
        parent,
        raw,
    }
}

#[derive(Deserialize)]
struct RelatesTo {
    rel_type: Option<String>,
    event_id: Option<OwnedEventId>,
    key: Option<String>,
}

/// A relation that counts.
struct Valid {
    parent_id: OwnedEventId,
    rel_type: String,
    key: Option<String>,
}

/// "Relationships which don't match the schema, or which break the rules of a relationship, are simply ignored."
fn valid(pdu: &Pdu) -> Option<Valid> {
    #[derive(Deserialize)]
    struct Content {
        #[serde(rename = "m.relates_to")]
        relates_to: RelatesTo,
        #[serde(rename = "m.new_content")]
        new_content: Option<IgnoredAny>,
    }
    // Most messages relate to nothing, and canonical JSON writes this key in one way only.
    if !pdu.content().get().contains("\"m.relates_to\"") {
        return None;
    }
    let content: Content = pdu.content_as().ok()?;
    let relates_to = content.relates_to;
    let rel_type = relates_to.rel_type?;
    if rel_type.is_empty() || rel_type.len() > MAX_REL_TYPE_BYTES {
        return None;
    }
    let is_encrypted = pdu.kind().to_string() == "m.room.encrypted";
    let replaces = !pdu.is_state() && (is_encrypted || content.new_content.is_some());
    if rel_type == REPLACE && !replaces {
        return None;
    }
    Some(Valid {
        parent_id: relates_to.event_id?,
        key: relates_to.key.filter(|_| rel_type == ANNOTATION),
        rel_type,
    })
}

/// Checks what an event of one of our users relates to. The rules of the room have let it in already.
///
/// # Errors
/// `Unknown` for a thread that would begin at an event which relates to another itself; `DuplicateAnnotation`.
///
/// # Spec
/// [Threads](https://spec.matrix.org/v1.19/client-server-api/#validation-of-mthread-relationships),
/// [annotations](https://spec.matrix.org/v1.19/client-server-api/#avoiding-duplicate-annotations)
pub(super) async fn check(tx: &mut Tx<'_>, head: &Head, pdu: &Pdu) -> Result<()> {
    let Some(valid) = valid(pdu) else { return Ok(()) };
    let (room, parent_id) = (head.room.nid, &valid.parent_id);
    if valid.rel_type == THREAD {
        let root = tx.event_get(room, parent_id).await?;
        if root.is_some_and(|root| relation(&root.json).rel_type.is_some()) {
            return Err(Refusal::Unknown(
                "this event relates to another and can't begin a thread; please reply to it instead"
                    .to_owned(),
            ));
        }
    }
    if let Some(key) = &valid.key {
        let kind = pdu.kind().to_string();
        if tx
            .relation_is_annotated(room, parent_id, pdu.sender(), &kind, key)
            .await?
        {
            return Err(Refusal::DuplicateAnnotation);
        }
    }
    Ok(())
}

/// Notes what an event of the timeline relates to.
pub(super) async fn note(
    tx: &mut Tx<'_>,
    head: &Head,
    pdu: &Pdu,
    pos: StreamPos,
    event: EventNid,
) -> Result<()> {
    let Some(valid) = valid(pdu) else { return Ok(()) };
    let room = head.room.nid;
    let new = NewRelation {
        parent_id: &valid.parent_id,
        pos,
        event,
        event_id: pdu.event_id(),
        rel_type: &valid.rel_type,
        kind: &pdu.kind().to_string(),
        sender: pdu.sender(),
        origin_server_ts: i64::from(pdu.origin_server_ts().0),
        annotation: valid.key.as_deref(),
    };
    tx.relation_put(room, &new).await?;
    if valid.rel_type == THREAD {
        tx.thread_put(room, &valid.parent_id, pos).await?;
    }
    Ok(())
}

/// Forgets what an event relates to that is being redacted. `row` is the event as it was.
pub(super) async fn forget(tx: &mut Tx<'_>, head: &Head, row: &EventRow) -> Result<()> {
    let relation = relation(&row.json);
    let Some((parent_id, pos)) = relation.thread.as_ref().or(relation.parent.as_ref()).zip(row.pos) else {
        return Ok(());
    };
    tx.relation_delete(head.room.nid, parent_id, pos).await?;
    if let Some(root_id) = &relation.thread {
        tx.thread_look_again(head.room.nid, root_id).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ruma::{OwnedEventId, owned_event_id};

    use super::relation;

    fn root() -> OwnedEventId {
        owned_event_id!("$root")
    }

    #[test]
    fn finds_the_thread_of_an_event() {
        let json = r#"{"content":{"body":"hi","m.relates_to":{"event_id":"$root","rel_type":"m.thread"}}}"#;
        assert_eq!(relation(json).thread, Some(root()));
    }

    #[test]
    fn a_malformed_relation_relates_to_nothing() {
        for relates_to in [
            "7",
            "null",
            r#"{"rel_type":"m.thread"}"#,
            r#"{"rel_type":"m.thread","event_id":3}"#,
        ] {
            let json = format!(r#"{{"content":{{"m.relates_to":{relates_to}}}}}"#);
            assert_eq!(relation(&json).thread, None, "{relates_to}");
        }
        assert_eq!(relation("{}").raw, None);
    }
}
