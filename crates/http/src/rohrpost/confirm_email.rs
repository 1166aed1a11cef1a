//! `GET` and `POST /_rohrpost/client/v1/email/confirm`
//!
//! The page behind the link in a mail. Opening it confirms nothing, because mail scanners open links, too: that takes
//! its button. It has no scripts, and leads nowhere else.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::{Html, IntoResponse, Response},
};
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, Limited};
use rohrpost_core::{Refusal, Server, email::validate::validate};

use crate::{error::refused_page, routes::address};

/// Where it is. Not in the route table, because people read its answers and not programs.
pub(crate) const PATH: &str = "/_rohrpost/client/v1/email/confirm";
/// Largest form: two short words.
const MAX_BODY_BYTES: usize = 4096;
const POLICY: &str = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What the page says, in one language.
struct Texts {
    lang: &'static str,
    title: &'static str,
    question: &'static str,
    button: &'static str,
    done: &'static str,
    failed: &'static str,
}

const GERMAN: Texts = Texts {
    lang: "de",
    title: "E-Mail-Adresse bestätigen",
    question: "Wenn Sie diese Adresse gerade angegeben haben, bestätigen Sie bitte, dass sie Ihre ist.",
    button: "Adresse bestätigen",
    done: "Danke, Ihre Adresse ist bestätigt. Sie können dieses Fenster schließen und dort weitermachen, wo Sie \
           angefangen haben.",
    failed: "Dieser Link gilt nicht (mehr). Bitte fordern Sie einen neuen an.",
};

const ENGLISH: Texts = Texts {
    lang: "en",
    title: "Confirm your e-mail address",
    question: "If you gave this address a moment ago, please confirm that it is yours.",
    button: "Confirm address",
    done: "Thank you, your address is confirmed. You can close this window and go on where you began.",
    failed: "This link is not valid (any more). Please ask for a new one.",
};

/// The language that a browser asks for first, of those that there are.
fn texts(headers: &HeaderMap) -> &'static Texts {
    let wanted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    let known = wanted.unwrap_or_default().split(',').find_map(|tag| {
        let primary = tag.trim().get(..2)?;
        [&GERMAN, &ENGLISH]
            .into_iter()
            .find(|texts| primary.eq_ignore_ascii_case(texts.lang))
    });
    known.unwrap_or(&ENGLISH)
}

/// The session and the token, from a query or a form. `None`: they can't be ours.
fn read(text: &str) -> Option<(&str, &str)> {
    let value = |name: &str| {
        let mut pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(key, _)| *key == name)?;
        let is_ours =
            (1..=64).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_ours.then_some(value)
    };
    Some((value("sid")?, value("token")?))
}

fn page(texts: &Texts, content: &str) -> impl IntoResponse {
    let Texts { lang, title, .. } = texts;
    let html = format!(
        "<!doctype html><html lang=\"{lang}\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title><main><h1>{title}</h1>{content}</main></html>"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Html(html))
}

fn failed(texts: &Texts, refusal: &Refusal) -> Response {
    refused_page(refusal, page(texts, &format!("<p>{}</p>", texts.failed)))
}

pub(crate) async fn show(request: Request) -> Response {
    let texts = texts(request.headers());
    let Some((sid, token)) = read(request.uri().query().unwrap_or_default()) else {
        return failed(texts, &Refusal::not_found("link"));
    };
    let Texts { question, button, .. } = texts;
    // Nothing that needs escaping: see `read`.
    let form = format!(
        "<p>{question}</p><form method=\"post\" action=\"{PATH}\"><input type=\"hidden\" name=\"sid\" \
         value=\"{sid}\"><input type=\"hidden\" name=\"token\" value=\"{token}\"><button>{button}</button></form>"
    );
    page(texts, &form).into_response()
}

pub(crate) async fn confirm(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let texts = texts(&parts.headers);
    let form = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(form) => form.to_bytes(),
        Err(_) => return failed(texts, &Refusal::not_found("link")),
    };
    let form = String::from_utf8_lossy(&form);
    let Some((sid, token)) = read(&form) else {
        return failed(texts, &Refusal::not_found("link"));
    };
    match validate(&server, sid, token, address(&parts.extensions)).await {
        Ok(()) => page(texts, &format!("<p>{}</p>", texts.done)).into_response(),
        Err(refusal) => failed(texts, &refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn only_what_can_be_ours_is_read() {
        assert_eq!(read("sid=abc&token=x2"), Some(("abc", "x2")));
        for wrong in [
            "",
            "sid=abc",
            "sid=&token=x",
            "sid=a%22b&token=x",
            "sid=<b>&token=x",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
