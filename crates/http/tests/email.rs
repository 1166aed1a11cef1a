//! E-mail addresses and mail, with a real mail server, on both engines.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::body::Body;
use http::Request;
use rohrpost_core::settings::{EmailSettings, Registration, Settings};
use rohrpost_testkit::{PASSWORD, TestServer, User};
use serde_json::{Value, json};
use tempfile::TempDir;

const LIST: &str = "/_matrix/client/v3/account/3pid";
const ADD: &str = "/_matrix/client/v3/account/3pid/add";
const DELETE: &str = "/_matrix/client/v3/account/3pid/delete";
const BIND: &str = "/_matrix/client/v3/account/3pid/bind";
const UNBIND: &str = "/_matrix/client/v3/account/3pid/unbind";
const ADD_TOKEN: &str = "/_matrix/client/v3/account/3pid/email/requestToken";
const REGISTER_TOKEN: &str = "/_matrix/client/v3/register/email/requestToken";
const PASSWORD_TOKEN: &str = "/_matrix/client/v3/account/password/email/requestToken";
const ADD_NUMBER: &str = "/_matrix/client/v3/account/3pid/msisdn/requestToken";
const REGISTER_NUMBER: &str = "/_matrix/client/v3/register/msisdn/requestToken";
const PASSWORD_NUMBER: &str = "/_matrix/client/v3/account/password/msisdn/requestToken";
const REGISTER: &str = "/_matrix/client/v3/register";
const CHANGE_PASSWORD: &str = "/_matrix/client/v3/account/password";
const LOGIN: &str = "/_matrix/client/v3/login";

/// A mail server that writes each mail into a folder, a line when it listens, and refuses those to `nobody@`.
const MAIL_SERVER: &str = r#"
import asyncio, email, itertools, json, os, sys
from email import policy
from aiosmtpd.controller import UnthreadedController
from aiosmtpd.smtp import SMTP
numbers = itertools.count()
class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=policy.default)
        path = os.path.join(sys.argv[1], f"{next(numbers):04}")
        with open(path + ".new", "w") as file:
            json.dump({"to": envelope.rcpt_tos, "from": str(mail["from"]), "subject": str(mail["subject"]),
                       "auto": str(mail["auto-submitted"]), "body": mail.get_content()}, file)
        os.rename(path + ".new", path)
        return "250 OK"
async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), hostname="mail.test.example"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"#;

struct MailServer {
    process: Child,
    folder: TempDir,
    url: String,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test command says where there is a Python"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl MailServer {
    /// `None`, and a line that can be seen, when there is no aiosmtpd; fails in the integration.
    fn start() -> Option<Self> {
        let python = variable("ROHRPOST_TEST_PYTHON").unwrap_or_else(|| "python3".to_owned());
        let has_it = Command::new(&python)
            .args(["-c", "import aiosmtpd"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !has_it {
            assert!(
                variable("CI").is_none_or(|ci| ci == "false"),
                "aiosmtpd is missing (ROHRPOST_TEST_PYTHON names a Python that has it): no mail was tested"
            );
            let told = writeln!(std::io::stderr(), "SKIPPED mail: {python} has no aiosmtpd");
            told.expect("standard error can be written");
            return None;
        }
        let folder = TempDir::new().expect("a folder");
        let mut process = Command::new(&python)
            .args(["-c", MAIL_SERVER])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("its output");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = format!("smtp://127.0.0.1:{}", line.trim());
        Some(Self { process, folder, url })
    }

    /// What came since the last call, after the server under test handed over what it had.
    async fn mails(&self, server: &TestServer) -> Vec<Value> {
        server.send_mail(&self.url).await;
        let entries = std::fs::read_dir(self.folder.path()).expect("a folder");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        let read = |path: &std::path::PathBuf| {
            let mail = std::fs::read(path).expect("a mail");
            std::fs::remove_file(path).expect("it was there");
            serde_json::from_slice(&mail).expect("JSON")
        };
        paths.iter().map(read).collect()
    }

    /// The only mail that came, which must be to this address.
    async fn mail(&self, server: &TestServer, to: &str) -> Value {
        let mails = self.mails(server).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0]["to"], json!([to]));
        mails[0].clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let ended = self.process.kill().and_then(|()| self.process.wait());
        assert!(ended.is_ok(), "the mail server goes on");
    }
}

