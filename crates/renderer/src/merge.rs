//! Many unit graphs to one list of entries.
//!
//! The same package is a unit in many graphs: one per selection and pair, and on two sides of each. Here they become
//! as few entries as differ:
//!
//! - Across *pairs*, the unit that one selection has on one side is one entry, whose lists differ by platform.
//! - Across *selections and sides*, units that agree on every pair they share are one entry.
//!
//! Packages are taken in an order that has dependencies first, so that "agree" is a comparison of plain values: features
//! and the entries depended upon.

use std::collections::{BTreeMap, BTreeSet};

use cratewright_resolver::{Beside, DependencyTable, FeatureIx, PackageIx, Purpose, Role, Target, UnitGraph, UnitKind};
use petgraph::graph::NodeIndex;
use petgraph::visit::{DfsPostOrder, EdgeFiltered, EdgeRef};

use crate::error::RenderError;
use crate::merged::{Content, Entry, EntryDependency, EntryIx, Member, MemberTests, Merged, Resolved, labelled};
use crate::origins::twins;

/// A unit of one selection on one side, over all pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Slot {
    role: Role,
    selection: usize,
}

/// The unit of a slot on one pair.
#[derive(Debug, Clone, Copy)]
struct Placed {
    slot: Slot,
    pair: usize,
    unit: NodeIndex<u32>,
}

/// All units of one package that are built for themselves, or all that are for its tests. Tests depend on builds alone,
/// so that groups have no cycle among them, as packages have through dev-dependencies.
///
/// Units that differ in [`cratewright_resolver::ProfileUse`] alone have equal content, and end up as one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group {
    kind: UnitKind,
    package: PackageIx,
}

/// Merges all graphs.
///
/// # Errors
/// When a unit cannot be built by nixpkgs' builder.
pub fn merge(resolved: Resolved<'_>) -> Result<Merged, RenderError> {
    let groups = Groups::collect(resolved);
    let order = groups.in_dependency_order(resolved);
    let built = order.iter().filter(|group| group.kind == UnitKind::Build).map(|group| group.package);
    let twins = twins(&built.map(|ix| (ix, &resolved.packages.graph[ix])).collect());
    let unknown = |graph: &UnitGraph| vec![EntryIx::MAX; graph.graph.node_count()];
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
        let packages = resolved.packages.graph.node_count();
        let mut groups = Groups { placed: vec![Vec::new(); packages * 2], packages };
        for (selection, graphs) in resolved.graphs.iter().enumerate() {
            for (pair, graph) in graphs.iter().enumerate() {
                for ix in graph.graph.node_indices() {
                    let unit = &graph.graph[ix];
                    let group = groups.index(Group { kind: unit.kind, package: unit.package });
                    groups.placed[group].push(Placed { slot: Slot { role: unit.role, selection }, pair, unit: ix });
                }
            }
        }
        groups
    }

    fn index(&self, group: Group) -> usize {
        group.package.index() + if group.kind == UnitKind::Test { self.packages } else { 0 }
    }

    fn of(&self, group: Group) -> &[Placed] {
        &self.placed[self.index(group)]
    }

    /// Groups that have units, dependencies first. Cargo refuses cycles through anything but dev-dependencies, which tests
    /// alone have.
    fn in_dependency_order(&self, resolved: Resolved<'_>) -> Vec<Group> {
        let graph = &resolved.packages.graph;
        let acyclic = EdgeFiltered::from_fn(graph, |edge| edge.weight().table != DependencyTable::Dev);
        let mut walk = DfsPostOrder::empty(&acyclic);
        let mut packages = Vec::with_capacity(self.packages);
        for start in graph.node_indices() {
            walk.move_to(start);
            while let Some(package) = walk.next(&acyclic) {
                packages.push(package);
            }
        }
        let groups = |kind| packages.iter().map(move |&package| Group { kind, package });
        groups(UnitKind::Build).chain(groups(UnitKind::Test)).filter(|&group| !self.of(group).is_empty()).collect()
    }
}

struct Merger<'a> {
    resolved: Resolved<'a>,
    twins: BTreeMap<PackageIx, String>,
    entries: Vec<Entry>,
    /// By selection, pair and unit.
    entry_of: Vec<Vec<Vec<EntryIx>>>,
}

