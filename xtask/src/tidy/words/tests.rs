//! Each check is shown to fail on what it is for, and to pass what only looks like it.

use std::path::Path;

use super::check;
use crate::tidy::files::File;

fn lines(path: &str, text: &str) -> Vec<usize> {
    let file = File {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    check(&file, Path::new("/builds/rohrpost"))
        .into_iter()
        .map(|finding| finding.line)
        .collect()
}

const NONE: [usize; 0] = [];

const CODE: &str = "crates/core/src/rooms/send.rs";

#[test]
fn refuses_links_to_another_version_of_the_specification() {
    assert_eq!(
        lines("README.md", "https://spec.matrix.org/v1.19/rooms/v12/\n"),
        NONE
    );
    assert_eq!(
        lines("README.md", "a\nhttps://spec.matrix.org/latest/rooms/v12/\n"),
        [2]
    );
    assert_eq!(
        lines(
            CODE,
            "// https://spec.matrix.org/v1.1/ and https://spec.matrix.org/v1.19/\n"
        ),
        [1]
    );
}

#[test]
fn refuses_paths_of_one_machine() {
    assert_eq!(lines("docs/a.md", "see /home/anna/notes\n"), [1]);
    assert_eq!(lines("docs/a.md", "see (/root/notes)\n"), [1]);
    assert_eq!(lines("docs/a.md", "see /builds/rohrpost/docs\n"), [1]);
    assert_eq!(
        lines("docs/a.md", "GET /_matrix/home/ and x/root/ and /builds/other\n"),
        NONE
    );
}

#[test]
fn refuses_other_registries() {
    let lock = "  \"resolved\": \"https://registry.npmjs.org/a/-/a-1.tgz\",\n  \"resolved\": \"https://mirror.example/a\",\n";
    assert_eq!(lines("web/package-lock.json", lock), [2]);
    assert_eq!(
        lines(
            ".cargo/config.toml",
            "[source.crates-io]\nregistry = \"sparse+https://mirror.example/\"\n"
        ),
        [2]
    );
    assert_eq!(
        lines(
            "Cargo.lock",
            "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n"
        ),
        NONE
    );
}

#[test]
fn refuses_allow_but_not_in_text() {
    assert_eq!(lines(CODE, "#[allow(dead_code)]\nfn a() {}\n"), [1]);
    assert_eq!(lines(CODE, "#![allow(dead_code)]\n"), [1]);
    assert_eq!(
        lines(
            CODE,
            "// #[allow(dead_code)]\nlet a = \"#[allow(x)]\";\n#[expect(x, reason = \"y\")]\n"
        ),
        NONE
    );
}

#[test]
fn refuses_a_todo_without_an_issue() {
    assert_eq!(lines(CODE, "fn a() {}\n// TODO: later\n"), [2]);
    assert_eq!(lines("web/src/app.ts", "a();\n\n// FIXME later\n"), [3]);
    assert_eq!(lines(CODE, "/* one\n two TODO */\n"), [2]);
    assert_eq!(
        lines(CODE, "// TODO(#12): later\n// MASTODON\nlet a = \"TODO\";\n"),
        NONE
    );
}

#[test]
fn refuses_sql_outside_of_the_store() {
    for statement in [
        "SELECT 1",
        "INSERT INTO a VALUES (1)",
        "DELETE FROM a",
        "UPDATE a SET b = 1",
    ] {
        let code = format!("fn a() {{\n    run(\"{statement}\");\n}}\n");
        assert_eq!(lines(CODE, &code), [2], "{statement}");
        assert_eq!(lines("crates/store/src/rooms.rs", &code), NONE, "{statement}");
        assert_eq!(lines("crates/core/tests/send.rs", &code), NONE, "{statement}");
    }
    assert_eq!(lines(CODE, "// SELECT 1\nlet a = \"UPDATE the room\";\n"), NONE);
    assert_eq!(
        lines(
            CODE,
            "#[cfg(test)]\nmod tests {\n    const A: &str = \"SELECT 1\";\n}\n"
        ),
        NONE
    );
}

#[test]
fn refuses_status_codes_outside_of_the_file_that_chooses_them() {
    let code = "use http::StatusCode;\n";
    assert_eq!(lines("crates/http/src/client/rooms/send.rs", code), [1]);
    assert_eq!(lines("crates/http/src/error.rs", code), NONE);
    assert_eq!(lines("crates/http/tests/send.rs", code), NONE);
    assert_eq!(
        lines("crates/http/src/client/rooms/send.rs", "// StatusCode\n"),
        NONE
    );
}
