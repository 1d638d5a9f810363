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

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cratewright_resolver::{PackageGraph, PackageIx, Pair, Platform, Role, Selection, Target, UnitGraph, UnitKind};
use petgraph::visit::EdgeRef;

use crate::guards::PairSet;

/// Index into [`Merged::entries`].
pub type EntryIx = usize;

/// What was resolved, for all selections and pairs.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// The packages.
    pub packages: &'a PackageGraph,
    /// Platforms that the pairs speak of.
    pub platforms: &'a [Platform],
    /// Pairs, in the order of the inner lists of `graphs`.
    pub pairs: &'a [Pair],
    /// Selections, in the order of `graphs`.
    pub selections: &'a [Selection],
    /// One graph per selection and pair.
    pub graphs: &'a [Vec<UnitGraph>],
}

/// A dependency of an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryDependency {
    /// For the build script, or for everything else.
    pub for_build_script: bool,
    /// The entry depended upon.
    pub entry: EntryIx,
    /// Name given with `--extern`.
    pub extern_name: String,
}

/// What an entry is on one pair.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content {
    /// Features that are on, in byte order.
    pub features: Vec<String>,
    /// Dependencies, sorted.
    pub dependencies: Vec<EntryDependency>,
}

/// One attribute of `Cargo.nix`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Package id spec, with a suffix where a package has several entries.
    pub key: String,
    /// The package.
    pub package: PackageIx,
    /// Content by pair; pairs that do not build it are absent.
    pub contents: BTreeMap<usize, Content>,
    /// Binaries by pair, as indices into the package's; only members that are built for themselves have any.
    pub bins: BTreeMap<usize, Vec<usize>>,
}

/// A member and what building it means.
#[derive(Debug, Clone)]
pub struct Member {
    /// The package.
    pub package: PackageIx,
    /// Its entry.
    pub entry: EntryIx,
    /// The variant that this is, else the default build.
    pub variant: Option<String>,
    /// Features asked of it by name, see [`Selection::requested_features`].
    pub features: Vec<String>,
}

/// Everything that [`crate::render`] writes.
#[derive(Debug)]
pub struct Merged {
    /// In order of their keys.
    pub entries: Vec<Entry>,
    /// Default builds, then variants by name; members in order of their names. A member without library and enabled
    /// binary has nothing to build and is left out.
    pub members: Vec<Member>,
}

/// What cannot be said in a `Cargo.nix`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// nixpkgs' builder hands binaries an `.rlib` of their package, which a proc-macro does not have.
    #[error("proc-macro package `{package}` has binaries, which nixpkgs' builder cannot link to the macro")]
    ProcMacroBins {
        /// Name and version.
        package: String,
    },
    /// nixpkgs' builder compiles all targets of a package with one edition.
    #[error("targets of package `{package}` have different editions: {editions}")]
    Editions {
        /// Name and version.
        package: String,
        /// `target: edition` of each.
        editions: String,
    },
    /// nixpkgs' builder compiles a binary under its name with `_` for `-`.
    #[error("binaries `{first}` and `{second}` of package `{package}` are one name to nixpkgs' builder")]
    BinNames {
        /// Name and version.
        package: String,
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// nixpkgs' builder knows packages by name and version; two of them collide in file names and symbols.
    #[error("package `{package}` is needed from two sources, which nixpkgs' builder cannot tell apart")]
    SamePackageTwice {
        /// Name and version.
        package: String,
    },
}

impl RenderError {
    /// Stable kebab-case code of the variant.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ProcMacroBins { .. } => "proc-macro-bins",
            Self::Editions { .. } => "different-editions",
            Self::BinNames { .. } => "colliding-binaries",
            Self::SamePackageTwice { .. } => "same-package-twice",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::ProcMacroBins { .. } => "move the binaries to a package of their own",
            Self::Editions { .. } => "give all targets the edition of the package",
            Self::BinNames { .. } => "rename one of them",
            Self::SamePackageTwice { .. } => "give the local package another version, or take it for both with [patch]",
        }
    }
}

/// A unit of one selection on one side, over all pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Slot {
    kind: UnitKind,
    role: Role,
    selection: usize,
}

