//! Prints `docs/endpoints.md`, for `cargo xtask gen`.

#[path = "../tests/endpoints/page.rs"]
mod page;

fn main() {
    print!("{}", page::page());
}
