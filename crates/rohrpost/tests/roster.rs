//! A federation's roster from its founding to its end, on files.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Output, Stdio},
};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::operator::{Place, bare, texts};

const PASSPHRASE: &str = "correct horse battery staple";

/// A signer's computer: a folder without configuration.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(TempDir::new().expect("a folder"));
        fs::write(desk.0.path().join("words"), format!("{PASSPHRASE}\nmore\n")).expect("it is written");
        desk
    }

    fn run(&self, arguments: &str) -> Output {
        let arguments: Vec<String> = arguments.split(' ').map(|word| word.replace('_', " ")).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = bare(&["roster"]);
        command
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .expect("the program starts")
    }

    fn good(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let (said, complained) = texts(&output);
        assert!(output.status.success(), "{arguments}: {said}{complained}");
        said
    }

    fn bad(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let (said, complained) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {said}{complained}");
        complained
    }

    fn key(&self, name: &str) -> String {
        let said = self.good(&format!("key {name} --without-passphrase"));
        let line = said.lines().find_map(|line| line.strip_prefix("public key: "));
        line.expect("a public key").to_owned()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).expect(name)
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.good(&format!("show {name} --json"))).expect("JSON")
    }

    /// The keys of the signers, as the configuration has them.
    fn pins(&self, name: &str) -> String {
        let all = self.json(name);
        let keys = all["roster"]["signers"]["keys"]
            .as_array()
            .expect("signers")
            .iter();
        keys.map(|signer| signer["key"].to_string())
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Lets them sign, one after the other; answers what the last one is told.
    fn sign(&self, roster: &str, signers: &[&str]) -> String {
        let mut said = String::new();
        for name in signers {
            said = self.good(&format!("sign {roster} --key {name}.key.pem"));
        }
        said
    }
}

/// A federation of three signers of whom two have to sign, with one server, signed by nobody.
fn founded() -> Desk {
    let desk = Desk::new();
    desk.good(
        "init . --id bund.example --signer Bund --signer Land --signer Stadt --threshold 2 --without-passphrase",
    );
    let key = desk.key("a.pem");
    desk.good(&format!(
        "add roster-1.json a.example --organisation Amt_für_Rohre --key ed25519:a={key} --contact it@a.example \
         --domain a.example --classification restricted"
    ));
    desk
}

fn server(desk: &Desk, more: &str) -> Place {
    let pins = desk.pins("roster-1.json");
    Place::new(&format!(
        "[federation]\nmode = \"roster\"\nroster = \"published.json\"\nroster_id = \"bund.example\"\n\
         roster_threshold = 2\nroster_signers = [{pins}]\n{more}"
    ))
}

fn publish(place: &Place, desk: &Desk, roster: &str) -> Output {
    let path = desk.0.path().join(roster);
    place.run(&["roster", "publish", path.to_str().expect("text")])
}

#[test]
fn a_federation_is_founded_signed_and_published() {
    let desk = founded();
    let complaint = desk.bad("verify roster-1.json");
    assert!(
        complaint.contains("nobody has signed it yet; 2 signers have to"),
        "{complaint}"
    );
    let said = desk.sign("roster-1.json", &["bund"]);
    assert!(
        said.contains("Bund has signed") && said.contains("1 of the 2 signatures"),
        "{said}"
    );
    desk.sign("roster-1.json", &["bund"]);
    let complaint = desk.bad("verify roster-1.json");
    assert!(
        complaint.contains("1 of the 2 signatures") && complaint.contains("roster sign"),
        "{complaint}"
    );

    let place = server(&desk, "");
    let output = publish(&place, &desk, "roster-1.json");
    assert!(!output.status.success() && !place.path("published.json").exists());

    let said = desk.sign("roster-1.json", &["stadt"]);
    assert!(
        said.contains("2 of the 2 signatures") && said.contains("roster publish"),
        "{said}"
    );
    let said = desk.good("verify roster-1.json");
    for wanted in [
        "it holds: roster number 1 of bund.example, 1 server",
        "signed by ",
        "2 of 3 signers have to",
        "and then speak with no other server",
        "agrees with itself",
    ] {
        assert!(said.contains(wanted), "{wanted}\nis missing in\n{said}");
    }

    let output = publish(&place, &desk, "roster-1.json");
    assert!(output.status.success(), "{:?}", texts(&output));
    assert_eq!(
        fs::read_to_string(place.path("published.json")).expect("published"),
        desk.text("roster-1.json")
    );
    let (said, _) = texts(&publish(&place, &desk, "roster-1.json"));
    assert!(said.contains("is published already"), "{said}");
    let said = place.good(&["roster", "verify", "published.json"]);
    assert!(
        said.contains("checked by the signers in the configuration"),
        "{said}"
    );
    assert!(place.good(&["config", "check"]).contains("can be used"));
}

