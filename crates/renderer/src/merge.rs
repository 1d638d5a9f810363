//! Merges many unit graphs into one list of entries.
//!
//! A package is a unit in many graphs, one per selection and pair, and on two sides of each. The merge makes as few
//! entries as possible:
//!
//! - Across *pairs*, the unit of a selection on one side is one entry, whose lists depend on the platform.
//! - Across *selections and sides*, units that agree on every common pair are one entry.
//!
//! Packages are merged after their dependencies, so that units agree if their features and the entries of their
//! dependencies are equal.

use std::collections::{BTreeMap, BTreeSet};

use cratewright_resolver::{
    CompileKind, CompileMode, DevTargets, FeatureIx, PackageIx, Target, UnitGraph, UnitIx, UserIntent,
};

use cratewright_sources::diagnostic::Diagnostic;

use crate::merged::{Content, Entry, EntryDependency, EntryIx, Member, MemberTests, Merged, Resolved, labelled};
use crate::origins::twins;

/// The unit of a selection on one side, for all pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Slot {
    kind: CompileKind,
    selection: usize,
}

/// The unit of a slot on one pair.
#[derive(Debug, Clone, Copy)]
struct Placed {
    slot: Slot,
    pair: usize,
    unit: UnitIx,
}

/// All units that build a package, or all that are for its tests. Tests depend only on builds, so groups have no
/// cycles, unlike packages, which have them through dev-dependencies.
///
/// Units that differ only in [`cratewright_resolver::UnitFor`] have equal content and become one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group {
    mode: CompileMode,
    package: PackageIx,
}

/// Merges all graphs.
///
/// # Errors
/// If nixpkgs' builder does not support a unit.
pub fn merge(resolved: Resolved<'_>) -> Result<Merged, Diagnostic> {
    let groups = Groups::collect(resolved);
    let order = groups.in_dependency_order(resolved);
    let built = order.iter().filter(|group| group.mode == CompileMode::Build).map(|group| group.package);
    let twins = twins(&built.map(|ix| (ix, &resolved.packages[ix])).collect());
    let unknown = |graph: &UnitGraph| vec![EntryIx::MAX; graph.units().len()];
    let entry_of = resolved.graphs.iter().map(|graphs| graphs.iter().map(unknown).collect()).collect();
    let mut merger = Merger { resolved, twins, entries: Vec::new(), entry_of };
    for group in order {
        merger.check(group, groups.of(group))?;
        merger.merge_group(group, groups.of(group));
    }
    if resolved.packages.profiles.has_lto() {
        merger.find_lto();
    }
    Ok(merger.finish())
}

struct Groups {
    /// Builds by package, then tests by package.
    placed: Vec<Vec<Placed>>,
    packages: usize,
}

impl Groups {
    fn collect(resolved: Resolved<'_>) -> Self {
        let packages = resolved.packages.packages().len();
        let mut groups = Groups { placed: vec![Vec::new(); packages * 2], packages };
        for (selection, graphs) in resolved.graphs.iter().enumerate() {
            for (pair, graph) in graphs.iter().enumerate() {
                for (ix, unit) in graph.indices().zip(graph.units()) {
                    let group = groups.index(Group { mode: unit.mode, package: unit.package });
                    groups.placed[group].push(Placed { slot: Slot { kind: unit.kind, selection }, pair, unit: ix });
                }
            }
        }
        groups
    }

    fn index(&self, group: Group) -> usize {
        group.package.index() + if group.mode == CompileMode::Test { self.packages } else { 0 }
    }

    fn of(&self, group: Group) -> &[Placed] {
        &self.placed[self.index(group)]
    }

    /// Groups with units, dependencies first. Cargo rejects cycles except through dev-dependencies, which only tests
    /// have.
    fn in_dependency_order(&self, resolved: Resolved<'_>) -> Vec<Group> {
        let packages = resolved.packages.in_dependency_order();
        let groups = |mode| packages.iter().map(move |&package| Group { mode, package });
        groups(CompileMode::Build)
            .chain(groups(CompileMode::Test))
            .filter(|&group| !self.of(group).is_empty())
            .collect()
    }
}

struct Merger<'a> {
    resolved: Resolved<'a>,
    twins: BTreeMap<PackageIx, String>,
    entries: Vec<Entry>,
    /// Entry by selection, pair and unit.
    entry_of: Vec<Vec<Vec<EntryIx>>>,
}