fn with_mail(settings: &mut Settings) {
    settings.email = Some(EmailSettings {
        domains: vec!["amt.example".to_owned()],
        notices: true,
    });
}

fn by_mail(settings: &mut Settings) {
    with_mail(settings);
    settings.registration = Registration::Email;
}

fn token_request(address: &str, attempt: u32) -> Value {
    json!({ "client_secret": "secret.of-the=client", "email": address, "send_attempt": attempt })
}

/// The link in a mail, without the server's address.
fn link(mail: &Value) -> String {
    let body = mail["body"].as_str().expect("text");
    let start = body.find("https://test.example/").expect("a link") + "https://test.example".len();
    let rest = &body[start..];
    rest[..rest.find('\n').expect("its end")].trim().to_owned()
}

fn sid(answer: (u16, Value)) -> String {
    assert_eq!(answer.0, 200, "{}", answer.1);
    answer.1["sid"].as_str().expect("a session").to_owned()
}

/// Opens the link and presses the button.
async fn follow(server: &TestServer, link: &str) -> (u16, String) {
    let request = |method: &str, path: &str, body: String| {
        Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept-language", "de-DE,en;q=0.5")
            .body(Body::from(body))
            .expect("a request")
    };
    let shown = server.ask(request("GET", link, String::new())).await;
    assert_eq!(shown.status, 200);
    assert!(shown.text().contains("Adresse bestätigen"), "{}", shown.text());
    assert!(
        shown
            .header("content-security-policy")
            .contains("default-src 'none'")
    );
    assert_eq!(shown.header("referrer-policy"), "no-referrer");
    let (path, form) = link.split_once('?').expect("a query");
    let answer = server.ask(request("POST", path, form.to_owned())).await;
    (answer.status, answer.text())
}

fn creds(sid: &str) -> Value {
    json!({ "sid": sid, "client_secret": "secret.of-the=client" })
}

fn password_auth(user: &User) -> Value {
    json!({
        "type": "m.login.password", "password": PASSWORD,
        "identifier": { "type": "m.id.user", "user": user.id },
    })
}

async fn add(user: &User, sid: &str) -> (u16, Value) {
    let mut body = creds(sid);
    body["auth"] = password_auth(user);
    user.post(ADD, body).await
}

fn refusal(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errcode"].as_str().unwrap_or_default())
}

/// Adds an address to an account, from request to list.
async fn add_address(mails: &MailServer, server: &TestServer, user: &User, address: &str) {
    let session = sid(user.post(ADD_TOKEN, token_request(address, 1)).await);
    let mail = mails.mail(server, address).await;
    assert_eq!(follow(server, &link(&mail)).await.0, 200);
    assert_eq!(add(user, &session).await, (200, json!({})));
}