#[test]
fn each_change_is_a_new_roster_and_an_old_one_is_never_published_again() {
    let desk = founded();
    desk.sign("roster-1.json", &["bund", "land"]);
    let place = server(&desk, "");
    assert!(publish(&place, &desk, "roster-1.json").status.success());

    let key = desk.key("b.pem");
    let said = desk.good(&format!(
        "change roster-1.json a.example --add-key ed25519:b={key} --end-key ed25519:a=2030-01-01"
    ));
    assert!(
        said.contains("roster-2.json") && said.contains("number 2"),
        "{said}"
    );
    // Prepared, it is changed further; a second beginning is refused.
    desk.good("change roster-2.json a.example --suspend --contact hilfe@a.example");
    let complaint = desk.bad("renew roster-1.json");
    assert!(
        complaint.contains("roster-2.json was begun already"),
        "{complaint}"
    );
    let (before, after) = (desk.json("roster-1.json"), desk.json("roster-2.json"));
    assert_eq!(after["roster"]["prev_hash"], before["hash"]);
    let server = &after["roster"]["servers"][0];
    assert_eq!(
        (&server["status"], &server["contact"]),
        (&"suspended".into(), &"hilfe@a.example".into())
    );
    assert_eq!(server["keys"][0]["not_after"], 1_893_456_000_000_u64);
    assert_eq!(server["keys"][1]["id"], "ed25519:b");

    desk.sign("roster-2.json", &["land", "stadt"]);
    assert!(
        desk.good("verify roster-2.json --after roster-1.json")
            .contains("it holds")
    );
    assert!(publish(&place, &desk, "roster-2.json").status.success());
    let (_, complaint) = texts(&publish(&place, &desk, "roster-1.json"));
    assert!(complaint.contains("number 2 is known already"), "{complaint}");

    // Two of the same number.
    fs::rename(
        desk.0.path().join("roster-2.json"),
        desk.0.path().join("first-2.json"),
    )
    .expect("moved");
    desk.good("remove roster-1.json a.example");
    desk.sign("roster-2.json", &["bund", "stadt"]);
    let (_, complaint) = texts(&publish(&place, &desk, "roster-2.json"));
    assert!(complaint.contains("the signers have signed two"), "{complaint}");
}

#[test]
fn signers_change_with_the_word_of_the_old_and_the_new() {
    let desk = founded();
    desk.sign("roster-1.json", &["bund", "land"]);
    let place = server(&desk, "");
    assert!(publish(&place, &desk, "roster-1.json").status.success());
    let new = desk.key("kreis.key.pem");
    let pins = desk.json("roster-1.json");
    let bund = pins["roster"]["signers"]["keys"][0]["key"]
        .as_str()
        .expect("a key");
    desk.good(&format!(
        "signers roster-1.json --signer Bund={bund} --signer Kreis={new} --threshold 2"
    ));
    let complaint = desk.bad("sign roster-2.json --key land.key.pem");
    assert!(
        complaint.contains("none of the signers") && complaint.contains("--leaving"),
        "{complaint}"
    );
    desk.good("sign roster-2.json --key land.key.pem --leaving");
    desk.sign("roster-2.json", &["bund"]);
    let (_, complaint) = texts(&publish(&place, &desk, "roster-2.json"));
    assert!(
        complaint.contains("2 of the new ones have to sign it, too, and 1 have"),
        "{complaint}"
    );
    desk.sign("roster-2.json", &["kreis"]);
    let (said, complaint) = texts(&publish(&place, &desk, "roster-2.json"));
    assert!(said.contains("bring roster_signers"), "{said}{complaint}");

    // The next is signed by the new ones; the configuration has to follow.
    desk.good("renew roster-2.json --days 60");
    desk.sign("roster-3.json", &["bund", "kreis"]);
    let output = publish(&place, &desk, "roster-3.json");
    assert!(output.status.success(), "{:?}", texts(&output));
}

