//! Reads `cargo-timing.html` of `cargo build --timings`.
//!
//! The report is a page for people; a script in it has all units as JSON. Cargo has no other output of these times:
//! `--timings=json` was never stable, and was removed.
//!
//! Cargo's units are smaller than derivations: a package has one for its library, one for each binary, and two for its
//! build script. Their times are added up, as Nix builds them one after the other. Nix's own work around rustc is not
//! included, nor is the time to run tests: cargo reports only the time to compile them.

use std::collections::BTreeMap;

use cratewright_sources::diagnostic::{Diagnostic, Position};
use serde::Deserialize;

use super::{Measurement, Subject, invalid};
use crate::model::Kind;

/// The text before the units.
const UNITS: &str = "const UNIT_DATA = ";

#[derive(Deserialize)]
struct Unit {
    name: String,
    version: String,
    /// Empty for a library; else a space and a description of the target: ` build-script (run)`, ` app "bin" (test)`.
    target: String,
    features: Vec<String>,
    duration: f64,
}

/// Whether a text looks like a report.
pub(super) fn is_report(text: &str) -> bool {
    text.contains(UNITS) || text.trim_start().starts_with("<html") || text.trim_start().starts_with("<!DOCTYPE")
}

/// The build time of each package.
pub(super) fn measurements(file: &str, text: &str) -> Result<Vec<Measurement>, Diagnostic> {
    let help = "pass `cargo-timing.html` of `cargo build --timings`, in `target/cargo-timings`";
    let Some(start) = text.find(UNITS).map(|at| at + UNITS.len()) else {
        let message = format!("the page has no list of units, expected `{UNITS}[...]`");
        return Err(invalid(file, message, Some(Position { line: 1, column: 1 })).help(help));
    };
    let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Vec<Unit>>();
    let units = match values.next() {
        Some(Ok(units)) => units,
        found => {
            let what = found.and_then(Result::err).map_or("the page ends here".to_owned(), |error| error.to_string());
            let position = Some(Position::of(text, start + values.byte_offset()));
            let message = format!("the list of units cannot be read, expected units of cargo 1.60 or later: {what}");
            return Err(invalid(file, message, position).help(help));
        }
    };
    let mut packages: BTreeMap<Subject, BTreeMap<String, Vec<f64>>> = BTreeMap::new();
    for Unit { name, version, target, mut features, duration } in units {
        let Some(kind) = kind_of(&target) else { continue };
        features.sort();
        let subject = Subject::Package { name, version, kind, features };
        packages.entry(subject).or_default().entry(target).or_default().push(duration);
    }
    if packages.is_empty() {
        let message = "nothing was compiled in this build, expected units that cargo has built";
        let position = Some(Position::of(text, start));
        let help = "run `cargo clean`, then `cargo build --timings`; `cargo check` compiles nothing";
        return Err(invalid(file, message, position).help(help));
    }
    let measurement = |(subject, targets): (Subject, BTreeMap<String, Vec<f64>>)| {
        // If a package is compiled for two sides or profiles, each of its targets occurs twice.
        let n_builds = targets.values().map(Vec::len).max().unwrap_or(1);
        let sum: f64 = targets.values().flatten().sum();
        Measurement { subject, seconds: sum / n_builds as f64 }
    };
    Ok(packages.into_iter().map(measurement).collect())
}

/// The kind of derivation that a unit is part of, by the description of its target: `app "bin" (test)`, in older
/// versions `bin "app" (test)`. `None` for units that produce nothing to run or link, and for examples.
fn kind_of(target: &str) -> Option<Kind> {
    let (target, suffix) = match target.split_once(" (") {
        Some((target, suffix)) => (target.trim(), suffix),
        None => (target.trim(), ""),
    };
    match suffix {
        "test)" | "bench)" => Some(Kind::Tests),
        "" if is_example(target) => None,
        "" | "run)" => Some(Kind::Crate),
        _ => None,
    }
}

fn is_example(target: &str) -> bool {
    match target.trim_end_matches('"').split_once(" \"") {
        Some((_, "example")) => true,
        Some((_, "bin" | "lib")) | None => false,
        Some((kind, _)) => kind == "example",
    }
}
