//! Seconds that derivations took, remembered from one build to the next.
//!
//! [`measurements`] reads what Nix or cargo say of a build, [`Timings::record`] finds the derivations that it is about,
//! and [`Timings::parse`] and [`Timings::to_json`] keep the result in a file. The file is for one machine, or for a CI's
//! cache: it need not be committed. It is by name, version, labels and side of a crate, not by platform or hash, so that
//! a build of yesterday's workspace says something of today's.

mod cargo_report;
mod nix_log;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use cratewright_sources::diagnostic::{Diagnostic, Position};
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::model::{Derivation, DerivationGraph, Kind, Side};
use crate::schedule::nix_name;

pub use nix_log::{NixBuild, NixLog};

/// Version of the file's format.
const FORMAT: u32 = 1;

/// Seconds by derivation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timings {
    crates: Table,
    tests: Table,
}

/// By key of the entry in `Cargo.nix`.
type Table = BTreeMap<String, BTreeMap<Side, f64>>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    crates: Table,
    tests: Table,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// What is known of a derivation.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// What it took, or would take.
    pub seconds: f64,
    /// Of what this is known.
    pub origin: Origin,
}

/// Of what the seconds of a derivation are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Of this derivation, as far as name, version, labels and side tell: it may have been built from other sources.
    Exact,
    /// Of another version or feature set of the same package, by the key of its entry.
    Other(String),
}

/// What one thing took in one build.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// What was built.
    pub subject: Subject,
    /// How long it took.
    pub seconds: f64,
}

/// What was built, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A derivation, by its [id](Derivation::id).
    Id(String),
    /// A derivation that Nix calls so. There may be several.
    NixName(String),
    /// A package, as cargo calls it.
    Package {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// It, or its tests.
        kind: Kind,
        /// Its features, in order.
        features: Vec<String>,
    },
}

/// What came of measurements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// How many derivations have new seconds, on any of the platforms.
    pub n_derivations: usize,
    /// What is no derivation of these graphs, such as sources, or packages of another workspace.
    pub unmatched: Vec<Subject>,
}

/// Reads what a program says of a build: a log of Nix, with a time in front of each line, or the report of
/// `cargo build --timings`. Builds of Nix are by their names; [`NixLog`] has their store paths.
pub fn measurements(file: &str, text: &str) -> Result<Vec<Measurement>, Diagnostic> {
    if cargo_report::is_report(text) {
        return cargo_report::measurements(file, text);
    }
    let mut log = NixLog::new(file);
    text.lines().try_for_each(|line| log.line(line, None))?;
    Ok(log.finish()?.iter().map(|build| build.measurement(&BTreeMap::new())).collect())
}

/// What is wrong with a file of timings, and where.
fn invalid(file: &str, message: impl Into<String>, position: Option<Position>) -> Diagnostic {
    Diagnostic::new("invalid-timings", message).at(file).position(position)
}

impl Timings {
    /// Reads a file that [`to_json`](Timings::to_json) has written.
    pub fn parse(file: &str, text: &str) -> Result<Self, Diagnostic> {
        let help = "remove the file, and pass `--timings` with a new log";
        let unreadable = |error: serde_json::Error| {
            let position = Position { line: error.line().max(1), column: error.column().max(1) };
            invalid(file, format!("the file is not one of timings: {error}"), Some(position)).help(help)
        };
        let Format { format } = serde_json::from_str(text).map_err(unreadable)?;
        if format != FORMAT {
            let message = format!("the file has format {format}; this version of Cratewright reads {FORMAT}");
            return Err(invalid(file, message, None).help(help));
        }
        let File { crates, tests, .. } = serde_json::from_str(text).map_err(unreadable)?;
        Ok(Timings { crates, tests })
    }

    /// The file's text: sorted, with milliseconds.
    pub fn to_json(&self) -> String {
        let rounded = |table: &Table| {
            let round = |sides: &BTreeMap<Side, f64>| {
                sides.iter().map(|(&side, seconds)| (side, (seconds * 1000.0).round() / 1000.0)).collect()
            };
            table.iter().map(|(key, sides)| (key.clone(), round(sides))).collect()
        };
        let written = File { format: FORMAT, crates: rounded(&self.crates), tests: rounded(&self.tests) };
        // Maps with names as keys, and numbers: nothing of it can fail.
        serde_json::to_string_pretty(&written).unwrap_or_default() + "\n"
    }

    /// Takes over what a newer build took. What it did not build stays as it is.
    pub fn merge(&mut self, newer: Timings) {
        for (into, from) in [(&mut self.crates, newer.crates), (&mut self.tests, newer.tests)] {
            for (key, sides) in from {
                into.entry(key).or_default().extend(sides);
            }
        }
    }

