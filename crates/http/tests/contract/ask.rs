//! Asks an endpoint everything that its row answers.

use axum::body::Body;
use http::{Request, header};
use rohrpost_testkit::{Answer, PASSWORD, enc};
use serde_json::{Value, json};

use super::{
    row::{Again, Row, Sent, Unknown, Who},
    world::World,
};

/// More than any endpoint reads.
const TOO_LARGE: usize = 4 * 1024 * 1024 + 1;
/// Deeper than any body is nested.
const TOO_DEEP: usize = 200;

struct Asker<'a> {
    row: &'a Row,
    world: World,
}

fn refusal(answer: &Answer) -> (u16, String) {
    let errcode = answer.json()["errcode"].as_str().unwrap_or_default().to_owned();
    (answer.status, errcode)
}

impl Asker<'_> {
    /// The address, with one part of it replaced.
    fn path(&self, replaced: Option<(&str, &str)>) -> String {
        let row = self.row;
        let segments = row.path.split('/').map(|segment| {
            let Some(part) = segment.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
                return segment.to_owned();
            };
            let set = row.set.iter().find(|(name, _)| *name == part);
            let value = match (replaced, set) {
                (Some((name, value)), _) if name == part => value.to_owned(),
                (_, Some((_, value))) => self.world.fill(value),
                _ => self.world.get(part).to_owned(),
            };
            enc(&value)
        });
        let mut path = segments.collect::<Vec<_>>().join("/");
        if !row.query.is_empty() {
            path = format!("{path}?{}", self.world.fill(row.query));
        }
        path
    }

    fn body(&self) -> Option<Value> {
        match &self.row.sent {
            Sent::Json(body) => Some(self.world.fill_body(body)),
            Sent::Signed(make) => Some(make(&self.world)),
            Sent::Nothing | Sent::File(_) => None,
        }
    }

    async fn send(&self, path: &str, body: String) -> Answer {
        let content_type = match self.row.sent {
            Sent::File(_) => "text/plain",
            _ if body.is_empty() => "",
            _ => "application/json",
        };
        self.send_as(self.row.who, path, content_type, body).await
    }

    async fn send_as(&self, who: Who, path: &str, content_type: &str, body: String) -> Answer {
        let mut request = Request::builder().method(self.row.method).uri(path);
        if let Some(token) = self.world.token(who) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if !content_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let request = request.body(Body::from(body)).expect("a request");
        self.world.server.ask(request).await
    }

    /// Asks with a good body, and confirms where that is asked for.
    async fn ask(&self, path: &str) -> Answer {
        match self.row.sent {
            Sent::File(content) => self.send(path, content.to_owned()).await,
            _ => self.ask_with(path, self.body()).await,
        }
    }

    async fn ask_with(&self, path: &str, body: Option<Value>) -> Answer {
        let text = body.as_ref().map(Value::to_string).unwrap_or_default();
        let answer = self.send(path, text).await;
        if !self.row.confirm || answer.status != 401 {
            return answer;
        }
        let mut body = body.unwrap_or_else(|| json!({}));
        body["auth"] = json!({
            "type": "m.login.password", "password": PASSWORD, "session": answer.json()["session"],
            "identifier": { "type": "m.id.user", "user": self.world.alice.id },
        });
        self.send(path, body.to_string()).await
    }

    async fn unknown(&self, fault: &mut impl FnMut(String)) {
        let parts = self.row.path.split('/').filter_map(|segment| {
            segment
                .strip_prefix('{')
                .and_then(|segment| segment.strip_suffix('}'))
        });
        for part in parts {
            let Some(expected) = self.row.expected(part) else {
                continue;
            };
            let [nothing, other] = self.world.wrong(part);
            let answers = [
                self.ask(&self.path(Some((part, &nothing)))).await,
                self.ask(&self.path(Some((part, &other)))).await,
            ];
            compare(part, expected, &answers, fault);
        }
        self.unknown_in_body(fault).await;
    }

    async fn unknown_in_body(&self, fault: &mut impl FnMut(String)) {
        let Some(body) = self.body() else { return };
        let path = self.path(None);
        for (pointer, expected) in &self.row.unknown {
            let Some((_, name)) = pointer.rsplit_once('/') else {
                continue;
            };
            let [nothing, other] = self.world.wrong(name).map(|wrong| {
                let mut body = body.clone();
                *body.pointer_mut(pointer).expect("the body has it") = wrong.into();
                body
            });
            let answers = [
                self.ask_with(&path, Some(nothing)).await,
                self.ask_with(&path, Some(other)).await,
            ];
            compare(pointer, *expected, &answers, fault);
        }
        for (wrong, expected) in &self.row.wrong {
            let [nothing, other] = wrong(&self.world);
            let answers = [
                self.ask_with(&path, Some(nothing)).await,
                self.ask_with(&path, Some(other)).await,
            ];
            compare("the body", *expected, &answers, fault);
        }
    }

    /// Others who may not.
    async fn others(&self, fault: &mut impl FnMut(String)) {
        let text = self.body().as_ref().map(Value::to_string).unwrap_or_default();
        for (who, status, errcode) in &self.row.not_by {
            let answer = self
                .send_as(*who, &self.path(None), "application/json", text.clone())
                .await;
            if refusal(&answer) != (*status, (*errcode).to_owned()) {
                fault(format!("by {who:?}: {} {}", answer.status, answer.text()));
            }
        }
    }

    /// What is wrong with a file: that it is too large, and that its type is no header.
    async fn malformed_file(&self, fault: &mut impl FnMut(String)) {
        let path = self.path(None);
        let max = usize::try_from(self.world.server.core().settings.max_upload_bytes).expect("it is small");
        let (large, odd) = (" ".repeat(max + 1), "x".repeat(300));
        for (content_type, body, expected) in [
            ("text/plain", large, (413, "M_TOO_LARGE")),
            (&*odd, "x".to_owned(), (400, "M_INVALID_PARAM")),
        ] {
            let answer = self.send_as(self.row.who, &path, content_type, body).await;
            let (status, errcode) = refusal(&answer);
            if (status, errcode.as_str()) != expected {
                fault(format!("wanted {expected:?}, got {status} {}", answer.text()));
            }
        }
    }

    async fn malformed(&self, fault: &mut impl FnMut(String)) {
        if matches!(self.row.sent, Sent::File(_)) {
            self.malformed_file(fault).await;
        }
        let Some(body) = self.body() else { return };
        let path = self.path(None);
        let max = if self.row.who == Who::Nobody {
            64 * 1024 + 1
        } else {
            TOO_LARGE
        };
        let mut tried = vec![
            ("not JSON".to_owned(), "{\"a\":".to_owned(), (400, "M_NOT_JSON")),
            ("no object".to_owned(), "[7]".to_owned(), (400, "M_BAD_JSON")),
            ("too large".to_owned(), " ".repeat(max), (413, "M_TOO_LARGE")),
        ];
        let keys = body.as_object().into_iter().flatten();
        for (key, value) in keys {
            if self
                .row
                .loose
                .iter()
                .any(|(loose, _)| loose == key || *loose == "*")
            {
                continue;
            }
            let mut wrong = body.clone();
            wrong[key] = match value {
                Value::String(_) | Value::Array(_) => json!(7),
                _ => json!("text"),
            };
            tried.push((
                format!("wrong type of {key}"),
                wrong.to_string(),
                (400, "M_BAD_JSON"),
            ));
        }
        for (what, body, expected) in tried {
            let answer = self.send(&path, body).await;
            let (status, errcode) = refusal(&answer);
            if (status, errcode.as_str()) != expected {
                fault(format!(
                    "{what}: wanted {expected:?}, got {status} {}",
                    answer.text()
                ));
            }
        }
        let answer = self
            .send(&path, "[".repeat(TOO_DEEP) + &"]".repeat(TOO_DEEP))
            .await;
        if answer.status != 400 {
            fault(format!("too deep: got {} {}", answer.status, answer.text()));
        }
    }

    async fn queries(&self, fault: &mut impl FnMut(String)) {
        let path = self.path(None);
        let path = path.split('?').next().unwrap_or_default();
        for (query, status, errcode) in &self.row.other_queries {
            let query = self.world.fill(query);
            let answer = self.ask(&format!("{path}?{query}")).await;
            if refusal(&answer) != (*status, (*errcode).to_owned()) {
                fault(format!("{query}: {} {}", answer.status, answer.text()));
            }
        }
    }

    async fn numbers(&self, fault: &mut impl FnMut(String)) {
        let path = self.path(None);
        let Some((before, query)) = path.split_once('?') else {
            return;
        };
        let pairs: Vec<&str> = query.split('&').collect();
        for (index, pair) in pairs.iter().enumerate() {
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            if value.parse::<u64>().is_err() || name == "version" {
                continue;
            }
            let mut wrong: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
            wrong[index] = format!("{name}=many");
            let answer = self
                .send(&format!("{before}?{}", wrong.join("&")), String::new())
                .await;
            if refusal(&answer) != (400, "M_INVALID_PARAM".to_owned()) {
                fault(format!("{name}=many: {} {}", answer.status, answer.text()));
            }
        }
    }

    async fn happy(&self, fault: &mut impl FnMut(String)) {
        let path = self.path(None);
        let first = self.ask(&path).await;
        let (status, errcode) = refusal(&first);
        if (status, errcode.as_str()) != self.row.answers.unwrap_or((200, "")) {
            fault(format!("a good request: {} {}", first.status, first.text()));
            return;
        }
        for pointer in &self.row.gives {
            if first.json().pointer(pointer).is_none_or(Value::is_null) {
                fault(format!("the answer has no {pointer}: {}", first.text()));
            }
        }
        for (name, begins) in &self.row.headers {
            let value = first.header(name);
            if !value.starts_with(begins) {
                fault(format!("{name} should begin with {begins}: {value}"));
            }
        }
        if self.row.content.is_some_and(|content| content != first.text()) {
            fault(format!("another content: {}", first.text()));
        }
        let second = self.ask(&path).await;
        let is_same = second.status == first.status;
        let is_right = match self.row.again {
            Again::Same => is_same && second.body == first.body,
            Again::Other(_) => is_same && second.body != first.body,
            Again::Alike(_) => is_same,
            Again::Refused(status, errcode) => refusal(&second) == (status, errcode.to_owned()),
        };
        if !is_right {
            let expected = self.row.again;
            fault(format!(
                "again: wanted {expected:?}, got {}\n    first: {}\n    again: {}",
                second.status,
                first.text(),
                second.text()
            ));
        }
    }
}

