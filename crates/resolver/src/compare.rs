//! Comparison of a [`UnitGraph`] with cargo's own, from `cargo build --unit-graph -Z unstable-options --target T`.
//!
//! Cargo's graph has a unit per target (lib, bin, build script) and distinguishes host from target only with
//! `--target`. Both graphs are converted to the same kind of table and compared row by row.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cratewright_sources::diagnostic::Diagnostic;
use serde::Deserialize;

use crate::features::CompileKind;
use crate::package_graph::PackageGraph;
use crate::profile::Profile;
use crate::unit_graph::{CompileMode, DevTargets, UnitGraph};

/// Key of a row: a target of a package, for one side of the build.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetKey {
    /// `name version` of the package.
    pub package: String,
    /// `lib`, `bin NAME`, `build script`, `tests` or `doctests`.
    pub target: String,
    /// Side for which the *package* is built; a build script has the side of its package.
    pub kind: CompileKind,
}

impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            CompileKind::Host => "host",
            CompileKind::Target => "target",
        };
        write!(f, "{} ({}, {kind})", self.package, self.target)
    }
}

/// The compared values of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetFacts {
    /// Enabled features.
    pub features: BTreeSet<String>,
    /// Dependencies as `extern name = package (kind)`.
    pub dependencies: BTreeSet<String>,
    /// The profile as text; empty for doctests.
    pub profile: String,
}

/// A unit graph as a table. A row has several values if a package is built more than once for one side.
pub type UnitTable = BTreeMap<TargetKey, Vec<TargetFacts>>;

/// A row in which two tables differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Key of the row.
    pub key: TargetKey,
    /// The values of cargo.
    pub cargo: Vec<TargetFacts>,
    /// The values of cratewright.
    pub ours: Vec<TargetFacts>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.key)?;
        for (label, facts) in [("cargo", &self.cargo), ("cratewright", &self.ours)] {
            if facts.is_empty() {
                writeln!(f, "  {label}: no such unit")?;
            }
            for fact in facts {
                let TargetFacts { features, dependencies, profile } = fact;
                let profile = if profile.is_empty() { "" } else { &format!(", {profile}") };
                writeln!(f, "  {label}: features {features:?}, dependencies {dependencies:?}{profile}")?;
            }
        }
        Ok(())
    }
}

/// The rows on which the tables differ.
pub fn differences(cargo: &UnitTable, ours: &UnitTable) -> Vec<Difference> {
    let keys: BTreeSet<&TargetKey> = cargo.keys().chain(ours.keys()).collect();
    keys.into_iter()
        .filter(|key| cargo.get(key) != ours.get(key))
        .map(|key| Difference {
            key: key.clone(),
            cargo: cargo.get(key).cloned().unwrap_or_default(),
            ours: ours.get(key).cloned().unwrap_or_default(),
        })
        .collect()
}