/// Merges all graphs.
///
/// # Errors
/// When a unit cannot be built by nixpkgs' builder.
pub fn merge(resolved: Resolved<'_>) -> Result<Merged, RenderError> {
    let mut merger = Merger { resolved, entries: Vec::new(), entry_of: HashMap::new() };
    let units = merger.collect();
    let order = in_dependency_order(&units);
    for &(package, slots) in &order {
        merger.check(package, slots)?;
        merger.merge_package(package, slots);
    }
    let mut known = BTreeSet::new();
    for (package, _) in order {
        if !known.insert(spec(resolved.packages, package)) {
            return Err(RenderError::SamePackageTwice { package: resolved.packages.graph[package].display() });
        }
    }
    Ok(merger.finish())
}

/// Where the unit of a slot stands, by pair.
type SlotUnits = BTreeMap<Slot, BTreeMap<usize, petgraph::graph::NodeIndex<u32>>>;

/// Units of all graphs by package.
struct Units {
    by_package: BTreeMap<PackageIx, SlotUnits>,
    /// Packages that a package's units depend on.
    below: BTreeMap<PackageIx, BTreeSet<PackageIx>>,
}

/// Packages, dependencies first.
fn in_dependency_order(units: &Units) -> Vec<(PackageIx, &SlotUnits)> {
    fn visit(package: PackageIx, units: &Units, done: &mut BTreeSet<PackageIx>, order: &mut Vec<PackageIx>) {
        if done.insert(package) {
            for &below in units.below.get(&package).into_iter().flatten() {
                visit(below, units, done, order);
            }
            order.push(package);
        }
    }
    let mut order = Vec::with_capacity(units.by_package.len());
    let mut done = BTreeSet::new();
    for &package in units.by_package.keys() {
        visit(package, units, &mut done, &mut order);
    }
    order.into_iter().filter_map(|package| Some((package, units.by_package.get(&package)?))).collect()
}

struct Merger<'a> {
    resolved: Resolved<'a>,
    entries: Vec<Entry>,
    entry_of: HashMap<(PackageIx, Slot), EntryIx>,
}

