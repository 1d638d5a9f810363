//! Unit graphs: the units compiled for one selection on one pair.
//!
//! A unit corresponds to one `buildRustCrate` derivation: the library, the requested binaries and the build script of a
//! package, for host or target, with one feature set. Cargo has a unit per target of the package; `compare.rs` merges
//! those. The traversal follows cargo's `src/cargo/core/compiler/unit_dependencies.rs`.

use std::collections::BTreeSet;
use std::ops::Index;

use fixedbitset::FixedBitSet;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, Walker};
use rayon::prelude::*;

use crate::features::{ActivatedFeatures, CompileKind, PlatformTable, activate_features, declared_for};
use crate::link::{DependencyTable, ExternName, FeatureIx, PackageIx};
use crate::package::Target;
use crate::package_graph::PackageGraph;
use crate::platform::{Pair, Platform};
use crate::profile::{Profile, ProfileRequest, UnitFor};
use crate::reachable::reachable_dependencies;
use crate::selection::{Selection, UserIntent};

/// A unit of a [`UnitGraph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitIx(pub(crate) NodeIndex);

impl UnitIx {
    /// Position in [`UnitGraph::units`].
    pub fn index(self) -> usize {
        self.0.index()
    }
}

/// The purpose of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CompileMode {
    /// Library, binaries and build script.
    Build,
    /// The package's tests, with dev-dependencies.
    Test,
}

/// A node of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The package.
    pub package: PackageIx,
    /// The side of the build.
    pub kind: CompileKind,
    /// The purpose.
    pub mode: CompileMode,
    /// How the unit uses its profile.
    pub unit_for: UnitFor,
    /// Enabled features, sorted; [`crate::Package::feature_name`] has their names.
    pub features: Vec<FeatureIx>,
    /// Requested binaries whose required features are enabled, as indices into [`crate::Package::bins`].
    pub bins: Vec<usize>,
    /// Additional targets of a test unit.
    pub dev_targets: DevTargets,
}

/// Targets of test units whose required features are enabled, as indices into the lists with the same names in
/// [`crate::Package`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DevTargets {
    /// Integration tests with `test = true`.
    pub tests: Vec<usize>,
    /// Examples.
    pub examples: Vec<usize>,
    /// Benchmarks.
    pub benches: Vec<usize>,
}

/// A dependency of a unit on another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitDependency {
    /// The unit.
    pub unit: UnitIx,
    /// Whether the build script needs it, and not the other targets.
    pub for_build_script: bool,
    /// Name for `--extern`.
    pub extern_name: ExternName,
}

/// Units and their dependencies, without cycles.
#[derive(Debug, Default)]
pub struct UnitGraph {
    pub(crate) graph: DiGraph<Unit, UnitDependency>,
    /// Requested units, in order of the selection. The graph of a test selection has further units, which clippy,
    /// rustdoc and `cargo bench` need and `cargo test` does not; nothing depends on them.
    pub roots: Vec<UnitIx>,
    /// Name of the profile.
    pub profile: String,
    /// Triples of host and target.
    pub triples: [String; 2],
}

/// Resolves every selection on every pair, in parallel. The outer order is that of `selections`, the inner one that of
/// `pairs`.
pub fn resolve(
    graph: &PackageGraph,
    platforms: &[Platform],
    pairs: &[Pair],
    selections: &[Selection],
) -> Vec<Vec<UnitGraph>> {
    let declared: Vec<FixedBitSet> = platforms.par_iter().map(|platform| declared_for(graph, platform)).collect();
    selections
        .par_iter()
        .map(|selection| {
            let reachable = reachable_dependencies(graph, selection);
            let on = |&pair: &Pair| {
                let mut units = unit_graph(graph, PlatformTable::new(&declared, pair), &reachable, selection);
                units.triples = [pair.host, pair.target].map(|ix| platforms[ix].triple.clone());
                units
            };
            pairs.par_iter().map(on).collect()
        })
        .collect()
}