/// The table of our unit graph, from its roots. All test targets of a package share the row `tests`, and all its
/// doctests the row `doctests`.
pub fn table_of(packages: &PackageGraph, units: &UnitGraph) -> UnitTable {
    let mut table = UnitTable::new();
    for ix in units.closure(&units.roots) {
        let unit = &units[ix];
        let package = &packages[unit.package];
        let mut normal = BTreeSet::new();
        let mut build = BTreeSet::new();
        for dependency in units.dependencies(ix) {
            let to = &units[dependency.unit];
            let extern_name = packages.extern_name(dependency.extern_name);
            let line = dependency_line(extern_name, &packages[to.package].display(), to.kind);
            if dependency.for_build_script {
                build.insert(line)
            } else {
                normal.insert(line)
            };
        }
        let features: BTreeSet<String> =
            unit.features.iter().map(|&feature| package.feature_name(feature).to_owned()).collect();
        let mut add = |target: String, dependencies: BTreeSet<String>| {
            let key = TargetKey { package: package.display(), target, kind: unit.kind };
            let profile = units.profile_of(packages, ix, key.target == BUILD_SCRIPT).to_string();
            let profile = if key.target == DOCTESTS { String::new() } else { profile };
            table.entry(key).or_default().push(TargetFacts { features: features.clone(), dependencies, profile });
        };
        if package.build_script.is_some() {
            add(BUILD_SCRIPT.to_owned(), build);
        }
        if unit.mode == CompileMode::Test {
            normal.retain(|line| !is_of(line, &package.display()));
            let own = package.lib.as_ref().filter(|_| package.proc_macro == (unit.kind == CompileKind::Host));
            if own.is_some_and(|lib| lib.doctested) {
                add(DOCTESTS.to_owned(), normal.clone());
            }
            let DevTargets { tests, examples, benches } = &unit.dev_targets;
            let beside = unit.bins.iter().any(|&bin| package.bins[bin].tested)
                || benches.iter().any(|&bench| package.benches[bench].tested)
                || !(tests.is_empty() && examples.is_empty());
            if own.is_some_and(|lib| lib.tested) || beside {
                add(TESTS.to_owned(), normal);
            }
            continue;
        }
        // The binaries of a proc-macro package are built for the target, its library for the host.
        let library = package.lib.as_ref().filter(|_| !package.proc_macro || unit.kind == CompileKind::Host);
        if library.is_some() {
            add("lib".to_owned(), normal.clone());
        }
        for &bin in &unit.bins {
            let mut dependencies = normal.clone();
            if let Some(lib) = library.and(package.linkable_lib()) {
                let extern_name = lib.name.replace('-', "_");
                dependencies.insert(dependency_line(&extern_name, &package.display(), unit.kind));
            }
            add(format!("bin {}", package.bins[bin].name), dependencies);
        }
    }
    sorted(table)
}

fn dependency_line(extern_name: &str, package: &str, kind: CompileKind) -> String {
    match kind {
        CompileKind::Host => format!("{extern_name} = {package} (host)"),
        CompileKind::Target => format!("{extern_name} = {package}"),
    }
}

/// Row of all test targets and examples of a package.
const TESTS: &str = "tests";

/// Row of a package's doctests, which rustdoc compiles without a profile.
const DOCTESTS: &str = "doctests";

/// Row of a build script.
const BUILD_SCRIPT: &str = "build script";

/// Whether a line describes a dependency on that package.
fn is_of(line: &str, package: &str) -> bool {
    line.split_once(" = ").is_some_and(|(_, to)| to.trim_end_matches(" (host)") == package)
}

fn sorted(mut table: UnitTable) -> UnitTable {
    for facts in table.values_mut() {
        facts.sort();
        facts.dedup();
    }
    table
}

#[derive(Deserialize)]
struct CargoUnitGraph {
    units: Vec<CargoUnit>,
}

#[derive(Deserialize)]
struct CargoUnit {
    pkg_id: String,
    target: CargoTarget,
    platform: Option<String>,
    mode: String,
    features: BTreeSet<String>,
    dependencies: Vec<CargoDependency>,
    profile: CargoProfile,
}