impl<'a> Merger<'a> {
    fn merge_group(&mut self, group: Group, placed: &[Placed]) {
        let first_entry = self.entries.len();
        // The first entry gets the plain key, which is preferably that of building the package itself.
        let rank = |slot: Slot| {
            let selection = &self.resolved.selections[slot.selection];
            (!selection.members.contains(&group.package), selection.variant.is_some(), selection.intent, slot)
        };
        let mut placed: Vec<_> = placed.iter().map(|placed| (rank(placed.slot), placed)).collect();
        placed.sort_by_key(|&(rank, placed)| (rank, placed.pair));
        let first_slot = placed[0].1.slot;
        let mut dependencies: Vec<EntryDependency> = Vec::new();
        for placed in placed.chunk_by(|(_, a), (_, b)| a.slot == b.slot) {
            let slot = placed[0].1.slot;
            // One buffer for all pairs: most slots agree with an existing entry and need no copy.
            dependencies.clear();
            let mut contents: Vec<(usize, &[FeatureIx], std::ops::Range<usize>)> = Vec::with_capacity(placed.len());
            for (_, placed) in placed {
                let start = dependencies.len();
                dependencies.extend(self.dependencies(group, placed));
                dependencies[start..].sort_unstable();
                let features = &self.unit_graph(placed)[placed.unit].features;
                contents.push((placed.pair, features, start..dependencies.len()));
            }
            let agrees = |entry: &Entry| {
                contents.iter().all(|(pair, features, range)| {
                    let same =
                        |have: &Content| have.features == *features && have.dependencies == dependencies[range.clone()];
                    entry.contents.get(pair).is_none_or(same)
                })
            };
            let entry = (first_entry..self.entries.len()).find(|&ix| agrees(&self.entries[ix]));
            let entry = entry.unwrap_or_else(|| {
                let key = self.key(group, slot, first_slot);
                self.entries.push(Entry::new(key, group.package, group.mode));
                self.entries.len() - 1
            });
            for (pair, features, range) in contents {
                let content = || Content { features: features.to_vec(), dependencies: dependencies[range].to_vec() };
                self.entries[entry].contents.entry(pair).or_insert_with(content);
            }
            for (_, placed) in placed {
                let unit = &self.unit_graph(placed)[placed.unit];
                if !unit.bins.is_empty() {
                    self.entries[entry].bins.insert(placed.pair, unit.bins.clone());
                }
                if unit.dev_targets != DevTargets::default() {
                    self.entries[entry].dev_targets.insert(placed.pair, unit.dev_targets.clone());
                }
                self.entry_of[slot.selection][placed.pair][placed.unit.index()] = entry;
            }
        }
    }

    /// Computes `lto` for each entry, over all graphs that it is in.
    fn find_lto(&mut self) {
        for (graphs, entries) in self.resolved.graphs.iter().zip(&self.entry_of) {
            for (graph, entries) in graphs.iter().zip(entries) {
                let units = graph.units().zip(graph.lto(self.resolved.packages));
                for ((unit, lto), &entry) in units.zip(entries) {
                    if unit.kind == CompileKind::Target && unit.mode == CompileMode::Build {
                        let entry = &mut self.entries[entry];
                        entry.lto = Some(entry.lto.map_or(lto, |have| have.merge(lto)));
                    }
                }
            }
        }
    }

    /// Rejects units that nixpkgs' builder would build wrongly.
    fn check(&self, group: Group, placed: &[Placed]) -> Result<(), Diagnostic> {
        let package = &self.resolved.packages[group.package];
        let bins = placed.iter().flat_map(|placed| &self.unit_graph(placed)[placed.unit].bins);
        let bins: BTreeSet<usize> = bins.copied().collect();
        if package.proc_macro && !bins.is_empty() {
            let message = format!(
                "proc-macro package `{}` has binaries, which nixpkgs' builder cannot link to the macro",
                package.display()
            );
            return Err(Diagnostic::new("proc-macro-bins", message).help("move the binaries to a package of their own"));
        }
        if package.is_linked_dynamically() && !bins.is_empty() {
            // The output of the program would refer to that of the library and the other way round, which Nix does not
            // allow.
            let message = format!(
                "package `{}` has binaries and a library that is only a `dylib`, which cannot be in one derivation",
                package.display()
            );
            return Err(Diagnostic::new("dylib-bins", message)
                .help("move the binaries to a package of their own, or add \"rlib\" to `crate-type`"));
        }
        let bins = || bins.iter().map(|&bin| &package.bins[bin]);
        let mut names: BTreeMap<String, &str> = BTreeMap::new();
        for bin in bins() {
            if let Some(first) = names.insert(bin.name.replace('-', "_"), &bin.name) {
                let message = format!(
                    "binaries `{first}` and `{}` of package `{}` have the same name in nixpkgs' builder",
                    bin.name,
                    package.display()
                );
                return Err(Diagnostic::new("colliding-binaries", message).help("rename one of them"));
            }
        }
        let targets: Vec<&Target> = package.lib.iter().chain(&package.build_script).chain(bins()).collect();
        if targets.windows(2).any(|pair| pair[0].edition != pair[1].edition) {
            let editions: Vec<String> =
                targets.iter().map(|target| format!("`{}` {}", target.name, target.edition)).collect();
            let editions = editions.join(", ");
            let message = format!("targets of package `{}` have different editions: {editions}", package.display());
            return Err(
                Diagnostic::new("different-editions", message).help("give all targets the edition of the package")
            );
        }
        Ok(())
    }

