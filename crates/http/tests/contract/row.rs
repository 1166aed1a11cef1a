//! An endpoint, a good request to it, and what it answers to others.

use serde_json::Value;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The owner of everything in the world.
    Alice,
    /// A member of Alice's room with no rights of his own.
    Bob,
    /// An administrator of the server.
    Admin,
    /// Nobody who is signed in.
    Nobody,
}

/// What is answered to the same request once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// The same, byte for byte.
    Same,
    /// The same status; the body is another one, for this reason.
    Other(&'static str),
    /// A refusal.
    Refused(u16, &'static str),
}

/// What is answered when a part of the address names nothing, or something of somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Both are refused, with the same body.
    Refused(u16, &'static str),
    /// Both are answered alike, with 200, for this reason.
    Fine(&'static str),
    /// First what is answered to an id that names nothing, then to one of somebody else, and why that may be told.
    Told((u16, &'static str), (u16, &'static str), &'static str),
}

/// A row of the table. Texts in `{}` in path, query and body stand for what the world has by that name.
pub(super) struct Row {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) query: &'static str,
    pub(super) body: Option<Value>,
    pub(super) who: Who,
    /// Other values for parts of the path than those of the world.
    pub(super) set: Vec<(&'static str, &'static str)>,
    pub(super) again: Again,
    pub(super) unknown: Vec<(&'static str, Unknown)>,
    /// Keys of the body that take values of any type, and why.
    pub(super) loose: Vec<(&'static str, &'static str)>,
    /// What the answer has, as JSON pointers.
    pub(super) gives: Vec<&'static str>,
    /// The refusal that is the answer also to a good request, where the server offers nothing.
    pub(super) answers: Option<(u16, &'static str)>,
    /// Whether the caller must confirm it with their password.
    pub(super) confirm: bool,
    /// Requests of Alice before all others: method, path, body.
    pub(super) before: Vec<(&'static str, &'static str, Value)>,
}

/// A row; Alice asks, and what belongs to others is refused as is usual for its kind.
pub(super) fn row(method: &'static str, path: &'static str) -> Row {
    Row {
        method,
        path,
        query: "",
        body: None,
        who: Who::Alice,
        set: Vec::new(),
        again: Again::Same,
        unknown: Vec::new(),
        loose: Vec::new(),
        gives: Vec::new(),
        answers: None,
        confirm: false,
        before: Vec::new(),
    }
}

impl Row {
    pub(super) fn query(mut self, query: &'static str) -> Self {
        self.query = query;
        self
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(super) fn by(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    pub(super) fn set(mut self, name: &'static str, value: &'static str) -> Self {
        self.set.push((name, value));
        self
    }

    pub(super) fn again(mut self, again: Again) -> Self {
        self.again = again;
        self
    }

    pub(super) fn unknown(mut self, name: &'static str, unknown: Unknown) -> Self {
        self.unknown.push((name, unknown));
        self
    }

    pub(super) fn loose(mut self, key: &'static str, reason: &'static str) -> Self {
        self.loose.push((key, reason));
        self
    }

    pub(super) fn gives(mut self, pointer: &'static str) -> Self {
        self.gives.push(pointer);
        self
    }

    pub(super) fn answers(mut self, status: u16, errcode: &'static str) -> Self {
        self.answers = Some((status, errcode));
        self.again = Again::Refused(status, errcode);
        self
    }

    pub(super) fn confirm(mut self) -> Self {
        self.confirm = true;
        self
    }

    pub(super) fn before(mut self, method: &'static str, path: &'static str, body: Value) -> Self {
        self.before.push((method, path, body));
        self
    }

    /// What must be answered when a part of the path names nothing. `None` for parts that name nothing anyway, such as
    /// transaction ids.
    pub(super) fn expected(&self, part: &str) -> Option<Unknown> {
        let reviewed = self.unknown.iter().find(|(name, _)| *name == part);
        reviewed.map(|(_, unknown)| *unknown).or(match part {
            "roomId" => Some(Unknown::Refused(403, "M_FORBIDDEN")),
            "userId" => Some(Unknown::Refused(403, "M_FORBIDDEN")),
            "eventId" | "deviceId" | "filterId" | "roomAlias" | "version" | "sessionId" | "roomIdOrAlias"
            | "ruleId" | "type" | "keyName" | "protocol" => Some(Unknown::Refused(404, "M_NOT_FOUND")),
            "stateKey" => Some(Unknown::Refused(404, "M_NOT_FOUND")),
            "kind" => Some(Unknown::Refused(404, "M_NOT_FOUND")),
            "receiptType" => Some(Unknown::Refused(400, "M_INVALID_PARAM")),
            _ => None,
        })
    }
}