#[test]
fn keys_of_signers_are_locked() {
    let desk = Desk::new();
    let made = desk.good("key bund.key.pem --passphrase-file words");
    assert!(made.contains("public key: "), "{made}");
    let text = desk.text("bund.key.pem");
    assert!(
        text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"),
        "{text}"
    );
    let path = desk.0.path().join("bund.key.pem");
    assert_eq!(
        fs::metadata(&path).expect("a file").permissions().mode() & 0o777,
        0o600
    );
    let complaint = desk.bad("key bund.key.pem --passphrase-file words");
    assert!(complaint.contains("is left as it is"), "{complaint}");
    assert_eq!(desk.text("bund.key.pem"), text);

    let public = made
        .lines()
        .find_map(|line| line.strip_prefix("public key: "))
        .expect("a key");
    desk.good(&format!(
        "init . --id bund.example --signer Bund={public} --threshold 1"
    ));
    fs::write(desk.0.path().join("others"), "wrong horse battery staple\n").expect("written");
    let complaint = desk.bad("sign roster-1.json --key bund.key.pem --passphrase-file others");
    assert!(complaint.contains("not the passphrase"), "{complaint}");
    let complaint = desk.bad("sign roster-1.json --key words --passphrase-file words");
    assert!(complaint.contains("chmod 600"), "{complaint}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
    let complaint = desk.bad("sign roster-1.json --key bund.key.pem --passphrase-file words");
    assert!(complaint.contains("chmod 600"), "{complaint}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    desk.good("sign roster-1.json --key bund.key.pem --passphrase-file words");
    assert!(desk.good("verify roster-1.json").contains("signed by Bund"));

    fs::write(desk.0.path().join("short"), "short\n").expect("written");
    let complaint = desk.bad("key other.key.pem --passphrase-file short");
    assert!(complaint.contains("12 letters or more"), "{complaint}");
    let complaint = desk.bad("key other.key.pem");
    assert!(complaint.contains("--passphrase-file"), "{complaint}");
    assert!(!desk.0.path().join("other.key.pem").exists());
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let desk = founded();
    for (arguments, wanted) in [
        ("show nowhere.json", "there is no file nowhere.json"),
        ("show words", "is no roster or was cut off"),
        (
            "remove roster-1.json b.example",
            "b.example isn't in roster number 1",
        ),
        (
            "change roster-1.json a.example --end-key ed25519:x",
            "has no key ed25519:x; it has ed25519:a",
        ),
        (
            "change roster-1.json a.example --end-key ed25519:a",
            "no key left to sign with",
        ),
        (
            "change roster-1.json a.example --domain Amt.example",
            "no mail domain",
        ),
        ("renew roster-1.json --days 401", "1 to 400 days"),
        (
            "init . --id bund.example --signer A --threshold 1 --without-passphrase",
            "is there already",
        ),
        (
            "init new --id Bund --signer A --threshold 1 --without-passphrase",
            "roster_id must be",
        ),
        (
            "init new --id bund --signer A --threshold 2 --without-passphrase",
            "2 of 1 signers can't be",
        ),
    ] {
        let complaint = desk.bad(arguments);
        assert!(
            complaint.contains(wanted),
            "{arguments}: \"{wanted}\" is missing in\n{complaint}"
        );
    }
    assert!(!desk.0.path().join("new").exists(), "nothing is half made");
    let whole = desk.text("roster-1.json");
    fs::write(desk.0.path().join("cut.json"), &whole[..whole.len() - 20]).expect("written");
    let complaint = desk.bad("verify cut.json");
    assert!(complaint.contains("was cut off"), "{complaint}");
    fs::write(desk.0.path().join("edited.json"), whole.replacen(':', ": ", 1)).expect("written");
    let complaint = desk.bad("verify edited.json");
    assert!(complaint.contains("fetch it again"), "{complaint}");
}

#[test]
fn a_server_publishes_only_what_its_configuration_trusts() {
    let (ours, theirs) = (founded(), founded());
    let place = server(&ours, "");
    theirs.sign("roster-1.json", &["bund", "land"]);
    let (_, complaint) = texts(&publish(&place, &theirs, "roster-1.json"));
    assert!(
        complaint.contains("none of the signers that are trusted here"),
        "{complaint}"
    );
    assert!(!place.path("published.json").exists());

    let fetching = Place::new("[federation]\nroster = \"https://land.example/roster.json\"\n");
    let complaint = fetching.bad(&["roster", "publish", "x"]);
    assert!(
        complaint.contains("publish it on the server that has it as a file"),
        "{complaint}"
    );
    let weak = Place::new(
        "[federation]\nroster_id = \"bund.example\"\nroster_threshold = 1\n\
         roster_signers = [\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]\n",
    );
    let complaint = weak.bad(&["config", "check"]);
    assert!(complaint.contains("no usable Ed25519 key"), "{complaint}");
}

#[test]
fn a_roster_is_shown_to_people() {
    let desk = founded();
    desk.sign("roster-1.json", &["land"]);
    let said = desk.good("show roster-1.json");
    for wanted in [
        "roster number 1 of bund.example, 1 server",
        "rooms   version 12 or later, encrypted",
        "of whom 2 of 3 have to sign",
        "  signed  ",
        "a.example  Amt für Rohre",
        "active, up to restricted",
        "contact it@a.example",
        "mail    a.example",
        "key     ed25519:a ",
        "whether it holds",
    ] {
        assert!(said.contains(wanted), "{wanted}\nis missing in\n{said}");
    }
}

#[test]
fn a_server_without_a_roster_runs_for_its_own_people_and_says_so() {
    let desk = founded();
    let place = server(&desk, "[listen]\nclient = [\"127.0.0.1:0\"]\n");
    place.good(&["config", "check"]);
    let (said, _) = texts(&place.run(&["doctor"]));
    assert!(
        said.contains("ok       roster of bund.example (is looked at once"),
        "{said}"
    );
    let mut running = place.serve();
    running.until_logged("THE FEDERATION IS CLOSED");
    assert_eq!(running.call("GET", "/_matrix/client/versions", "", "").0, 200);
    let (said, _) = texts(&place.run(&["doctor"]));
    assert!(
        said.contains("PROBLEM  roster of bund.example") && said.contains("there is no file published.json"),
        "{said}"
    );

    desk.sign("roster-1.json", &["bund", "land"]);
    assert!(publish(&place, &desk, "roster-1.json").status.success());
    running.signal(Signal::HUP);
    running.until_logged("a new roster of the federation was accepted");
    // It has another server only.
    running.until_logged("the roster needs a look");
    let (said, _) = texts(&place.run(&["doctor"]));
    assert!(
        said.contains("PROBLEM  roster of bund.example, number 1, 1 members")
            && said.contains("it doesn't name test.example as a member"),
        "{said}"
    );
    // An older one, or anything else, is noticed, and changes nothing.
    place.write("published.json", "{}");
    let (said, _) = texts(&place.run(&["doctor"]));
    assert!(
        said.contains("what lies there isn't accepted") && said.contains("it doesn't name test.example"),
        "{said}"
    );
    running.signal(Signal::HUP);
    running.until_logged("the roster that lies where it should is not accepted");
    running.stop();
}