    /// Takes over measurements of a build, for the derivations of some platforms. If one thing was measured several
    /// times, or one measurement may be of any of several derivations, each gets the mean.
    pub fn record(&mut self, graphs: &[DerivationGraph], measurements: &[Measurement]) -> Recorded {
        let mut by_subject: BTreeMap<&Subject, Vec<f64>> = BTreeMap::new();
        for measurement in measurements {
            by_subject.entry(&measurement.subject).or_default().push(measurement.seconds);
        }
        let (mut used, mut ids): (BTreeSet<&Subject>, BTreeSet<&str>) = (BTreeSet::new(), BTreeSet::new());
        for derivation in graphs.iter().flat_map(|graph| &graph.derivations) {
            let fitting = subjects_of(derivation, &by_subject);
            let seconds: Vec<f64> = fitting.iter().flat_map(|subject| &by_subject[subject]).copied().collect();
            used.extend(&fitting);
            if !seconds.is_empty() {
                let mean = seconds.iter().sum::<f64>() / seconds.len() as f64;
                self.table_mut(derivation.kind)
                    .entry(derivation.key.clone())
                    .or_default()
                    .insert(derivation.side, mean);
                ids.insert(&derivation.id);
            }
        }
        let unmatched = by_subject.keys().filter(|subject| !used.contains(*subject));
        Recorded { n_derivations: ids.len(), unmatched: unmatched.map(|&subject| subject.clone()).collect() }
    }

    /// What a derivation takes: what it took last, else what the nearest version of the package took, with the same
    /// labels if there is one.
    pub fn timing(&self, derivation: &Derivation) -> Option<Timing> {
        let table = match derivation.kind {
            Kind::Crate => &self.crates,
            Kind::Tests => &self.tests,
        };
        if let Some(&seconds) = table.get(&derivation.key).and_then(|sides| sides.get(&derivation.side)) {
            return Some(Timing { seconds, origin: Origin::Exact });
        }
        let labels_of = |key: &str| key.split_once(' ').map(|(_, labels)| labels.to_owned());
        // All keys of the package are together.
        let first = format!("{}@", derivation.name);
        let others = table.range(first.clone()..).take_while(|(key, _)| key.starts_with(&first));
        let known = others.filter_map(|(key, sides)| Some((key, *sides.get(&derivation.side)?)));
        let nearest = known.min_by_key(|(key, _)| {
            let version = key[first.len()..].split(' ').next().unwrap_or_default();
            let differs = labels_of(key) != labels_of(&derivation.key);
            (distance(version, &derivation.version), differs, Reverse((*key).clone()))
        });
        nearest.map(|(key, seconds)| Timing { seconds, origin: Origin::Other(key.clone()) })
    }

    /// By derivation: what it takes, if anything is known.
    pub fn seconds(&self, graph: &DerivationGraph) -> Vec<Option<f64>> {
        graph.derivations.iter().map(|derivation| Some(self.timing(derivation)?.seconds)).collect()
    }

    fn table_mut(&mut self, kind: Kind) -> &mut Table {
        match kind {
            Kind::Crate => &mut self.crates,
            Kind::Tests => &mut self.tests,
        }
    }
}

/// How far a version is from another one, by the foremost number that differs. Of those equally far, the one closest in
/// order is nearer, and an older one is nearer than a newer one. What is no version is furthest.
fn distance(version: &str, from: &str) -> impl Ord + use<> {
    let parsed = [version, from].map(|text| Version::parse(text).ok());
    let [Some(version), Some(from)] = parsed else { return (true, [0; 3], None, None) };
    let numbers = |version: &Version| [version.major, version.minor, version.patch];
    let mut differences = [0; 3];
    for (at, (one, other)) in numbers(&version).into_iter().zip(numbers(&from)).enumerate() {
        differences[at] = one.abs_diff(other);
        if one != other {
            break;
        }
    }
    match version <= from {
        // `None` comes before all else.
        true => (false, differences, None, Some(Reverse(version))),
        false => (false, differences, Some(version), None),
    }
}

/// The subjects that mean a derivation most exactly.
fn subjects_of<'m>(derivation: &Derivation, measured: &BTreeMap<&'m Subject, Vec<f64>>) -> Vec<&'m Subject> {
    let known = |subject: Subject| measured.get_key_value(&subject).map(|(&known, _)| known);
    if let Some(subject) = known(Subject::Id(derivation.id.clone())) {
        return vec![subject];
    }
    if let Some(subject) = known(Subject::NixName(nix_name(derivation))) {
        return vec![subject];
    }
    let Derivation { name, version, kind, .. } = derivation;
    let package = |features: Vec<String>| Subject::Package {
        name: name.clone(),
        version: version.clone(),
        kind: *kind,
        features,
    };
    if let Some(subject) = known(package(derivation.features.clone())) {
        return vec![subject];
    }
    let from = package(Vec::new());
    let is_same = |subject: &Subject| match subject {
        Subject::Package { name: other, version: of_other, kind: kind_of_other, .. } => {
            other == name && of_other == version && kind_of_other == kind
        }
        Subject::Id(_) | Subject::NixName(_) => false,
    };
    measured.range::<Subject, _>(&from..).map(|(&subject, _)| subject).take_while(|subject| is_same(subject)).collect()
}

#[cfg(test)]
mod tests;
