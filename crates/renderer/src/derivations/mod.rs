//! Graphs of the derivations of a `Cargo.nix`, each with its inputs.
//!
//! The expressions that [`crate::render()`] prints are evaluated for a pair, so that both always agree. Of the library
//! (`nix-lib/library/units.nix`, `checks.nix`, `compilation.nix`), everything is modelled that decides which
//! derivations differ. Overrides of users, nixpkgs and the library are assumed to be unchanged.

mod compilation;
mod crates;
mod evaluate;
mod source;
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cratewright_graph::{Derivation, DerivationGraph, DerivationIx, Input, Kind, Side};
use cratewright_resolver::{PackageIx, Source};
use cratewright_sources::path::WsPath;
use rayon::prelude::*;

use crate::derivations::compilation::Compilation;
use crate::merged::{EntryIx, Merged, Resolved};
use crate::nix::{Nix, attribute};
use crate::options::RenderOptions;
use crate::overrides::render_overrides;
use crate::render::{Tables, excluded, triple_of};

pub use crate::derivations::source::PackageSource;

/// Digests of files in the workspace, to detect changes.
pub trait Contents {
    /// Digest of a local package's source: equal for equal paths, modes and contents.
    fn of_source(&self, source: &PackageSource) -> String;
    /// Digest of a file; empty if it does not exist or is a directory.
    fn of_file(&self, file: &WsPath) -> String;
    /// Digest of a directory.
    fn of_directory(&self, directory: &WsPath) -> String;
}

/// Graphs of the members, variants and tests of a `Cargo.nix` with an existing profile, for each pair or `only` one.
pub fn derivations(
    resolved: Resolved<'_>,
    merged: &Merged,
    options: &RenderOptions,
    profile: &str,
    contents: &(dyn Contents + Sync),
    only: Option<usize>,
) -> Vec<DerivationGraph> {
    let common = Common::new(resolved, merged, options, profile, contents);
    let pairs = only.map_or(0..resolved.pairs.len(), |pair| pair..pair + 1);
    pairs.into_par_iter().map(|pair| Builder::new(&common, pair).graph()).collect()
}

/// Names of the platforms of the graphs, in the order of the pairs.
pub fn platforms(resolved: Resolved<'_>) -> Vec<String> {
    (0..resolved.pairs.len()).map(|pair| triple_of(&resolved, pair)).collect()
}

/// Data that is the same for all pairs.
struct Common<'a> {
    resolved: Resolved<'a>,
    merged: &'a Merged,
    options: &'a RenderOptions,
    tables: Tables,
    /// Entries by reference.
    references: HashMap<&'a str, EntryIx>,
    /// Row of each entry in the table of entries.
    rows: HashMap<&'a str, usize>,
    compilation: Compilation,
    overrides: BTreeMap<String, Vec<&'static str>>,
    environment: String,
    contents: &'a (dyn Contents + Sync),
    /// Digests of local packages, without and with the files that only tests read.
    sources: HashMap<PackageIx, [String; 2]>,
}

impl<'a> Common<'a> {
    fn new(
        resolved: Resolved<'a>,
        merged: &'a Merged,
        options: &'a RenderOptions,
        profile: &str,
        contents: &'a (dyn Contents + Sync),
    ) -> Self {
        let packages = resolved.packages;
        let variables = options.environment.iter().map(|(name, variable)| {
            let path = WsPath::new(&variable.value).filter(|_| variable.is_path);
            // For a directory only the path matters, not its contents.
            let content = path.map(|path| contents.of_file(&path)).unwrap_or_default();
            format!("{name} = {variable:?} {content}\n")
        });
        let excluded = excluded(packages, options);
        let mut sources = HashMap::new();
        for entry in &merged.entries {
            if let Source::Local { dir } = &packages[entry.package].source {
                sources.entry(entry.package).or_insert_with(|| {
                    let extra = options.extra_sources.get(dir).map_or(&[][..], Vec::as_slice);
                    [false, true].map(|for_tests| {
                        contents.of_source(&PackageSource::new(dir, extra, &excluded, &options.ignored, for_tests))
                    })
                });
            }
        }
        let builds = || merged.entries.iter().enumerate().filter(|(_, entry)| entry.is_build());
        Common {
            references: builds().map(|(ix, entry)| (entry.reference.as_str(), ix)).collect(),
            rows: builds().enumerate().map(|(row, (_, entry))| (entry.key.as_str(), row)).collect(),
            tables: Tables::new(resolved, merged, options),
            compilation: Compilation::new(packages, merged, profile),
            overrides: render_overrides(resolved, merged),
            environment: variables.collect(),
            resolved,
            merged,
            options,
            contents,
            sources,
        }
    }