#[tokio::test]
async fn an_address_is_added_once_its_link_was_followed() {
    let Some(mails) = MailServer::start() else { return };
    TestServer::with(with_mail)
        .each(async |server| {
            let (alice, bob) = (server.user("alice").await, server.user("bob").await);
            assert_eq!(alice.get(LIST).await, (200, json!({ "threepids": [] })));
            let session = sid(alice.post(ADD_TOKEN, token_request("Alice@Amt.Example", 1)).await);
            // The same attempt again sends nothing.
            assert_eq!(
                sid(alice.post(ADD_TOKEN, token_request("alice@amt.example", 1)).await),
                session
            );
            let mail = mails.mail(&server, "alice@amt.example").await;
            assert_eq!(mail["auto"], "auto-generated");
            let body = mail["body"].as_str().expect("text");
            assert!(
                body.contains("bestätigen") && body.contains("please confirm"),
                "{body}"
            );

            assert_eq!(
                refusal(&add(&alice, &session).await),
                (400, "M_THREEPID_AUTH_FAILED")
            );
            let link = link(&mail);
            let (status, page) = follow(&server, &link.replace("token=", "token=x")).await;
            assert_eq!(status, 404, "{page}");
            assert_eq!(
                refusal(&add(&alice, &session).await),
                (400, "M_THREEPID_AUTH_FAILED")
            );
            for _ in 0..2 {
                let (status, page) = follow(&server, &link).await;
                assert!(status == 200 && page.contains("ist bestätigt"), "{page}");
            }
            let wrong = json!({ "sid": session, "client_secret": "another", "auth": password_auth(&alice) });
            assert_eq!(
                refusal(&alice.post(ADD, wrong).await),
                (400, "M_THREEPID_AUTH_FAILED")
            );
            assert_eq!(
                alice.post(ADD, creds(&session)).await.0,
                401,
                "the password first"
            );
            assert_eq!(add(&alice, &session).await, (200, json!({})));
            let (_, listed) = alice.get(LIST).await;
            assert_eq!(listed["threepids"].as_array().map(Vec::len), Some(1));
            assert_eq!(listed["threepids"][0]["address"], "alice@amt.example");
            assert_eq!(listed["threepids"][0]["medium"], "email");
            assert_eq!(
                refusal(&add(&alice, &session).await),
                (400, "M_THREEPID_AUTH_FAILED"),
                "once"
            );

            // Nobody learns that the address has an account, but its owner.
            let answer = bob.post(ADD_TOKEN, token_request("alice@amt.example", 1)).await;
            let session = sid(answer);
            let told = mails.mail(&server, "alice@amt.example").await;
            assert!(!told["body"].as_str().expect("text").contains("token="), "{told}");
            assert_eq!(
                refusal(&add(&bob, &session).await),
                (400, "M_THREEPID_AUTH_FAILED")
            );

            let gone = json!({ "medium": "email", "address": "alice@amt.example" });
            let (status, removed) = bob.post(DELETE, gone.clone()).await;
            assert_eq!(
                (status, &removed["id_server_unbind_result"]),
                (200, &json!("no-support"))
            );
            assert_eq!(
                alice.get(LIST).await.1["threepids"].as_array().map(Vec::len),
                Some(1)
            );
            for _ in 0..2 {
                assert_eq!(alice.post(DELETE, gone.clone()).await.0, 200);
            }
            assert_eq!(alice.get(LIST).await, (200, json!({ "threepids": [] })));
        })
        .await;
}