fn unit_graph<'a>(
    graph: &'a PackageGraph,
    platforms: PlatformTable<'a>,
    reachable: &'a FixedBitSet,
    selection: &Selection,
) -> UnitGraph {
    let activated = activate_features(graph, platforms, reachable, selection, &mut ());
    let known = vec![[None; 12]; graph.graph.node_count()];
    let units = UnitGraph { profile: selection.profile.clone(), ..UnitGraph::default() };
    let aborts = graph.profiles.aborts(&selection.profile);
    let mut builder = Builder { graph, platforms, reachable, activated, aborts, units, known };
    for &member in &selection.members {
        match selection.intent {
            UserIntent::Build => builder.add_build_root(member),
            UserIntent::Test => builder.add_test_root(member),
        }
    }
    builder.units
}

struct Builder<'a> {
    graph: &'a PackageGraph,
    platforms: PlatformTable<'a>,
    reachable: &'a FixedBitSet,
    activated: ActivatedFeatures<'a>,
    /// Whether the profile has another `panic` than `unwind`, so that dependencies of tests are built separately.
    aborts: bool,
    units: UnitGraph,
    /// Index of a package, then of kind, mode and `UnitFor`.
    known: Vec<[Option<UnitIx>; 12]>,
}

impl Builder<'_> {
    fn add_build_root(&mut self, member: PackageIx) {
        let package = &self.graph[member];
        let bins = self.enabled(member, &package.bins);
        if package.proc_macro {
            let library = self.add(member, CompileKind::Host, CompileMode::Build, UnitFor::AlwaysUnwind);
            self.units.roots.push(library);
        }
        if !bins.is_empty() || (package.lib.is_some() && !package.proc_macro) {
            let unit = self.add(member, CompileKind::Target, CompileMode::Build, UnitFor::Normal);
            self.units.graph[unit.0].bins = bins;
            if package.proc_macro {
                self.depend_on_own_library(unit, member);
            }
            self.units.roots.push(unit);
        }
    }

    /// Adds the units of `cargo test`: tests with `--test`, examples, and ordinary binaries if integration tests may
    /// run them.
    fn add_test_root(&mut self, member: PackageIx) {
        let package = &self.graph[member];
        let bins = self.enabled(member, &package.bins);
        let mut tests = self.enabled(member, &package.tests);
        tests.retain(|&ix| package.tests[ix].tested);
        let (examples, benches) = (self.enabled(member, &package.examples), self.enabled(member, &package.benches));
        let any_tested = |targets: &[Target], enabled: &[usize]| enabled.iter().any(|&ix| targets[ix].tested);
        let beside_lib = any_tested(&package.bins, &bins)
            || any_tested(&package.benches, &benches)
            || !(tests.is_empty() && examples.is_empty());
        let has_others = !(bins.is_empty() && benches.is_empty());
        let has_tests = !tests.is_empty();
        let dev_targets = DevTargets { tests, examples, benches };
        // The library of a proc-macro package is built for the host, its other targets for the target.
        let (own_kind, own_unit_for) = match package.proc_macro {
            true => (CompileKind::Host, UnitFor::Host),
            false => (CompileKind::Target, UnitFor::AlwaysUnwind),
        };
        let lib_is = |is: fn(&Target) -> bool| package.lib.as_ref().is_some_and(is);
        if lib_is(|lib| lib.doctested) {
            let library = self.add(member, own_kind, CompileMode::Build, own_unit_for);
            self.units.roots.push(library);
        }
        let asked = |kind| {
            kind == own_kind && lib_is(|lib| lib.tested || lib.doctested) || kind == CompileKind::Target && beside_lib
        };
        let there =
            |kind| asked(kind) || kind == own_kind && lib_is(|_| true) || kind == CompileKind::Target && has_others;
        for kind in [CompileKind::Host, CompileKind::Target].into_iter().filter(|&kind| there(kind)) {
            let unit = self.add(member, kind, CompileMode::Test, UnitFor::AlwaysUnwind);
            if kind == CompileKind::Target {
                self.units.graph[unit.0].bins.clone_from(&bins);
                self.units.graph[unit.0].dev_targets = dev_targets.clone();
            }
            if kind == CompileKind::Target && beside_lib {
                self.depend_on_own_library(unit, member);
            }
            if asked(kind) {
                self.units.roots.push(unit);
            }
        }
        // Integration tests run the binaries of the normal build.
        if has_tests && !bins.is_empty() {
            let unit = self.add(member, CompileKind::Target, CompileMode::Build, UnitFor::Normal);
            self.units.graph[unit.0].bins = bins;
            if package.proc_macro {
                self.depend_on_own_library(unit, member);
            }
            self.units.roots.push(unit);
        }
        if package.linkable_lib().is_some() {
            self.add(member, own_kind, CompileMode::Build, own_unit_for);
        }
    }

    /// Targets whose required features are enabled. Cargo's `resolve_all_features`
    /// (`src/cargo/ops/cargo_compile/unit_generator.rs`): a target may also require `dependency/feature`.
    fn enabled(&self, member: PackageIx, targets: &[Target]) -> Vec<usize> {
        let mut on: BTreeSet<String> = self.feature_names(member, CompileKind::Target).map(str::to_owned).collect();
        if targets.iter().any(|target| target.required_features.iter().any(|feature| feature.contains('/'))) {
            for dependency in self.graph.dependencies(member) {
                let to = dependency.package;
                let host = dependency.table == DependencyTable::Build || self.graph[to].proc_macro;
                let kind = if host { CompileKind::Host } else { CompileKind::Target };
                let features = self.feature_names(to, kind);
                on.extend(features.map(|feature| format!("{}/{feature}", dependency.name_in_toml)));
            }
        }
        let is_on = |ix: &usize| targets[*ix].required_features.iter().all(|feature| on.contains(feature));
        (0..targets.len()).filter(is_on).collect()
    }

    /// The unit, added with all its dependencies if it is new. `unit_for` is the requested use of the profile.
    fn add(&mut self, package: PackageIx, kind: CompileKind, mode: CompileMode, unit_for: UnitFor) -> UnitIx {
        let unit_for = match (kind, unit_for) {
            (CompileKind::Target, UnitFor::AlwaysUnwind) if !self.aborts => UnitFor::Normal,
            _ => unit_for,
        };
        let host = usize::from(kind == CompileKind::Host);
        let slot = host * 6 + usize::from(mode == CompileMode::Test) * 3 + unit_for as usize;
        if let Some(unit) = self.known[package.index()][slot] {
            return unit;
        }
        let features = self.activated.features(package, kind).collect();
        let (bins, dev_targets) = (Vec::new(), DevTargets::default());
        let unit = Unit { package, kind, mode, unit_for, features, bins, dev_targets };
        let unit = UnitIx(self.units.graph.add_node(unit));
        self.known[package.index()][slot] = Some(unit);

        let graph = self.graph;
        let has_build_script = graph[package].build_script.is_some();
        let mut seen = Vec::new();
        for link in graph.links(package) {
            let for_build_script = link.table == DependencyTable::Build;
            let wanted = match link.table {
                DependencyTable::Normal => true,
                DependencyTable::Build => has_build_script,
                DependencyTable::Dev => mode == CompileMode::Test,
            };
            // Build scripts run on the host, so the platforms of their dependencies are matched there.
            let platform_kind = if for_build_script { CompileKind::Host } else { kind };
            let active = wanted
                && self.reachable.contains(link.ix.index())
                && link.to_has_lib
                && self.platforms.is_active(link, platform_kind)
                && (!link.optional || self.activated.is_dependency_on(package, kind, link.name));
            if !active || seen.contains(&(for_build_script, link.to)) {
                continue;
            }
            seen.push((for_build_script, link.to));
            let to_kind = if for_build_script || link.to_proc_macro { CompileKind::Host } else { kind };
            let to_unit_for = match to_kind {
                CompileKind::Host => UnitFor::Host,
                CompileKind::Target => unit_for,
            };
            let to_unit = self.add(link.to, to_kind, CompileMode::Build, to_unit_for);
            let dependency = UnitDependency { unit: to_unit, for_build_script, extern_name: link.extern_name };
            self.units.graph.add_edge(unit.0, to_unit.0, dependency);
        }
        unit
    }

    /// Adds a dependency of integration tests, or of the binaries of a proc-macro package, on the library of their
    /// package.
    fn depend_on_own_library(&mut self, unit: UnitIx, package: PackageIx) {
        let graph = self.graph;
        let Some(lib) = graph[package].linkable_lib() else { return };
        let kind = if graph[package].proc_macro { CompileKind::Host } else { CompileKind::Target };
        let unit_for = match kind {
            CompileKind::Host => UnitFor::Host,
            CompileKind::Target => self.units[unit].unit_for,
        };
        let library = self.add(package, kind, CompileMode::Build, unit_for);
        let extern_name = graph.library_name(lib);
        let dependency = UnitDependency { unit: library, for_build_script: false, extern_name };
        self.units.graph.add_edge(unit.0, library.0, dependency);
    }

    fn feature_names(&self, package: PackageIx, kind: CompileKind) -> impl Iterator<Item = &str> {
        self.activated.features(package, kind).map(move |feature| self.graph[package].feature_name(feature))
    }
}

