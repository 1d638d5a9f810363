//! `cratewright cache`: what a binary cache has of a workspace, what it lacks, and what a build would take from it.
//!
//! Crates are inputs of builds. No result refers to them, so a cache that is given results has none of them.

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
