//! Makes sure that there is a folder to embed, also where the web client was not built, and hands its content
//! security policy to the compiler.

use std::{fs, path::Path};

/// The built web client.
const DIST: &str = "../../web/dist";
/// The policy of the web client, one line.
const POLICY: &str = "../../web/csp.txt";
/// Stricter than any client needs: where the policy is missing, nothing runs.
const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn main() {
    println!("cargo:rerun-if-changed={DIST}");
    println!("cargo:rerun-if-changed={POLICY}");
    fs::create_dir_all(DIST).expect("the folder of the web client can be made");
    let policy = fs::read_to_string(POLICY).unwrap_or_else(|_| NOTHING.to_owned());
    #[expect(clippy::disallowed_methods, reason = "cargo hands the folder over this way")]
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("csp.txt"), policy.trim()).expect("cargo's folder can be written");
}