    /// The set of an entry and that of its package's first entry, which may be the same.
    fn sets(&self, entry: EntryIx) -> [&Nix; 2] {
        let entry = &self.merged.entries[entry];
        let first = self.merged.first_key(self.resolved.packages, entry.package);
        [entry.key.as_str(), first.as_str()].map(|key| match &self.tables.entries[self.rows[key]].value {
            Nix::Apply(parts) => &parts[parts.len() - 1],
            other => other,
        })
    }
}

/// The graph of one pair.
struct Builder<'a> {
    common: &'a Common<'a>,
    /// Triples of host and target.
    triples: [&'a str; 2],
    platform: String,
    /// Names of the platforms that apply, as printed.
    on: BTreeSet<String>,
    derivations: Vec<Derivation>,
    /// Whether each derivation has debug information, which settings of its dependents depend on.
    has_debug: Vec<bool>,
    known: HashMap<(EntryIx, Side), DerivationIx>,
    /// Derivations by their inputs: entries that differ only on other platforms are one derivation in Nix.
    equal: HashMap<Built, DerivationIx>,
}

/// Kind, inputs, dependencies and build-dependencies.
type Built = (Kind, BTreeMap<Input, String>, Vec<DerivationIx>, Vec<DerivationIx>);

impl<'a> Builder<'a> {
    fn new(common: &'a Common<'a>, pair: usize) -> Self {
        let Resolved { platforms, pairs, .. } = common.resolved;
        let [host, target] = [pairs[pair].host, pairs[pair].target].map(|ix| platforms[ix].triple.as_str());
        let on = common.tables.guards.iter().filter(|(_, pairs)| pairs.contains(&pair));
        Builder {
            triples: [host, target],
            platform: triple_of(&common.resolved, pair),
            on: on.map(|(name, _)| attribute(name)).collect(),
            derivations: Vec::new(),
            has_debug: Vec::new(),
            known: HashMap::new(),
            equal: HashMap::new(),
            common,
        }
    }

    fn graph(mut self) -> DerivationGraph {
        let merged = self.common.merged;
        for member in &merged.members {
            self.unit(member.entry, self.own_side(member.entry));
        }
        for tests in &merged.tests {
            self.suite(tests);
        }
        DerivationGraph { platform: self.platform, derivations: self.derivations }
    }

    fn is_native(&self) -> bool {
        self.triples[0] == self.triples[1]
    }

    /// The side of packages for the host: the target if one build serves both.
    fn host(&self) -> Side {
        if self.is_native() && self.common.compilation.shares_host { Side::Target } else { Side::Host }
    }

    /// The side of the tests' dependencies: the target unless the profile aborts.
    fn linked_by_tests(&self) -> Side {
        if self.common.compilation.aborts { Side::Test } else { Side::Target }
    }

    /// The side of a member: a proc-macro is built for the host.
    fn own_side(&self, entry: EntryIx) -> Side {
        let package = self.common.merged.entries[entry].package;
        if self.common.resolved.packages[package].proc_macro { self.host() } else { Side::Target }
    }

    fn push(&mut self, derivation: Derivation, has_debug: bool) -> DerivationIx {
        let Derivation { kind, inputs, dependencies, build_dependencies, .. } = &derivation;
        let built = (*kind, inputs.clone(), dependencies.clone(), build_dependencies.clone());
        let next = self.derivations.len();
        let ix = *self.equal.entry(built).or_insert(next);
        if ix == next {
            self.derivations.push(derivation);
            self.has_debug.push(has_debug);
        }
        ix
    }
}