impl Merger<'_> {
    fn collect(&self) -> Units {
        let mut units = Units { by_package: BTreeMap::new(), below: BTreeMap::new() };
        for (selection, graphs) in self.resolved.graphs.iter().enumerate() {
            for (pair, graph) in graphs.iter().enumerate() {
                for ix in graph.graph.node_indices() {
                    let unit = &graph.graph[ix];
                    let slot = Slot { kind: unit.kind, role: unit.role, selection };
                    let slots = units.by_package.entry(unit.package).or_default();
                    slots.entry(slot).or_default().insert(pair, ix);
                    let below = graph.graph.neighbors(ix).map(|to| graph.graph[to].package);
                    units.below.entry(unit.package).or_default().extend(below.filter(|&to| to != unit.package));
                }
            }
        }
        units
    }

    fn merge_package(&mut self, package: PackageIx, slots: &SlotUnits) {
        let first_entry = self.entries.len();
        // The first entry gets the plain key: what building the package itself means, where that is asked for.
        let is_own = |slot: &Slot| self.resolved.selections[slot.selection].members.contains(&package);
        let mut in_order: Vec<(Slot, _)> = slots.iter().map(|(&slot, by_pair)| (slot, by_pair)).collect();
        let is_variant = |slot: &Slot| self.resolved.selections[slot.selection].variant.is_some();
        in_order.sort_by_key(|(slot, _)| (slot.kind, !is_own(slot), is_variant(slot), slot.role, slot.selection));
        let first_slot = in_order.first().map(|&(slot, _)| slot);
        for (slot, by_pair) in in_order {
            let contents: BTreeMap<usize, Content> =
                by_pair.iter().map(|(&pair, &unit)| (pair, self.content(package, slot, pair, unit))).collect();
            let bins: BTreeMap<usize, Vec<usize>> = by_pair
                .iter()
                .map(|(&pair, &unit)| (pair, self.unit_graph(slot, pair).graph[unit].bins.clone()))
                .filter(|(_, bins)| !bins.is_empty())
                .collect();
            let agrees = |entry: &Entry| {
                contents.iter().all(|(pair, content)| entry.contents.get(pair).is_none_or(|have| have == content))
            };
            let found = (first_entry..self.entries.len()).find(|&ix| agrees(&self.entries[ix]));
            let entry = match found {
                Some(entry) => entry,
                None => {
                    let key = self.key(package, slot, first_slot.filter(|_| first_entry < self.entries.len()));
                    let entry = Entry { key, package, contents: BTreeMap::new(), bins: BTreeMap::new() };
                    self.entries.push(entry);
                    self.entries.len() - 1
                }
            };
            self.entries[entry].contents.extend(contents);
            self.entries[entry].bins.extend(bins);
            self.entry_of.insert((package, slot), entry);
        }
    }

    /// Refuses what nixpkgs' builder would build wrongly.
    fn check(&self, ix: PackageIx, slots: &SlotUnits) -> Result<(), RenderError> {
        let package = &self.resolved.packages.graph[ix];
        let units =
            || slots.iter().flat_map(|(slot, by_pair)| by_pair.iter().map(move |(&pair, &unit)| (*slot, pair, unit)));
        let bins: BTreeSet<usize> =
            units().flat_map(|(slot, pair, unit)| &self.unit_graph(slot, pair).graph[unit].bins).copied().collect();
        if package.proc_macro && !bins.is_empty() {
            return Err(RenderError::ProcMacroBins { package: package.display() });
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

    fn content(&self, package: PackageIx, slot: Slot, pair: usize, unit: petgraph::graph::NodeIndex<u32>) -> Content {
        let graph = &self.unit_graph(slot, pair).graph;
        let mut dependencies: Vec<EntryDependency> = graph
            .edges(unit)
            .map(|edge| (edge, &graph[edge.target()]))
            // nixpkgs' builder links a package's own library by itself.
            .filter(|(_, to)| to.package != package)
            .map(|(edge, to)| {
                let to_slot = Slot { kind: to.kind, role: to.role, selection: slot.selection };
                EntryDependency {
                    for_build_script: edge.weight().for_build_script,
                    entry: self.entry_of[&(to.package, to_slot)],
                    extern_name: edge.weight().extern_name.clone(),
                }
            })
            .collect();
        dependencies.sort();
        Content { features: graph[unit].features.clone(), dependencies }
    }

    fn unit_graph(&self, slot: Slot, pair: usize) -> &UnitGraph {
        &self.resolved.graphs[slot.selection][pair]
    }

    /// The package id spec for the first entry of a package; further ones say whose they are.
    fn key(&self, package: PackageIx, slot: Slot, first: Option<Slot>) -> String {
        let spec = spec(self.resolved.packages, package);
        let Some(first) = first else { return spec };
        let mut labels = Vec::new();
        if slot.selection != first.selection {
            let selection = &self.resolved.selections[slot.selection];
            labels.push(match selection.members[..] {
                [member] => self.resolved.packages.graph[member].name.as_str(),
                _ => "workspace",
            });
            labels.extend(selection.variant.as_deref());
        }
        // Two words each, so that no member's name can be mistaken for them.
        if slot.role != first.role {
            labels.push(match slot.role {
                Role::Host => "for host",
                Role::Target => "for target",
            });
        }
        if slot.kind == UnitKind::Test {
            labels.push("for tests");
        }
        format!("{spec} ({})", labels.join(" "))
    }

    fn finish(mut self) -> Merged {
        let mut members = Vec::new();
        for (selection, graphs) in self.resolved.graphs.iter().enumerate() {
            for graph in graphs {
                for &root in &graph.roots {
                    let unit = &graph.graph[root];
                    let slot = Slot { kind: unit.kind, role: unit.role, selection };
                    if unit.kind == UnitKind::Build {
                        members.push((selection, unit.package, self.entry_of[&(unit.package, slot)]));
                    }
                }
            }
        }
        let variant = |selection: usize| &self.resolved.selections[selection].variant;
        members
            .sort_by_key(|&(selection, package, _)| (variant(selection), &self.resolved.packages.graph[package].name));
        members.dedup_by_key(|&mut (selection, package, _)| (variant(selection), package));
        // A member whose binaries exist on some platforms only is there on all, with nothing to build on the others.
        for &(_, _, entry) in &members {
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
        }
    }
}

/// `name@version`
fn spec(packages: &PackageGraph, ix: PackageIx) -> String {
    let package = &packages.graph[ix];
    format!("{}@{}", package.name, package.version)
}

impl Entry {
    /// Pairs that build this entry.
    pub(crate) fn pairs(&self) -> PairSet {
        self.contents.keys().copied().collect()
    }
}
