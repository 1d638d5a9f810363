//! Build times of derivations, remembered from one build to the next.
//!
//! [`measurements`] reads the log of a build by Nix or cargo, [`Timings::record`] maps it to derivations, and
//! [`Timings::parse`] and [`Timings::to_json`] keep the result in a file. The file is specific to a machine or to the
//! cache of a CI system, and is not meant to be committed. Its keys are name, version, labels and side of a crate, not
//! platform or hash, so that times remain useful when the workspace changes.

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

/// Seconds by key of the entry in `Cargo.nix` and by side.
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

/// The known or estimated build time of a derivation.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// The build time in seconds.
    pub seconds: f64,
    /// Where the build time comes from.
    pub origin: Origin,
}

/// The origin of a build time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The same name, version, labels and side; the sources may have been different.
    Exact,
    /// Another version or feature set of the same package, given by the key of its entry.
    Other(String),
}

/// The build time of one subject in one build.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The subject that was built.
    pub subject: Subject,
    /// The build time in seconds.
    pub seconds: f64,
}

/// The subject of a measurement, as precisely as it is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A derivation, by its [id](Derivation::id).
    Id(String),
    /// Derivations with this name in Nix. There may be several.
    NixName(String),
    /// A package that cargo has built.
    Package {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// Whether the package or its tests were built.
        kind: Kind,
        /// Its features, sorted.
        features: Vec<String>,
    },
}

/// The result of recording measurements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Number of derivations with new build times, on any of the platforms.
    pub n_derivations: usize,
    /// Subjects that match no derivation in the graphs, such as sources, or packages of another workspace.
    pub unmatched: Vec<Subject>,
}

/// Reads a log of Nix with a time in front of each line, or the report of `cargo build --timings`. Builds of Nix are
/// identified by name; [`NixLog`] has their store paths.
pub fn measurements(file: &str, text: &str) -> Result<Vec<Measurement>, Diagnostic> {
    if cargo_report::is_report(text) {
        return cargo_report::measurements(file, text);
    }
    let mut log = NixLog::new(file);
    text.lines().try_for_each(|line| log.line(line, None))?;
    Ok(log.finish()?.iter().map(|build| build.measurement(&BTreeMap::new())).collect())
}

/// An error in a log or a file of build times.
fn invalid(file: &str, message: impl Into<String>, position: Option<Position>) -> Diagnostic {
    Diagnostic::new("invalid-timings", message).at(file).position(position)
}

impl Timings {
    /// Parses a file that [`to_json`](Timings::to_json) has written.
    pub fn parse(file: &str, text: &str) -> Result<Self, Diagnostic> {
        let help = "remove the file, and pass `--timings` with a new log";
        let unreadable = |error: serde_json::Error| {
            let position = Position { line: error.line().max(1), column: error.column().max(1) };
            invalid(file, format!("the file is not a valid timings file: {error}"), Some(position)).help(help)
        };
        let Format { format } = serde_json::from_str(text).map_err(unreadable)?;
        if format != FORMAT {
            let message = format!("the file has format {format}; this version of Cratewright reads {FORMAT}");
            return Err(invalid(file, message, None).help(help));
        }
        let File { crates, tests, .. } = serde_json::from_str(text).map_err(unreadable)?;
        Ok(Timings { crates, tests })
    }

    /// The text of the file: sorted, and rounded to milliseconds.
    pub fn to_json(&self) -> String {
        let rounded = |table: &Table| {
            let round = |sides: &BTreeMap<Side, f64>| {
                sides.iter().map(|(&side, seconds)| (side, (seconds * 1000.0).round() / 1000.0)).collect()
            };
            table.iter().map(|(key, sides)| (key.clone(), round(sides))).collect()
        };
        let written = File { format: FORMAT, crates: rounded(&self.crates), tests: rounded(&self.tests) };
        // Serialization cannot fail: keys are strings, and values are numbers.
        serde_json::to_string_pretty(&written).unwrap_or_default() + "\n"
    }

    /// Adds the times of a newer build, which replace older ones.
    pub fn merge(&mut self, newer: Timings) {
        for (into, from) in [(&mut self.crates, newer.crates), (&mut self.tests, newer.tests)] {
            for (key, sides) in from {
                into.entry(key).or_default().extend(sides);
            }
        }
    }

    /// Adds measurements of a build for the derivations of some platforms. If a subject was measured several times,
    /// each of its derivations gets the mean.
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

    /// The build time of a derivation: the last measured one, else that of the nearest version of the package, with the
    /// same labels if possible.
    pub fn timing(&self, derivation: &Derivation) -> Option<Timing> {
        let table = match derivation.kind {
            Kind::Crate => &self.crates,
            Kind::Tests => &self.tests,
        };
        if let Some(&seconds) = table.get(&derivation.key).and_then(|sides| sides.get(&derivation.side)) {
            return Some(Timing { seconds, origin: Origin::Exact });
        }
        let labels_of = |key: &str| key.split_once(' ').map(|(_, labels)| labels.to_owned());
        // All keys of a package are adjacent.
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

    /// The build time of each derivation, if known.
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

/// The distance between versions, by the first number that differs. Ties go to the closest version in order, and to the
/// older one. Texts that are not versions are furthest away.
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
        // `None` is ordered before all other values.
        true => (false, differences, None, Some(Reverse(version))),
        false => (false, differences, Some(version), None),
    }
}

/// The measured subjects that match a derivation most precisely.
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
