//! What an operator sees for good and for bad input.

use std::path::Path;

use super::*;

const LEAST: &str = "[server]\nname = \"a.example\"\n";

fn with_environment(toml: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_parts(
        toml,
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

fn read(toml: &str) -> Result<Config, ConfigError> {
    with_environment(toml, &[])
}

fn complaint(result: Result<Config, ConfigError>) -> String {
    result.expect_err("must be refused").to_string()
}

#[test]
fn a_name_is_enough() {
    let config = read(LEAST).expect("the least configuration");
    assert_eq!(config.public_url(), "https://a.example");
    assert!(
        matches!(config.database_url(), DatabaseUrl::Sqlite(path) if path == Path::new("data/rohrpost.db"))
    );
    assert_eq!(config.registration.mode, RegistrationMode::Invite);
    assert_eq!(config.policy.encryption, EncryptionPolicy::Required);
    assert_eq!(config.rooms.default_version, DefaultRoomVersion::V12);
    assert!(config.limits.enabled);
    assert_eq!(config.federation.mode, FederationMode::Off);
}

#[test]
fn without_a_name_it_says_what_to_do() {
    assert_eq!(
        complaint(read("")),
        "rohrpost.toml: server.name: is not set: give the part that stands after the colon in every user's address, \
         for example name = \"behoerde.example\""
    );
}

#[test]
fn a_name_is_one_that_can_be_looked_up() {
    for good in [
        "a.example",
        "localhost",
        "localhost:8448",
        "127.0.0.1:8448",
        "[::1]",
        "[2001:db8::1]:8448",
        "xn--brgeramt-75a.example",
        &format!("{}.example", "a".repeat(63)),
    ] {
        read(&format!("[server]\nname = \"{good}\"\n")).expect(good);
        read(&format!("{LEAST}public_url = \"https://{good}\"\n")).expect(good);
    }
    for bad in [
        "*",
        "*.example",
        "a.*",
        ".",
        "a..example",
        ".example",
        "a.example.",
        "-a.example",
        "a-.example:8448",
        "a.-example",
        "a_b.example",
        "a.example:",
        "a.example:99999",
        "[::1",
        &format!("{}.example", "a".repeat(64)),
    ] {
        let message = complaint(read(&format!("[server]\nname = \"{bad}\"\n")));
        assert!(message.contains("is not a server name"), "{bad}: {message}");
        let message = complaint(read(&format!("{LEAST}public_url = \"https://{bad}\"\n")));
        assert!(message.contains("must be https://HOST"), "{bad}: {message}");
        let federation = format!("{LEAST}[federation]\nallowed = [\"{bad}\"]\n");
        let message = complaint(read(&federation));
        assert!(message.contains("is not a server name"), "{bad}: {message}");
    }
}

#[test]
fn the_environment_has_precedence_and_splits_lists() {
    let config = with_environment(
        LEAST,
        &[
            ("ROHRPOST__SERVER__NAME", "b.example"),
            ("ROHRPOST__LISTEN__CLIENT", "127.0.0.1:1, [::1]:2"),
            ("ROHRPOST__FEDERATION__MODE", "list"),
            ("ROHRPOST__FEDERATION__ALLOWED", "c.example,d.example:8448"),
            ("ROHRPOST__LIMITS__ENABLED", "false"),
            ("ROHRPOST__PASSWORD__MIN_LENGTH", "8"),
            ("ROHRPOST__ROOMS__DEFAULT_VERSION", "11"),
            ("ROHRPOST_TEST_POSTGRES", "not for the server"),
            ("HOME", "/root"),
        ],
    )
    .expect("a good environment");
    assert_eq!(config.server.name, "b.example");
    assert_eq!(config.listen.client.len(), 2);
    assert_eq!(config.federation.allowed, ["c.example", "d.example:8448"]);
    assert_eq!(config.limits.messages(), None);
    assert_eq!(config.password.min_length, 8);
    assert_eq!(config.rooms.default_version, DefaultRoomVersion::V11);
}

#[test]
fn text_of_the_environment_stays_text() {
    let config = with_environment(
        LEAST,
        &[
            ("ROHRPOST__REGISTRATION__SHARED_SECRET", "12345678901234567890"),
            ("ROHRPOST__SERVER__NAME", "123"),
        ],
    )
    .expect("digits are text too");
    let secret = config.registration.shared_secret.expect("set");
    assert_eq!(
        (secret.expose(), config.server.name.as_str()),
        ("12345678901234567890", "123")
    );
}

#[test]
fn an_empty_variable_takes_an_optional_value_back() {
    let toml = format!("{LEAST}[listen]\nunix = \"/tmp/x\"\n");
    let config = with_environment(&toml, &[("ROHRPOST__LISTEN__UNIX", "")]).expect("empty means not set");
    assert_eq!(config.listen.unix, None);
}

#[test]
fn unknown_keys_are_named_with_their_place_and_neighbour() {
    let toml =
        format!("{LEAST}data_dri = \"x\"\n[regstration]\nmode = \"open\"\n[listen]\nshared_secret = \"x\"\n");
    let text = complaint(with_environment(
        &toml,
        &[
            ("ROHRPOST__LOG__LEVL", "info"),
            ("ROHRPOST__TELEMETRY__ON", "x"),
            ("ROHRPOST__SERVER", "x"),
        ],
    ));
    for line in [
        "rohrpost.toml: server.data_dri: there is no such key; did you mean data_dir?",
        "rohrpost.toml: regstration: there is no such section; did you mean [registration]?",
        "rohrpost.toml: listen.shared_secret: there is no such key here; it belongs below [registration]",
        "environment variable ROHRPOST__LOG__LEVL: log.levl: there is no such key; did you mean level?",
        "environment variable ROHRPOST__TELEMETRY: telemetry: there is no such section; there are server, listen,",
        "environment variable ROHRPOST__SERVER: is not of the form ROHRPOST__SECTION__KEY",
    ] {
        assert!(text.contains(line), "{line}\nis missing in\n{text}");
    }
}

#[test]
fn a_key_outside_of_its_section_is_sent_there() {
    let text = complaint(read("name = \"a.example\"\n"));
    assert!(
        text.contains("name: stands outside of a section; it belongs below [server]"),
        "{text}"
    );
    let text = complaint(read("server = \"a.example\"\n"));
    assert!(
        text.contains("server: is a section: write [server] on a line of its own"),
        "{text}"
    );
}

#[test]
fn all_unusable_values_are_reported_at_once_and_each_once() {
    let text = complaint(read(
        r#"
        [server]
        name = "https://a.example"
        public_url = "https://a.example/"
        [listen]
        client = ["localhost"]
        federation = ["[::]:8448"]
        [tls]
        key = "key.pem"
        [database]
        url = "mysql://x"
        max_connections = "many"
        [registration]
        mode = "invited"
        [rooms]
        default_version = 9
        [media]
        max_upload_bytes = -1
        [federation]
        mode = "list"
        trusted_key_servers = ["Big.example"]
        [password]
        argon2_memory_kib = 1
        [limits]
        joins_burst = 0
        [log]
        level = "loud"
        "#,
    ));
    let keys: Vec<&str> = text.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    let expected = [
        "listen.client",
        "database.url",
        "database.max_connections",
        "registration.mode",
        "rooms.default_version",
        "media.max_upload_bytes",
        "server.name",
        "server.public_url",
        "tls.certificate",
        "limits.joins_burst",
        "federation.trusted_key_servers",
        "federation.allowed",
        "password.argon2_memory_kib",
        "log.level",
    ];
    assert_eq!(keys, expected, "{text}");
    assert!(
        text.contains("registration.mode: must be \"invite\", \"email\", \"open\" or \"closed\""),
        "{text}"
    );
}

#[test]
fn federation_needs_a_certificate() {
    let text = complaint(read(&format!("{LEAST}[listen]\nfederation = [\"[::]:8448\"]\n")));
    assert!(
        text.contains("tls.certificate: listen.federation is set, and other servers speak TLS only"),
        "{text}"
    );
}

const SIGNER: &str = "Gk2aJyUQ+XjXEtRNU63bhbOT7NXPA4ha7ylyUEwIGPQ";

fn federation(lines: &str) -> Result<Config, ConfigError> {
    read(&format!("{LEAST}[federation]\n{lines}\n"))
}

#[test]
fn a_roster_is_a_file_or_an_address() {
    let rest = format!(
        "mode = \"roster\"\nroster_id = \"bund.example\"\nroster_signers = [\"{SIGNER}\"]\nroster_threshold = 1"
    );
    let place = |roster: &str| {
        let config = federation(&format!("{rest}\nroster = \"{roster}\"")).expect("a good roster");
        config.federation.roster_place()
    };
    assert_eq!(
        place("/var/lib/roster.json"),
        Some(RosterPlace::File("/var/lib/roster.json".into()))
    );
    let url = "https://land.example/roster.json";
    assert_eq!(place(url), Some(RosterPlace::Url(url.to_owned())));
    let text = complaint(federation(&format!("{rest}\nroster = \"http://land.example/r\"")));
    assert!(
        text.contains("federation.roster: must be a file or begin with https://"),
        "{text}"
    );
}

#[test]
fn a_roster_needs_its_signers() {
    let text = complaint(federation("mode = \"roster\""));
    for line in [
        "federation.roster: is not set, and mode = \"roster\" needs it: name the file or the https:// address",
        "federation.roster_id: is not set",
        "federation.roster_signers: is empty, and mode = \"roster\" needs it: ask the signers of your federation",
    ] {
        assert!(text.contains(line), "{line}\nis missing in\n{text}");
    }
    for (lines, wanted) in [
        (
            format!("roster_signers = [\"{SIGNER}\", \"{SIGNER}\"]"),
            "roster_signers: \"Gk2aJyUQ+XjXEtRNU63bhbOT7NXPA4ha7ylyUEwIGPQ\" stands there twice",
        ),
        (
            "roster_signers = [\"secret\"]".to_owned(),
            "roster_signers: number 1 is no public key: 43 letters",
        ),
        (
            format!("roster_signers = [\"{SIGNER}\"]"),
            "roster_threshold: must be at least 1, and at most the number of roster_signers (1)",
        ),
        (
            "roster_threshold = 0".to_owned(),
            "roster_threshold: must be at least 1",
        ),
        (
            "roster_grace_hours = 721".to_owned(),
            "roster_grace_hours: must be at most 720",
        ),
        (
            "roster_refresh_minutes = 0".to_owned(),
            "roster_refresh_minutes: must be between 1 and 1440",
        ),
        (
            "max_retry_ms = 4999".to_owned(),
            "max_retry_ms: must be at least first_retry_ms",
        ),
        (
            "request_timeout_ms = 999".to_owned(),
            "request_timeout_ms: must be between 1000 and 300000",
        ),
    ] {
        let text = complaint(federation(&lines));
        assert!(text.contains(wanted), "{wanted}\nis missing in\n{text}");
    }
}

#[test]
fn one_address_has_one_purpose() {
    let text = complaint(read(&format!(
        "{LEAST}[listen]\nmetrics = [\"127.0.0.1:8008\"]\n"
    )));
    assert!(
        text.contains("listen.metrics: 127.0.0.1:8008 is used twice"),
        "{text}"
    );
}

#[test]
fn secrets_are_neither_printed_nor_quoted_in_errors() {
    let toml = format!(
        "{LEAST}[database]\nurl = \"postgres://u:hunter2@h/d\"\n[registration]\nshared_secret = \"hunter2 hunter2 x\"\n"
    );
    let config = read(&toml).expect("good secrets");
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(matches!(config.database_url(), DatabaseUrl::Postgres(url) if url.expose().contains("hunter2")));

    let toml = format!("{LEAST}[database]\nurl = \"hunter2\"\n[registration]\nshared_secret = \"hunter2\"\n");
    let text = complaint(read(&toml));
    assert!(
        text.contains("database.url") && text.contains("shared_secret"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_slip_in_the_file_is_shown_with_its_line_but_not_quoted() {
    let text = complaint(read("[registration]\nshared_secret = hunter2\n"));
    assert!(
        text.starts_with("rohrpost.toml is not valid TOML: TOML parse error at line 2, column 17"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
    let text = complaint(read(
        "[registration]\nshared_secret = \"hunter2\"\nshared_secret = \"hunter2\"\n",
    ));
    assert!(text.contains("line 3") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("nowhere.toml");
    assert!(complaint(Config::load(Some(&path))).contains("nowhere.toml"));
    std::fs::write(&path, LEAST).expect("write");
    assert_eq!(
        Config::load(Some(&path)).expect("now it is there").server.name,
        "a.example"
    );
}

#[test]
fn pace_is_counted_per_second() {
    let config = read(&format!(
        "{LEAST}[limits]\njoins_per_minute = 30\ninvites_per_minute = 0\n"
    ))
    .expect("good");
    assert_eq!(
        config.limits.joins(),
        Some(Rate {
            per_second: 0.5,
            burst: 50
        })
    );
    assert_eq!(config.limits.invites(), None);
}

#[test]
fn what_a_preview_may_cost_and_where_it_may_go_is_checked() {
    let config = read(&format!(
        "{LEAST}[url_preview]\nenabled = true\nallowed_hosts = [\"amt.example\", \"*.amt.example\", \"[::1]\"]\n\
         denied_hosts = [\"10.0.0.1\"]\nallowed_private_networks = [\"10.20.0.0/16\"]\n"
    ));
    assert_eq!(config.expect("good").url_preview.allowed_hosts.len(), 3);
    let text = complaint(read(&format!(
        "{LEAST}[url_preview]\nallowed_hosts = [\"https://amt.example\"]\ndenied_hosts = [\"amt.example:80\", \"*\"]\n\
         allowed_ports = [0]\nmax_page_bytes = 0\nmax_picture_bytes = 4000000000\ntimeout_s = 0\n\
         [limits]\nurl_previews_burst = 0\ndelayed_events_max_hours = 0\naccount_data_bytes = 1\n"
    )));
    let keys: Vec<&str> = text.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    let expected = [
        "limits.url_previews_burst",
        "limits.delayed_events_max_hours",
        "limits.account_data_bytes",
        "url_preview.allowed_hosts",
        "url_preview.denied_hosts",
        "url_preview.allowed_ports",
        "url_preview.max_page_bytes",
        "url_preview.max_picture_bytes",
        "url_preview.timeout_s",
    ];
    assert_eq!(keys, expected, "{text}");
    for host in ["*", "*.*", "a*.example", "", "[::1]:80", "amt.example/x"] {
        let text = complaint(read(&format!(
            "{LEAST}[url_preview]\ndenied_hosts = [\"{host}\"]\n"
        )));
        assert!(text.contains("url_preview.denied_hosts: "), "{host}: {text}");
    }
}

#[test]
fn the_example_says_what_the_defaults_are() {
    let example = Config::example();
    read(&example).expect("the example as it stands");
    // Every line that is commented out is a key as it could be written.
    let uncommented: String = example
        .lines()
        .filter(|line| !line.starts_with("# ") || line.contains(" = ") && !line.contains("`"))
        .map(|line| line.trim_start_matches("# ").to_owned() + "\n")
        .collect();
    read(&uncommented).expect("the example with every key");
}

#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == reference(),
        "docs/configuration.md is stale: run `cargo xtask gen`"
    );
}