impl Index<UnitIx> for UnitGraph {
    type Output = Unit;

    fn index(&self, unit: UnitIx) -> &Unit {
        &self.graph[unit.0]
    }
}

impl UnitGraph {
    /// All units, indexed by [`UnitIx`].
    pub fn units(&self) -> impl ExactSizeIterator<Item = &Unit> {
        self.graph.raw_nodes().iter().map(|node| &node.weight)
    }

    /// The indices of all units.
    pub fn indices(&self) -> impl Iterator<Item = UnitIx> + use<> {
        self.graph.node_indices().map(UnitIx)
    }

    /// Dependencies of a unit.
    pub fn dependencies(&self, unit: UnitIx) -> impl Iterator<Item = &UnitDependency> {
        self.graph.edges(unit.0).map(|edge| edge.weight())
    }

    /// Some units and all their direct and indirect dependencies, without duplicates.
    pub fn closure(&self, units: &[UnitIx]) -> Vec<UnitIx> {
        let mut walk = Dfs::empty(&self.graph);
        walk.stack.extend(units.iter().map(|unit| unit.0));
        walk.iter(&self.graph).map(UnitIx).collect()
    }

    /// The profile of a unit's build script, or of its other targets.
    pub fn profile_of(&self, packages: &PackageGraph, unit: UnitIx, for_build_script: bool) -> Profile {
        let has_debug = |below: UnitIx| self.own_profile(packages, below, false, false).has_debug();
        let mut below = self.dependencies(unit).filter(|below| below.for_build_script == for_build_script);
        let with_debug = below.any(|below| has_debug(below.unit));
        self.own_profile(packages, unit, for_build_script, with_debug)
    }

    fn own_profile(&self, packages: &PackageGraph, unit: UnitIx, for_build_script: bool, with_debug: bool) -> Profile {
        let &Unit { package, unit_for, .. } = &self[unit];
        let unit_for = if for_build_script { UnitFor::Host } else { unit_for };
        // A selected proc-macro is built for the host, but with the profile of the target side.
        let target = &self.triples[usize::from(unit_for != UnitFor::Host)];
        let is_member = packages.members.contains(&package);
        let request = ProfileRequest { profile: &self.profile, unit_for, target, with_debug, is_native: false };
        packages.profiles.of(Some(&packages[package]), is_member, request)
    }
}