#[tokio::test]
async fn an_address_is_added_in_the_old_way_under_the_same_conditions() {
    let Some(mails) = MailServer::start() else { return };
    TestServer::with(with_mail)
        .each(async |server| {
            let (alice, bob) = (server.user("alice").await, server.user("bob").await);
            let session = sid(alice.post(ADD_TOKEN, token_request("alice@amt.example", 1)).await);
            let mail = mails.mail(&server, "alice@amt.example").await;
            let body = |session: &str, auth: Option<&User>| {
                let mut creds = creds(session);
                creds["id_server"] = "identity.example".into();
                creds["id_access_token"] = "token".into();
                match auth {
                    Some(user) => json!({ "three_pid_creds": creds, "auth": password_auth(user) }),
                    None => json!({ "three_pid_creds": creds }),
                }
            };
            let early = alice.post(LIST, body(&session, Some(&alice))).await;
            assert_eq!(refusal(&early), (403, "M_THREEPID_AUTH_FAILED"));
            assert_eq!(follow(&server, &link(&mail)).await.0, 200);

            let (status, flows) = alice.post(LIST, body(&session, None)).await;
            assert_eq!(status, 401, "the password first");
            assert_eq!(flows["flows"], json!([{ "stages": ["m.login.password"] }]));
            let wrong = alice.post(LIST, body(&session, Some(&bob))).await;
            assert_eq!(refusal(&wrong), (401, "M_FORBIDDEN"), "somebody else's password");
            let unknown = alice.post(LIST, body("unknown", Some(&alice))).await;
            assert_eq!(refusal(&unknown), (403, "M_THREEPID_AUTH_FAILED"));
            let missing = server.post(LIST, None, body(&session, Some(&alice))).await;
            assert_eq!(refusal(&missing), (401, "M_MISSING_TOKEN"));
            for malformed in [
                json!({}),
                json!({ "three_pid_creds": { "sid": session } }),
                json!([]),
            ] {
                assert_eq!(refusal(&alice.post(LIST, malformed).await), (400, "M_BAD_JSON"));
            }
            assert_eq!(alice.get(LIST).await, (200, json!({ "threepids": [] })));

            assert_eq!(
                alice.post(LIST, body(&session, Some(&alice))).await,
                (200, json!({}))
            );
            let (_, listed) = alice.get(LIST).await;
            assert_eq!(listed["threepids"][0]["address"], "alice@amt.example");
            let again = alice.post(LIST, body(&session, Some(&alice))).await;
            assert_eq!(refusal(&again), (403, "M_THREEPID_AUTH_FAILED"), "once");
        })
        .await;
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew() {
    let Some(mails) = MailServer::start() else { return };
    TestServer::with(with_mail)
        .each(async |server| {
            let (alice, bob) = (server.user("alice").await, server.user("bob").await);
            add_address(&mails, &server, &alice, "alice@amt.example").await;
            let ask =
                async |address: &str| server.post(PASSWORD_TOKEN, None, token_request(address, 1)).await;
            let unknown = ask("stranger@amt.example").await;
            let session = sid(ask("alice@amt.example").await);
            assert_eq!(unknown.0, 200, "the same answer");
            let mail = mails.mail(&server, "alice@amt.example").await;

            let new = "a completely different password";
            let body = |session: &str, auth: Value| {
                json!({ "new_password": new, "auth": { "type": "m.login.email.identity", "session": auth,
                        "threepid_creds": creds(session) } })
            };
            let (status, flows) = server
                .post(CHANGE_PASSWORD, None, json!({ "new_password": new }))
                .await;
            assert_eq!(status, 401);
            assert_eq!(flows["flows"], json!([{ "stages": ["m.login.email.identity"] }]));
            let uia = flows["session"].clone();
            let early = server
                .post(CHANGE_PASSWORD, None, body(&session, uia.clone()))
                .await;
            assert_eq!(refusal(&early), (401, "M_FORBIDDEN"), "the link was not followed");
            assert_eq!(follow(&server, &link(&mail)).await.0, 200);
            // A session for one purpose is worth nothing for another one.
            assert_eq!(
                refusal(&add(&bob, &session).await),
                (400, "M_THREEPID_AUTH_FAILED")
            );
            assert_eq!(
                server
                    .post(CHANGE_PASSWORD, None, body(&session, uia.clone()))
                    .await,
                (200, json!({}))
            );
            let again = server.post(CHANGE_PASSWORD, None, body(&session, uia)).await;
            assert_eq!(again.0, 401, "once");
            assert_eq!(alice.get(LIST).await.0, 401, "signed out everywhere");
            assert_eq!(bob.get(LIST).await.0, 200);
            let login = |password: &str| {
                json!({ "type": "m.login.password", "password": password,
                        "identifier": { "type": "m.id.user", "user": "alice" } })
            };
            assert_eq!(server.post(LOGIN, None, login(PASSWORD)).await.0, 403);
            assert_eq!(server.post(LOGIN, None, login(new)).await.0, 200);
        })
        .await;
}

#[tokio::test]
async fn an_account_is_made_with_an_address_of_the_organisation() {
    let Some(mails) = MailServer::start() else { return };
    TestServer::with(by_mail)
        .each(async |server| {
            let ask =
                async |address: &str| server.post(REGISTER_TOKEN, None, token_request(address, 1)).await;
            assert_eq!(
                refusal(&ask("anna@elsewhere.example").await),
                (403, "M_THREEPID_DENIED")
            );
            assert_eq!(
                refusal(&ask("anna@amt.example@elsewhere.example").await),
                (400, "M_INVALID_PARAM")
            );
            let session = sid(ask("anna@amt.example").await);
            let mail = mails.mail(&server, "anna@amt.example").await;
            let register = |name: &str, session: &str| {
                json!({ "username": name, "password": PASSWORD,
                        "auth": { "type": "m.login.email.identity", "threepid_creds": creds(session) } })
            };
            let (status, flows) = server.post(REGISTER, None, json!({ "username": "anna" })).await;
            assert_eq!(status, 401);
            assert_eq!(flows["flows"][0]["stages"], json!(["m.login.email.identity"]));
            assert_eq!(
                server.post(REGISTER, None, register("anna", &session)).await.0,
                401,
                "not yet"
            );
            assert_eq!(follow(&server, &link(&mail)).await.0, 200);
            let (status, made) = server.post(REGISTER, None, register("anna", &session)).await;
            assert_eq!(
                (status, &made["user_id"]),
                (200, &json!("@anna:test.example")),
                "{made}"
            );
            let token = made["access_token"].as_str();
            let (_, listed) = server.get(LIST, token).await;
            assert_eq!(listed["threepids"][0]["address"], "anna@amt.example");
            assert_eq!(
                server.post(REGISTER, None, register("berta", &session)).await.0,
                401,
                "once"
            );

            // One account for each address; who asks isn't told.
            sid(server
                .post(REGISTER_TOKEN, None, token_request("anna@amt.example", 2))
                .await);
            let told = mails.mail(&server, "anna@amt.example").await;
            assert!(!told["body"].as_str().expect("text").contains("token="), "{told}");
        })
        .await;
}

#[tokio::test]
async fn people_hear_of_messages_that_they_missed() {
    let Some(mails) = MailServer::start() else { return };
    TestServer::with(with_mail)
        .each(async |server| {
            let (alice, bob) = (server.user("alice").await, server.user("bob").await);
            add_address(&mails, &server, &bob, "bob@amt.example").await;
            let pusher = |address: &str| {
                json!({
                    "app_id": "m.email", "pushkey": address, "kind": "email", "app_display_name": "E-Mail",
                    "device_display_name": address, "lang": "de", "data": {},
                })
            };
            let set = "/_matrix/client/v3/pushers/set";
            let foreign = bob.post(set, pusher("alice@amt.example")).await;
            assert_eq!(refusal(&foreign), (400, "M_INVALID_PARAM"));
            server.push().await;
            assert_eq!(bob.post(set, pusher("bob@amt.example")).await, (200, json!({})));
            for n in 0..2 {
                let room = alice
                    .create_room(json!({ "preset": "public_chat", "name": "Geheim" }))
                    .await;
                bob.join(&room).await;
                alice.send_text(&room, &format!("streng geheim {n}")).await;
            }
            server.push().await;
            assert!(mails.mails(&server).await.is_empty(), "not at once");
            server.clock().advance(Duration::from_secs(601));
            server.push().await;
            let mail = mails.mail(&server, "bob@amt.example").await;
            assert_eq!(mail["subject"], "Ungelesene Nachrichten");
            let body = mail["body"].as_str().expect("text");
            assert!(body.contains("in 2 Räumen"), "{body}");
            assert!(!body.to_lowercase().contains("geheim"), "{body}");
            server.clock().advance(Duration::from_secs(3600));
            server.push().await;
            assert!(mails.mails(&server).await.is_empty(), "once");
        })
        .await;
}

#[tokio::test]
async fn mail_waits_until_the_mail_server_is_back_and_not_for_nobody() {
    let Some(mails) = MailServer::start() else { return };
    TestServer::with(with_mail)
        .each(async |server| {
            let alice = server.user("alice").await;
            sid(alice
                .post(ADD_TOKEN, token_request("nobody@amt.example", 1))
                .await);
            assert!(mails.mails(&server).await.is_empty(), "refused for good");
            sid(alice.post(ADD_TOKEN, token_request("alice@amt.example", 1)).await);
            // Nobody listens at this port.
            server.send_mail("smtp://127.0.0.1:1").await;
            assert!(mails.mails(&server).await.is_empty(), "its time has not come");
            server.restart().await;
            server.clock().advance(Duration::from_secs(61));
            mails.mail(&server, "alice@amt.example").await;
        })
        .await;
}

#[tokio::test]
async fn what_is_not_offered_is_refused_in_plain_words() {
    TestServer::each(async |server| {
        let alice = server.user("alice").await;
        for path in [ADD_TOKEN, REGISTER_TOKEN, PASSWORD_TOKEN] {
            let answer = server.post(path, None, token_request("a@amt.example", 1)).await;
            assert_eq!(refusal(&answer), (403, "M_THREEPID_DENIED"), "{path}");
            assert_eq!(
                server
                    .post(path, None, json!({ "email": "a@amt.example" }))
                    .await
                    .0,
                400
            );
        }
        let number = json!({ "client_secret": "s", "country": "DE", "phone_number": "1", "send_attempt": 1 });
        for path in [ADD_NUMBER, REGISTER_NUMBER, PASSWORD_NUMBER] {
            let answer = server.post(path, None, number.clone()).await;
            assert_eq!(refusal(&answer), (403, "M_THREEPID_DENIED"), "{path}");
        }
        let bind =
            json!({ "client_secret": "s", "sid": "1", "id_server": "i.example", "id_access_token": "t" });
        assert_eq!(refusal(&alice.post(BIND, bind).await), (403, "M_THREEPID_DENIED"));
        let unbind = json!({ "medium": "email", "address": "a@amt.example" });
        assert_eq!(
            refusal(&alice.post(UNBIND, unbind).await),
            (403, "M_THREEPID_DENIED")
        );
        let (status, refused) = server
            .post(CHANGE_PASSWORD, None, json!({ "new_password": PASSWORD }))
            .await;
        assert_eq!((status, &refused["errcode"]), (401, &json!("M_MISSING_TOKEN")));
        assert_eq!(alice.post(ADD, creds("unknown")).await.0, 401);
        assert_eq!(
            refusal(&add(&alice, "unknown").await),
            (400, "M_THREEPID_AUTH_FAILED")
        );
    })
    .await;
}

#[tokio::test]
async fn a_confirmed_address_opens_the_account_that_has_it_and_no_other() {
    let Some(mails) = MailServer::start() else { return };
    TestServer::with(with_mail)
        .each(async |server| {
            let (alice, evil) = (server.user("alice").await, server.user("evil").await);
            add_address(&mails, &server, &alice, "alice@amt.example").await;
            add_address(&mails, &server, &evil, "evil@amt.example").await;
            // Evil asks for alice's address, and confirms their own.
            let hers = sid(server
                .post(PASSWORD_TOKEN, None, token_request("alice@amt.example", 1))
                .await);
            let own = sid(server
                .post(PASSWORD_TOKEN, None, token_request("evil@amt.example", 1))
                .await);
            assert_ne!(hers, own);
            for mail in mails.mails(&server).await {
                if mail["to"] == json!(["evil@amt.example"]) {
                    assert_eq!(follow(&server, &link(&mail)).await.0, 200);
                }
            }
            let new = "a completely different password";
            let change = async |creds: Value| {
                let body = json!({
                    "new_password": new, "logout_devices": false, "user": alice.id, "username": "alice",
                    "address": "alice@amt.example", "threepid": { "medium": "email", "address": "alice@amt.example" },
                    "auth": {
                        "type": "m.login.email.identity", "threepid_creds": creds, "address": "alice@amt.example",
                        "identifier": { "type": "m.id.user", "user": alice.id }, "user": alice.id,
                    },
                });
                server.post(CHANGE_PASSWORD, None, body).await
            };
            assert_eq!(refusal(&change(creds(&hers)).await), (401, "M_FORBIDDEN"));
            let other_secret = json!({ "sid": own, "client_secret": "guessed" });
            assert_eq!(refusal(&change(other_secret).await), (401, "M_FORBIDDEN"));
            // Nor is what was confirmed for one purpose good for another.
            assert_eq!(refusal(&add(&evil, &own).await), (400, "M_THREEPID_AUTH_FAILED"));
            assert_eq!(change(creds(&own)).await, (200, json!({})));
            let login = async |user: &str, password: &str| {
                let identifier = json!({ "type": "m.id.user", "user": user });
                let body = json!({ "type": "m.login.password", "password": password, "identifier": identifier });
                server.post(LOGIN, None, body).await.0
            };
            assert_eq!((login("alice", new).await, login("alice", PASSWORD).await), (403, 200));
            assert_eq!((login("evil", new).await, login("evil", PASSWORD).await), (200, 403));
        })
        .await;
}