impl<'a> Merger<'a> {
    fn merge_group(&mut self, group: Group, placed: &[Placed]) {
        let first_entry = self.entries.len();
        // The first entry gets the plain key: what building the package itself means, where that is asked for.
        let rank = |slot: Slot| {
            let selection = &self.resolved.selections[slot.selection];
            (!selection.members.contains(&group.package), selection.variant.is_some(), selection.purpose, slot)
        };
        let mut placed: Vec<_> = placed.iter().map(|placed| (rank(placed.slot), placed)).collect();
        placed.sort_by_key(|&(rank, placed)| (rank, placed.pair));
        let first_slot = placed[0].1.slot;
        let mut dependencies: Vec<EntryDependency> = Vec::new();
        for placed in placed.chunk_by(|(_, a), (_, b)| a.slot == b.slot) {
            let slot = placed[0].1.slot;
            // One buffer for all pairs: most slots agree with an entry that is there already, and need no copy.
            dependencies.clear();
            let mut contents: Vec<(usize, &[FeatureIx], std::ops::Range<usize>)> = Vec::with_capacity(placed.len());
            for (_, placed) in placed {
                let start = dependencies.len();
                dependencies.extend(self.dependencies(group, placed));
                dependencies[start..].sort_unstable();
                let features = &self.unit_graph(placed).graph[placed.unit].features;
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
                self.entries.push(Entry::new(key, group.package, group.kind));
                self.entries.len() - 1
            });
            for (pair, features, range) in contents {
                let content = || Content { features: features.to_vec(), dependencies: dependencies[range].to_vec() };
                self.entries[entry].contents.entry(pair).or_insert_with(content);
            }
            for (_, placed) in placed {
                let unit = &self.unit_graph(placed).graph[placed.unit];
                if !unit.bins.is_empty() {
                    self.entries[entry].bins.insert(placed.pair, unit.bins.clone());
                }
                if unit.beside != Beside::default() {
                    self.entries[entry].beside.insert(placed.pair, unit.beside.clone());
                }
                self.entry_of[slot.selection][placed.pair][placed.unit.index()] = entry;
            }
        }
    }

    /// One answer for all graphs that an entry is in.
    fn find_lto(&mut self) {
        for (graphs, entries) in self.resolved.graphs.iter().zip(&self.entry_of) {
            for (graph, entries) in graphs.iter().zip(entries) {
                for (ix, lto) in graph.lto(self.resolved.packages).into_iter().enumerate() {
                    let unit = &graph.graph[NodeIndex::new(ix)];
                    if unit.role == Role::Target && unit.kind == UnitKind::Build {
                        let entry = &mut self.entries[entries[ix]];
                        entry.lto = Some(entry.lto.map_or(lto, |have| have.merge(lto)));
                    }
                }
            }
        }
    }

    /// Refuses what nixpkgs' builder would build wrongly.
    fn check(&self, group: Group, placed: &[Placed]) -> Result<(), RenderError> {
        let package = &self.resolved.packages.graph[group.package];
        let bins = placed.iter().flat_map(|placed| &self.unit_graph(placed).graph[placed.unit].bins);
        let bins: BTreeSet<usize> = bins.copied().collect();
        if package.proc_macro && !bins.is_empty() {
            return Err(RenderError::ProcMacroBins { package: package.display() });
        }
        if package.is_linked_dynamically() && !bins.is_empty() {
            return Err(RenderError::DylibBins { package: package.display() });
        }
        let bins = || bins.iter().map(|&bin| &package.bins[bin]);
        let mut names: BTreeMap<String, &str> = BTreeMap::new();
        for bin in bins() {
            if let Some(first) = names.insert(bin.name.replace('-', "_"), &bin.name) {
                let (first, second) = (first.to_owned(), bin.name.clone());
                return Err(RenderError::BinNames { package: package.display(), first, second });
            }
        }
        let targets: Vec<&Target> = package.lib.iter().chain(&package.build_script).chain(bins()).collect();
        if targets.windows(2).any(|pair| pair[0].edition != pair[1].edition) {
            let editions: Vec<String> =
                targets.iter().map(|target| format!("`{}` {}", target.name, target.edition)).collect();
            return Err(RenderError::Editions { package: package.display(), editions: editions.join(", ") });
        }
        Ok(())
    }

    fn dependencies(&self, group: Group, placed: &Placed) -> impl Iterator<Item = EntryDependency> {
        let graph = &self.unit_graph(placed).graph;
        let entry_of = &self.entry_of[placed.slot.selection][placed.pair];
        graph
            .edges(placed.unit)
            // nixpkgs' builder links a package's own library by itself.
            .filter(move |edge| graph[edge.target()].package != group.package)
            .map(|edge| EntryDependency {
                for_build_script: edge.weight().for_build_script,
                entry: entry_of[edge.target().index()],
                extern_name: edge.weight().extern_name,
            })
    }

    fn unit_graph(&self, placed: &Placed) -> &'a UnitGraph {
        &self.resolved.graphs[placed.slot.selection][placed.pair]
    }

    /// The package id spec for the first entry of a package; further ones say whose they are.
    ///
    /// What is said stands in brackets, a word or `word=value` each, in a fixed order. No member, variant or origin has a
    /// space, a bracket or `=` in it, so that no two say the same.
    fn key(&self, group: Group, slot: Slot, first: Slot) -> String {
        let mut labels = Vec::new();
        if slot.selection != first.selection {
            let selection = &self.resolved.selections[slot.selection];
            if let [member] = selection.members[..] {
                labels.push(format!("member={}", self.resolved.packages.graph[member].name));
            }
            labels.extend(selection.variant.as_ref().map(|variant| format!("variant={variant}")));
            if selection.purpose == Purpose::Test && group.kind == UnitKind::Build {
                labels.push("test".to_owned());
            }
        }
        if slot.role != first.role {
            // Platforms in nixpkgs' words.
            labels.push(if slot.role == Role::Host { "build" } else { "host" }.to_owned());
        }
        if group.kind == UnitKind::Test {
            labels.push("tests".to_owned());
        }
        labelled(self.resolved.packages, &self.twins, group.package, labels)
    }

    fn finish(mut self) -> Merged {
        let mut members = Vec::new();
        let mut tests = self.tests();
        let is_build = |selection: usize| self.resolved.selections[selection].purpose == Purpose::Build;
        for (selection, graphs) in self.resolved.graphs.iter().enumerate().filter(|(ix, _)| is_build(*ix)) {
            for (graph, entry_of) in graphs.iter().zip(&self.entry_of[selection]) {
                let roots = graph.roots.iter().map(|&root| (&graph.graph[root], entry_of[root.index()]));
                let builds = roots.filter(|(unit, _)| unit.kind == UnitKind::Build);
                members.extend(builds.map(|(unit, entry)| (selection, unit.package, entry)));
            }
        }
        let variant = |selection: usize| &self.resolved.selections[selection].variant;
        members
            .sort_by_key(|&(selection, package, _)| (variant(selection), &self.resolved.packages.graph[package].name));
        members.dedup_by_key(|&mut (selection, package, _)| (variant(selection), package));
        // A member whose binaries exist on some platforms only is there on all, with nothing to build on the others.
        let of_tests = tests.iter().flat_map(|tests| [tests.target, tests.host]).flatten();
        for entry in members.iter().map(|&(_, _, entry)| entry).chain(of_tests) {
            for pair in 0..self.resolved.pairs.len() {
                self.entries[entry].contents.entry(pair).or_default();
            }
        }

        // Sort by key, which is how the file reads, and carry the indices along.
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

    /// A new version of a crate then changes its own entry, and not those of all its dependents.
    fn shorten_references(&mut self) {
        let graph = &self.resolved.packages.graph;
        let mut packages: BTreeMap<&str, BTreeSet<PackageIx>> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.kind == UnitKind::Build) {
            packages.entry(&graph[entry.package].name).or_default().insert(entry.package);
        }
        for entry in &mut self.entries {
            let package = &graph[entry.package];
            if packages.get(package.name.as_str()).is_some_and(|packages| packages.len() == 1) {
                entry.reference = entry.key.replacen(&format!("@{}", package.version), "", 1);
            }
        }
    }

    /// Of all members, in order of their names. Makes an entry for one that is nothing but tests.
    fn tests(&mut self) -> Vec<MemberTests> {
        let mut found: BTreeMap<&str, MemberTests> = BTreeMap::new();
        let packages = self.resolved.packages;
        for (selection, graphs) in self.resolved.graphs.iter().enumerate() {
            if self.resolved.selections[selection].purpose != Purpose::Test {
                continue;
            }
            for (graph, entry_of) in graphs.iter().zip(&self.entry_of[selection]) {
                for ix in graph.graph.node_indices().filter(|&ix| graph.graph[ix].kind == UnitKind::Test) {
                    let unit = &graph.graph[ix];
                    let package = &packages.graph[unit.package];
                    let none = MemberTests {
                        package: unit.package,
                        target: None,
                        host: None,
                        unit: EntryIx::MAX,
                        has_library: false,
                    };
                    let tests = found.entry(package.name.as_str()).or_insert(none);
                    match unit.role {
                        Role::Host => tests.host = Some(entry_of[ix.index()]),
                        Role::Target => tests.target = Some(entry_of[ix.index()]),
                    }
                    let own_role = if package.proc_macro { Role::Host } else { Role::Target };
                    let is_own = |own: &NodeIndex<u32>| {
                        let own = &graph.graph[*own];
                        own.package == unit.package && own.kind == UnitKind::Build && own.role == own_role
                    };
                    if let Some(own) = graph.graph.node_indices().find(is_own) {
                        tests.unit = entry_of[own.index()];
                        tests.has_library = package.linkable_lib().is_some();
                    }
                }
            }
        }
        let mut tests: Vec<MemberTests> = found.into_values().collect();
        for tests in tests.iter_mut().filter(|tests| tests.unit == EntryIx::MAX) {
            let is_build = |entry: &Entry| entry.package == tests.package && entry.kind == UnitKind::Build;
            tests.unit = self.entries.iter().position(is_build).unwrap_or_else(|| {
                let key = labelled(packages, &self.twins, tests.package, Vec::new());
                let mut entry = Entry::new(key, tests.package, UnitKind::Build);
                entry.contents = (0..self.resolved.pairs.len()).map(|pair| (pair, Content::default())).collect();
                self.entries.push(entry);
                self.entries.len() - 1
            });
        }
        tests
    }
}
