//! `cratewright cache`: which crates of a workspace a binary cache has, and what a build would fetch from it.
//!
//! Crates are only inputs of builds. Results do not refer to them, so a cache that gets only results does not have
//! them.

mod derivation;
mod local;
mod plan;
mod push;
mod roots;
mod status;
mod store;

use std::collections::BTreeMap;

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

/// Sorted names for a list. A package may be built several times, and its name is then listed once: `a 1.0.0 (2 builds)`.
fn each_once(names: Vec<String>) -> Vec<String> {
    let mut builds: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *builds.entry(name).or_default() += 1;
    }
    let listed = |(name, builds)| if builds == 1 { name } else { format!("{name} ({builds} builds)") };
    builds.into_iter().map(listed).collect()
}

/// `1 crate`, `2 crates`
fn count(number: usize, one: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {one}{s}")
}
