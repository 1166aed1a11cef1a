//! The other commands.

use std::{fs, io::Write as _, net::TcpListener, os::unix::fs::PermissionsExt as _, process::Stdio};

use crate::operator::{Place, bare, texts};

#[test]
fn an_unknown_key_is_named() {
    let place = Place::new("[media]\nmax_uplod_bytes = 1\n");
    for command in [&["serve"][..], &["config", "check"], &["user", "list"]] {
        let complaint = place.bad(command);
        assert!(complaint.contains("max_uplod_bytes"), "{complaint}");
    }
}

#[test]
fn the_configuration_may_be_named_before_or_after_the_command() {
    let place = Place::new("");
    assert!(place.good(&["config", "check"]).contains("test.example"));
    let path = place.path("rohrpost.toml");
    let output = bare(&["--config"])
        .arg(&path)
        .args(["config", "check"])
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{:?}", texts(&output));
}

#[test]
fn the_example_needs_nothing_but_a_name() {
    let (example, _) = texts(&bare(&["config", "example"]).output().expect("it starts"));
    let place = Place::new("");
    place.write("rohrpost.toml", &example);
    let mut check = place.command(&["config", "check"]);
    let output = check
        .env("ROHRPOST__SERVER__NAME", "town.example")
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{:?}", texts(&output));
}

#[test]
fn accounts_are_made_listed_and_closed() {
    let place = Place::new("");
    let made = place.good(&["user", "add", "anna", "--admin"]);
    assert!(made.starts_with("made @anna:test.example\npassword: "), "{made}");
    place.good(&["user", "add", "bert"]);
    let complaint = place.bad(&["user", "add", "bert"]);
    assert!(complaint.contains("taken"), "{complaint}");
    assert_eq!(
        place.good(&["user", "list"]),
        "@anna:test.example\tadministrator\n@bert:test.example\n"
    );
    let reset = place.good(&["user", "reset-password", "@bert:test.example"]);
    assert!(reset.contains("password: "), "{reset}");
    place.good(&["user", "deactivate", "bert"]);
    assert!(
        place
            .good(&["user", "list"])
            .ends_with("@bert:test.example\tclosed\n")
    );
    let complaint = place.bad(&["user", "reset-password", "nobody"]);
    assert!(complaint.contains("account not found"), "{complaint}");
    let complaint = place.bad(&["user", "reset-password", "@bert:elsewhere.example"]);
    assert!(
        complaint.contains("not an account of test.example"),
        "{complaint}"
    );
}

#[test]
fn a_password_from_standard_input_is_held_to_the_policy_and_not_shown() {
    let place = Place::new("");
    for (password, is_good) in [("short\n", false), ("correct horse battery\n", true)] {
        let mut command = place.command(&["user", "add", "anna", "--password-stdin"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(password.as_bytes())
            .expect("it is read");
        let output = child.wait_with_output().expect("it ends");
        let (said, complained) = texts(&output);
        assert_eq!(output.status.success(), is_good, "{said}{complained}");
        assert!(
            !said.contains("horse") && !complained.contains("short"),
            "{said}{complained}"
        );
    }
}

#[test]
fn migrate_says_what_it_did() {
    let place = Place::new("");
    assert!(place.good(&["migrate"]).contains("SQLite database is up to date"));
    assert!(place.path("data/rohrpost.db").exists());
}

#[test]
fn the_doctor_finds_nothing_where_nothing_is_wrong_and_changes_nothing() {
    let place = Place::new("[listen]\nclient = [\"127.0.0.1:0\"]\n");
    let said = place.good(&["doctor"]);
    assert!(said.contains("everything is in order"), "{said}");
    assert!(!place.path("data").exists());
    place.good(&["migrate"]);
    let said = place.good(&["doctor"]);
    assert!(said.contains("schema version"), "{said}");
}

#[test]
fn the_doctor_finds_what_is_wrong() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address");
    let place = Place::new(&format!(
        "[listen]\nclient = [\"{address}\", \"192.0.2.1:8008\"]\n[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n"
    ));
    fs::create_dir(place.path("data")).expect("a folder");
    place.write(
        "data/rohrpost.db",
        "this is no database, but it is long enough to look like a file of some kind",
    );
    for path in ["data", "data/rohrpost.db"] {
        fs::set_permissions(place.path(path), fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut certificate = rcgen::CertificateParams::new(["test.example".to_owned()]).expect("a name");
    certificate.not_before = rcgen::date_time_ymd(2020, 1, 1);
    certificate.not_after = rcgen::date_time_ymd(2021, 1, 1);
    place.write(
        "cert.pem",
        &certificate.self_signed(&key).expect("a certificate").pem(),
    );
    place.write("key.pem", &key.serialize_pem());
    fs::set_permissions(place.path("key.pem"), fs::Permissions::from_mode(0o644)).expect("it is ours");

    let output = place.run(&["doctor"]);
    let (said, _) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for wanted in [
        "chmod 700",
        "chmod 600",
        "is not a database",
        "has expired",
        "private key",
        "another program is using it",
        "no such address",
        "7 problems",
    ] {
        assert!(said.contains(wanted), "\"{wanted}\" is missing in\n{said}");
    }
}

#[test]
fn the_doctor_names_what_is_wrong_with_the_configuration() {
    let place = Place::new("[server2]\nname = \"x\"\n");
    let (said, _) = texts(&place.run(&["doctor"]));
    assert!(
        said.contains("PROBLEM  configuration") && said.contains("server2"),
        "{said}"
    );
}