    fn dependencies(&self, group: Group, placed: &Placed) -> impl Iterator<Item = EntryDependency> {
        let graph = self.unit_graph(placed);
        let entry_of = &self.entry_of[placed.slot.selection][placed.pair];
        // nixpkgs' builder links a package's own library by itself.
        let others = graph.dependencies(placed.unit).filter(move |to| graph[to.unit].package != group.package);
        others.map(|to| EntryDependency {
            for_build_script: to.for_build_script,
            entry: entry_of[to.unit.index()],
            extern_name: to.extern_name,
        })
    }

    fn unit_graph(&self, placed: &Placed) -> &'a UnitGraph {
        &self.resolved.graphs[placed.slot.selection][placed.pair]
    }

    /// Key of an entry: the package id spec for the first entry of a package, followed by labels in brackets for others.
    ///
    /// Each label is a word or `word=value`, in a fixed order. Names of members, variants and origins contain no
    /// spaces, brackets or `=`, so the key is unique.
    fn key(&self, group: Group, slot: Slot, first: Slot) -> String {
        let mut labels = Vec::new();
        if slot.selection != first.selection {
            let selection = &self.resolved.selections[slot.selection];
            if let [member] = selection.members[..] {
                labels.push(format!("member={}", self.resolved.packages[member].name));
            }
            labels.extend(selection.variant.as_ref().map(|variant| format!("variant={variant}")));
            if selection.intent == UserIntent::Test && group.mode == CompileMode::Build {
                labels.push("test".to_owned());
            }
        }
        if slot.kind != first.kind {
            // nixpkgs' names for the platforms.
            labels.push(if slot.kind == CompileKind::Host { "build" } else { "host" }.to_owned());
        }
        if group.mode == CompileMode::Test {
            labels.push("tests".to_owned());
        }
        labelled(self.resolved.packages, &self.twins, group.package, labels)
    }

    fn finish(mut self) -> Merged {
        let mut members = Vec::new();
        let mut tests = self.tests();
        let is_build = |selection: usize| self.resolved.selections[selection].intent == UserIntent::Build;
        for (selection, graphs) in self.resolved.graphs.iter().enumerate().filter(|(ix, _)| is_build(*ix)) {
            for (graph, entry_of) in graphs.iter().zip(&self.entry_of[selection]) {
                let roots = graph.roots.iter().map(|&root| (&graph[root], entry_of[root.index()]));
                let builds = roots.filter(|(unit, _)| unit.mode == CompileMode::Build);
                members.extend(builds.map(|(unit, entry)| (selection, unit.package, entry)));
            }
        }
        let variant = |selection: usize| &self.resolved.selections[selection].variant;
        members.sort_by_key(|&(selection, package, _)| (variant(selection), &self.resolved.packages[package].name));
        members.dedup_by_key(|&mut (selection, package, _)| (variant(selection), package));
        // A member whose binaries exist only on some platforms is listed for all, with nothing to build on the others.
        let of_tests = tests.iter().flat_map(|tests| [tests.target, tests.host]).flatten();
        for entry in members.iter().map(|&(_, _, entry)| entry).chain(of_tests) {
            for pair in 0..self.resolved.pairs.len() {
                self.entries[entry].contents.entry(pair).or_default();
            }
        }

        // Sorts the entries by key and updates the indices.
        let mut order: Vec<EntryIx> = (0..self.entries.len()).collect();
        order.sort_by(|&a, &b| self.entries[a].key.cmp(&self.entries[b].key));
        let mut new_ix = vec![0; order.len()];
        for (new, &old) in order.iter().enumerate() {
            new_ix[old] = new;
        }
        for entry in &mut self.entries {
            for content in entry.contents.values_mut() {
                for dependency in &mut content.dependencies {
                    dependency.entry = new_ix[dependency.entry];
                }
                content.dependencies.sort();
            }
        }
        for tests in &mut tests {
            tests.unit = new_ix[tests.unit];
            for entry in [&mut tests.target, &mut tests.host] {
                *entry = entry.map(|entry| new_ix[entry]);
            }
        }
        let keys = || order.iter().map(|&ix| &self.entries[ix].key);
        let twice = keys().zip(keys().skip(1)).find(|(one, next)| one == next);
        assert_eq!(twice, None, "two entries have one key, and the second would hide the first");
        self.shorten_references();
        let mut entries: Vec<Option<Entry>> = self.entries.into_iter().map(Some).collect();
        Merged {
            entries: order.into_iter().filter_map(|old| entries[old].take()).collect(),
            members: members
                .into_iter()
                .map(|(selection, package, entry)| {
                    let selection = &self.resolved.selections[selection];
                    Member {
                        package,
                        entry: new_ix[entry],
                        variant: selection.variant.clone(),
                        features: selection.requested_features(self.resolved.packages, package),
                    }
                })
                .collect(),
            tests,
            twins: self.twins,
        }
    }

    /// Leaves the version out of references where it is unambiguous, so that an update of a crate changes only its own
    /// entry.
    fn shorten_references(&mut self) {
        let graph = self.resolved.packages;
        let mut packages: BTreeMap<&str, BTreeSet<PackageIx>> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.mode == CompileMode::Build) {
            packages.entry(&graph[entry.package].name).or_default().insert(entry.package);
        }
        for entry in &mut self.entries {
            let package = &graph[entry.package];
            if packages.get(package.name.as_str()).is_some_and(|packages| packages.len() == 1) {
                entry.reference = entry.key.replacen(&format!("@{}", package.version), "", 1);
            }
        }
    }

    /// Tests of all members, sorted by name. Adds an entry for a member that has only tests.
    fn tests(&mut self) -> Vec<MemberTests> {
        let mut found: BTreeMap<&str, MemberTests> = BTreeMap::new();
        let packages = self.resolved.packages;
        for (selection, graphs) in self.resolved.graphs.iter().enumerate() {
            if self.resolved.selections[selection].intent != UserIntent::Test {
                continue;
            }
            for (graph, entry_of) in graphs.iter().zip(&self.entry_of[selection]) {
                for ix in graph.indices().filter(|&ix| graph[ix].mode == CompileMode::Test) {
                    let unit = &graph[ix];
                    let package = &packages[unit.package];
                    let none = MemberTests {
                        package: unit.package,
                        target: None,
                        host: None,
                        unit: EntryIx::MAX,
                        has_library: false,
                    };
                    let tests = found.entry(package.name.as_str()).or_insert(none);
                    match unit.kind {
                        CompileKind::Host => tests.host = Some(entry_of[ix.index()]),
                        CompileKind::Target => tests.target = Some(entry_of[ix.index()]),
                    }
                    let own_kind = if package.proc_macro { CompileKind::Host } else { CompileKind::Target };
                    let is_own = |own: &UnitIx| {
                        let own = &graph[*own];
                        own.package == unit.package && own.mode == CompileMode::Build && own.kind == own_kind
                    };
                    if let Some(own) = graph.indices().find(is_own) {
                        tests.unit = entry_of[own.index()];
                        tests.has_library = package.linkable_lib().is_some();
                    }
                }
            }
        }
        let mut tests: Vec<MemberTests> = found.into_values().collect();
        for tests in tests.iter_mut().filter(|tests| tests.unit == EntryIx::MAX) {
            let is_build = |entry: &Entry| entry.package == tests.package && entry.mode == CompileMode::Build;
            tests.unit = self.entries.iter().position(is_build).unwrap_or_else(|| {
                let key = labelled(packages, &self.twins, tests.package, Vec::new());
                let mut entry = Entry::new(key, tests.package, CompileMode::Build);
                entry.contents = (0..self.resolved.pairs.len()).map(|pair| (pair, Content::default())).collect();
                self.entries.push(entry);
                self.entries.len() - 1
            });
        }
        tests
    }
}
