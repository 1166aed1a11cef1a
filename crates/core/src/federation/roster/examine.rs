//! Says how the roster stands and what a look for it would bring, and changes nothing.

use std::sync::Arc;

use rohrpost_trust::roster::Members;

use super::{
    Concern, Standing,
    refresh::{Look, decide, read},
    rules, standing,
    standing::of,
};
use crate::{Result, Server, ports::RosterSource};

/// How the roster stands; `None` where this server goes by none. A document that would be accepted counts as if it had
/// been.
///
/// # Errors
/// Those of the store.
pub async fn examine(server: &Arc<Server>, source: &dyn RosterSource) -> Result<Option<Standing>> {
    let Some(rules) = rules(server) else {
        return Ok(None);
    };
    let trouble = match read(source).await? {
        Ok((_, document)) => match decide(server, rules, &document).await?.1 {
            Ok(verified) => {
                let members = Members::new(verified, rules.grace_ms);
                return Ok(Some(of(server, &members)));
            }
            Err(refusal) => format!("the roster that lies there isn't accepted: {refusal}"),
        },
        Err(Look::Refused(refusal)) => format!("what lies there isn't accepted: {refusal}"),
        Err(Look::Unread(error)) => error.to_string(),
        Err(Look::Accepted | Look::Same) => return Ok(standing(server)),
    };
    let standing = standing(server).map(|standing| Standing {
        concern: Some(match standing.concern {
            Some(concern) => Concern {
                text: format!("{trouble}\n{}", concern.text),
                ..concern
            },
            None => Concern::open(format!(
                "{trouble}\nuntil it ends, this server goes on by the one it has"
            )),
        }),
        ..standing
    });
    Ok(standing)
}
