//! Asks an application service over HTTP, with the token that it knows this server by.
//!
//! Never inside a transaction: a service may take its time, and it asks this server itself before it answers.
//!
//! <https://spec.matrix.org/v1.19/application-service-api/#homeserver---application-service-api>

use std::time::Duration;

use url::Url;

use crate::{
    Server,
    appservices::Appservice,
    ports::{Post, PostError, Posted, Verb},
};

/// A request to a service.
pub(crate) struct Question<'a> {
    pub(crate) verb: Verb,
    /// What follows `/_matrix/app/v1/` in its path, not encoded.
    pub(crate) path: &'a [&'a str],
    pub(crate) query: &'a [(&'a str, &'a str)],
    /// JSON; empty: none.
    pub(crate) body: Vec<u8>,
    /// How long the answer may take.
    pub(crate) patience: Duration,
}

impl Question<'_> {
    /// The request under a prefix of its path.
    fn request(&self, service: &Appservice, prefix: &[&str]) -> Option<Post> {
        let mut url: Url = service.url.clone()?;
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(prefix)
            .extend(self.path);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(self.query);
        }
        let mut headers = vec![("authorization", format!("Bearer {}", service.hs_token.expose()))];
        if !self.body.is_empty() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        Some(Post {
            url,
            headers,
            body: self.body.clone(),
        })
    }

    /// Where services knew this path before there were versions. `None`: it is younger.
    fn legacy_prefix(&self) -> Option<&'static [&'static str]> {
        match self.path.first() {
            Some(&("transactions" | "users" | "rooms")) => Some(&[]),
            Some(&"thirdparty") => Some(&["_matrix", "app", "unstable"]),
            _ => None,
        }
    }
}

/// Whether a service doesn't know a path, as opposed to what the path names.
fn is_unknown_path(answer: &Posted) -> bool {
    #[derive(serde::Deserialize)]
    struct Error {
        errcode: String,
    }
    let errcode = serde_json::from_slice::<Error>(&answer.body).map(|error| error.errcode);
    let says_otherwise = errcode.is_ok_and(|errcode| errcode != "M_UNRECOGNIZED");
    matches!(answer.status, 404 | 405 | 501) && !says_otherwise
}

/// Asks; where the service doesn't know the path, once more as it was spelled before.
///
/// # Errors
/// When there is no answer, or the service wants none.
pub(crate) async fn ask(
    server: &Server,
    service: &Appservice,
    question: Question<'_>,
) -> Result<Posted, PostError> {
    let answer = ask_under(server, service, &question, &["_matrix", "app", "v1"]).await?;
    match question.legacy_prefix() {
        Some(prefix) if is_unknown_path(&answer) => ask_under(server, service, &question, prefix).await,
        _ => Ok(answer),
    }
}

async fn ask_under(
    server: &Server,
    service: &Appservice,
    question: &Question<'_>,
    prefix: &[&str],
) -> Result<Posted, PostError> {
    let services = server.services.as_ref().ok_or(PostError::Failed)?;
    let request = question.request(service, prefix).ok_or(PostError::Failed)?;
    services.ask(question.verb, request, question.patience).await
}
