//! `cratewright cache`: which crates of a workspace a binary cache has, and what a build would fetch from it.
//!
//! Crates are only inputs of builds. Results do not refer to them, so a cache that gets only results does not have
//! them.

mod derivation;
mod plan;
mod push;
mod roots;
mod status;
mod store;

use cratewright_sources::diagnostic::Diagnostic;

use crate::args::cache::Cache;
use crate::report::Report;

pub(crate) fn run(command: &Cache, report: &Report) -> Result<u8, Diagnostic> {
    match command {
        Cache::Status(command) => status::run(command, report),
        Cache::Push(command) => push::run(command, report),
        Cache::Plan(command) => plan::run(command, report),
    }
}

/// `1 crate`, `2 crates`
fn count(number: usize, one: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {one}{s}")
}
