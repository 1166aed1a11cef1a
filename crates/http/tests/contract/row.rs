//! An endpoint, a good request to it, and what it answers to others.

use serde_json::Value;

use super::{given::Given, world::World};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The owner of everything in the world.
    Alice,
    /// A member of Alice's room with no rights of his own.
    Bob,
    /// An administrator of the server.
    Admin,
    /// The application service that listens.
    Service,
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
    /// The same status; of the body nothing can be said, for this reason.
    Alike(&'static str),
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
    /// Both are answered with 200 and this text, for this reason.
    Says(&'static str, &'static str),
    /// First what is answered to an id that names nothing, then to one of somebody else, and why that may be told.
    Told((u16, &'static str), (u16, &'static str), &'static str),
}

/// What is sent.
pub(super) enum Sent {
    /// No body, or one that is not looked at.
    Nothing,
    /// JSON.
    Json(Value),
    /// JSON that only the people of a world can make, because they sign it.
    Signed(fn(&World) -> Value),
    /// A file.
    File(&'static str),
}

/// A request that names what isn't there, and one that names something of somebody else.
pub(super) type Wrong = fn(&World) -> [Value; 2];

/// A row of the table. Texts in `{}` in path, query and body stand for what the world has by that name.
pub(super) struct Row {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) query: &'static str,
    pub(super) sent: Sent,
    pub(super) who: Who,
    /// Others who may not, and what they are told.
    pub(super) not_by: Vec<(Who, u16, &'static str)>,
    /// Other values for parts of the path than those of the world.
    pub(super) set: Vec<(&'static str, &'static str)>,
    pub(super) again: Again,
    /// Parts of the path, or JSON pointers into the body.
    pub(super) unknown: Vec<(&'static str, Unknown)>,
    /// Whole bodies.
    pub(super) wrong: Vec<(Wrong, Unknown)>,
    /// Other queries and what is answered: such as can't be read, and such as name nothing or something of others.
    pub(super) other_queries: Vec<(&'static str, u16, &'static str)>,
    /// Keys of the body that take values of any type, and why.
    pub(super) loose: Vec<(&'static str, &'static str)>,
    /// What the answer has, as JSON pointers.
    pub(super) gives: Vec<&'static str>,
    /// What headers of the answer begin with.
    pub(super) headers: Vec<(&'static str, &'static str)>,
    /// The whole answer, where it is no JSON.
    pub(super) content: Option<&'static str>,
    /// What a good request is answered with that isn't 200: a redirection, or a refusal where the server offers
    /// nothing.
    pub(super) answers: Option<(u16, &'static str)>,
    /// Whether the caller must confirm it with their password.
    pub(super) confirm: bool,
    /// Requests of Alice before all others: method, path, body.
    pub(super) before: Vec<(&'static str, &'static str, Value)>,
    /// What the world has besides.
    pub(super) given: Vec<Given>,
    /// Whether it is about accounts that are made by mail.
    pub(super) by_mail: bool,
}

/// A row; Alice asks, and what belongs to others is refused as is usual for its kind.
pub(super) fn row(method: &'static str, path: &'static str) -> Row {
    Row {
        method,
        path,
        query: "",
        sent: Sent::Nothing,
        who: Who::Alice,
        not_by: Vec::new(),
        set: Vec::new(),
        again: Again::Same,
        unknown: Vec::new(),
        wrong: Vec::new(),
        other_queries: Vec::new(),
        loose: Vec::new(),
        gives: Vec::new(),
        headers: Vec::new(),
        content: None,
        answers: None,
        confirm: false,
        before: Vec::new(),
        given: Vec::new(),
        by_mail: false,
    }
}

impl Row {
    pub(super) fn query(mut self, query: &'static str) -> Self {
        self.query = query;
        self
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.sent = Sent::Json(body);
        self
    }

    pub(super) fn signed(mut self, body: fn(&World) -> Value) -> Self {
        self.sent = Sent::Signed(body);
        self
    }

    pub(super) fn file(mut self, content: &'static str) -> Self {
        self.sent = Sent::File(content);
        self
    }

    pub(super) fn by(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    pub(super) fn not_by(mut self, who: Who, status: u16, errcode: &'static str) -> Self {
        self.not_by.push((who, status, errcode));
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

    pub(super) fn wrong(mut self, bodies: Wrong, unknown: Unknown) -> Self {
        self.wrong.push((bodies, unknown));
        self
    }

    pub(super) fn other_query(mut self, query: &'static str, status: u16, errcode: &'static str) -> Self {
        self.other_queries.push((query, status, errcode));
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

    pub(super) fn header(mut self, name: &'static str, begins: &'static str) -> Self {
        self.headers.push((name, begins));
        self
    }

    pub(super) fn content(mut self, content: &'static str) -> Self {
        self.content = Some(content);
        self
    }

    pub(super) fn answers(mut self, status: u16, errcode: &'static str) -> Self {
        self.answers = Some((status, errcode));
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

    pub(super) fn given(mut self, given: Given) -> Self {
        self.given.push(given);
        self
    }

    pub(super) fn by_mail(mut self) -> Self {
        self.by_mail = true;
        self
    }

    /// What must be answered when a part of the path names nothing. `None` for parts that name nothing anyway, such as
    /// transaction ids.
    pub(super) fn expected(&self, part: &str) -> Option<Unknown> {
        let reviewed = self.unknown.iter().find(|(name, _)| *name == part);
        if let Some((_, unknown)) = reviewed {
            return Some(*unknown);
        }
        match part {
            "roomId" => Some(Unknown::Refused(403, "M_FORBIDDEN")),
            "userId" => Some(Unknown::Refused(403, "M_FORBIDDEN")),
            "eventId" | "deviceId" | "filterId" | "roomAlias" | "version" | "sessionId" | "roomIdOrAlias"
            | "ruleId" | "type" | "keyName" | "protocol" | "serverName" | "mediaId" | "idpId" => {
                Some(Unknown::Refused(404, "M_NOT_FOUND"))
            }
            "stateKey" => Some(Unknown::Refused(404, "M_NOT_FOUND")),
            "kind" => Some(Unknown::Refused(404, "M_NOT_FOUND")),
            "receiptType" => Some(Unknown::Refused(400, "M_INVALID_PARAM")),
            "eventType" | "txnId" | "tag" | "relType" | "networkId" | "fileName" => None,
            other => panic!("{}: say what is answered when {other} names nothing", self.path),
        }
    }
}