#[derive(Deserialize)]
struct CargoProfile {
    opt_level: String,
    lto: String,
    codegen_units: Option<u32>,
    /// A number or a string such as `line-tables-only`.
    debuginfo: serde_json::Value,
    split_debuginfo: Option<String>,
    debug_assertions: bool,
    overflow_checks: bool,
    rpath: bool,
    panic: String,
    /// For example `{"resolved": "None"}` or `{"deferred": {"Named": "debuginfo"}}`.
    strip: BTreeMap<String, CargoStrip>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CargoStrip {
    None(String),
    Named(BTreeMap<String, String>),
}

impl CargoProfile {
    fn to_profile(&self) -> Profile {
        let strip = self.strip.values().next().map(|strip| match strip {
            CargoStrip::None(none) => none.to_lowercase(),
            CargoStrip::Named(named) => named.values().cloned().collect(),
        });
        Profile {
            opt_level: self.opt_level.clone(),
            lto: self.lto.clone(),
            codegen_units: self.codegen_units,
            debug: self.debuginfo.as_str().map_or_else(|| self.debuginfo.to_string(), str::to_owned),
            split_debuginfo: self.split_debuginfo.clone(),
            debug_assertions: self.debug_assertions,
            overflow_checks: self.overflow_checks,
            rpath: self.rpath,
            panic: self.panic.clone(),
            strip: strip.unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
struct CargoTarget {
    kind: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
struct CargoDependency {
    index: usize,
    extern_crate_name: String,
}

/// The table of cargo's unit graph (format version 1), for a `cargo build` or `cargo test` with `--target`.
///
/// # Errors
/// If the text is not a unit graph.
pub fn table_of_cargo(json: &str) -> Result<UnitTable, Diagnostic> {
    let graph: CargoUnitGraph = serde_json::from_str(json).map_err(|error| {
        Diagnostic::new("invalid-unit-graph", format!("cargo's unit graph cannot be read: {error}")).caused_by(error)
    })?;
    // Every build script is compiled for the host; its side is that of the unit that runs it.
    let mut script_kind: BTreeMap<usize, BTreeSet<CompileKind>> = BTreeMap::new();
    for unit in graph.units.iter().filter(|unit| unit.mode == "run-custom-build") {
        for dependency in &unit.dependencies {
            if graph.units[dependency.index].mode == "build" {
                script_kind.entry(dependency.index).or_default().insert(kind_of(unit));
            }
        }
    }
    let mut table = UnitTable::new();
    let compiled = |unit: &CargoUnit| matches!(unit.mode.as_str(), "build" | "test" | "doctest");
    for (ix, unit) in graph.units.iter().enumerate().filter(|(_, unit)| compiled(unit)) {
        let is = |kind: &str| unit.target.kind.iter().any(|have| have == kind);
        let for_tests = unit.mode != "build" || is("example");
        let kinds = if is("custom-build") {
            script_kind.get(&ix).cloned().unwrap_or_default()
        } else {
            BTreeSet::from([kind_of(unit)])
        };
        let target = if unit.mode == "doctest" {
            DOCTESTS.to_owned()
        } else if for_tests {
            TESTS.to_owned()
        } else if is("custom-build") {
            BUILD_SCRIPT.to_owned()
        } else if is("bin") {
            format!("bin {}", unit.target.name)
        } else {
            "lib".to_owned()
        };
        let mut dependencies: BTreeSet<String> = unit
            .dependencies
            .iter()
            .map(|dependency| (dependency, &graph.units[dependency.index]))
            .filter(|(_, to)| to.mode == "build" && !to.target.kind.iter().any(|kind| kind == "custom-build"))
            .map(|(dependency, to)| {
                dependency_line(&dependency.extern_crate_name, &display_package(&to.pkg_id), kind_of(to))
            })
            .collect();
        let package = display_package(&unit.pkg_id);
        if for_tests {
            dependencies.retain(|line| !is_of(line, &package));
        }
        for kind in kinds {
            let key = TargetKey { package: package.clone(), target: target.clone(), kind };
            let is_compiled = key.target != DOCTESTS;
            let profile = if is_compiled { unit.profile.to_profile().to_string() } else { String::new() };
            let facts = TargetFacts { features: unit.features.clone(), dependencies: dependencies.clone(), profile };
            table.entry(key).or_default().push(facts);
        }
    }
    Ok(sorted(table))
}

fn kind_of(unit: &CargoUnit) -> CompileKind {
    if unit.platform.is_some() { CompileKind::Target } else { CompileKind::Host }
}

/// `name version` of a package id such as `path+file:///w/app#0.1.0` or `registry+...#serde@1.0.0`.
fn display_package(id: &str) -> String {
    crate::error::display_id(id)
}