/// Whether what names nothing, and what names something of somebody else, is answered as it should be.
fn compare(what: &str, expected: Unknown, answers: &[Answer; 2], fault: &mut impl FnMut(String)) {
    let [first, second] = [refusal(&answers[0]), refusal(&answers[1])];
    let [first, second] = [(first.0, first.1.as_str()), (second.0, second.1.as_str())];
    let both = [first, second];
    let is_right = match expected {
        Unknown::Refused(status, errcode) => {
            both == [(status, errcode); 2] && answers[0].body == answers[1].body
        }
        Unknown::Fine(_) => both == [(200, ""); 2],
        Unknown::Says(text, _) => {
            both == [(200, ""); 2] && answers.iter().all(|answer| answer.text().contains(text))
        }
        Unknown::Told(nothing, other, _) => both == [nothing, other],
    };
    if !is_right {
        let [first, second] = [answers[0].text(), answers[1].text()];
        let statuses = (answers[0].status, answers[1].status);
        fault(format!(
            "{what}: wanted {expected:?}, got {statuses:?}\n    nothing: {first}\n    another's: {second}"
        ));
    }
}

/// Asks, and tells what is not as it should be. What is refused comes first: it must leave no trace.
pub(super) async fn check(row: &Row, mut world: World, faults: &mut Vec<String>) {
    let name = format!("{} {}", row.method, row.path);
    for (method, path, body) in &row.before {
        let path: Vec<String> = path
            .split('/')
            .map(|segment| {
                if segment.starts_with('{') {
                    enc(&world.fill(segment))
                } else {
                    world.fill(segment)
                }
            })
            .collect();
        let body = Some(world.fill_body(body)).filter(|body| !body.is_null());
        let (status, answer) = world
            .server
            .call(method, &path.join("/"), Some(&world.alice.token), body)
            .await;
        assert_eq!(status, 200, "{name}: {answer}");
    }
    for given in &row.given {
        given(&mut world).await;
    }
    let mut fault = |what: String| faults.push(format!("{name}: {what}"));
    let asker = Asker { row, world };
    asker.malformed(&mut fault).await;
    asker.numbers(&mut fault).await;
    asker.queries(&mut fault).await;
    asker.others(&mut fault).await;
    asker.unknown(&mut fault).await;
    asker.happy(&mut fault).await;
}
