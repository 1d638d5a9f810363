//! Unit graphs: what is compiled for one selection on one pair.
//!
//! A unit here is what one `buildRustCrate` derivation builds: the library, the binaries that were asked for, and the
//! build script of one package, for host or target, with one feature set. Cargo has a unit per target of the package;
//! [`crate::compare`] folds those together. The walk follows cargo's `src/cargo/core/compiler/unit_dependencies.rs`.

use std::collections::{BTreeSet, HashMap};

use fixedbitset::FixedBitSet;
use petgraph::graph::{DiGraph, NodeIndex};
use rayon::prelude::*;

use crate::features::{ActivatedFeatures, PlatformTable, Role, activate_features};
use crate::package::{Package, Target};
use crate::package_graph::{DependencyTable, PackageGraph, PackageIx};
use crate::platform::{Pair, Platform};
use crate::reachable::reachable_dependencies;
use crate::selection::{Purpose, Selection};

/// What a unit is built as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitKind {
    /// Library, binaries, build script.
    Build,
    /// The same package compiled for its own tests: dev-dependencies included.
    Test,
}

/// One buildable node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The package.
    pub package: PackageIx,
    /// For host or target.
    pub role: Role,
    /// Built for itself or for its tests.
    pub kind: UnitKind,
    /// Features that are on, in byte order.
    pub features: Vec<String>,
    /// Binaries asked for whose required features are on, as indices into [`Package::bins`].
    pub bins: Vec<usize>,
}

/// Why one unit needs another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitDependency {
    /// For the build script, or for everything else.
    pub for_build_script: bool,
    /// Name given with `--extern`.
    pub extern_name: String,
}

/// Units and their dependencies. Acyclic.
#[derive(Debug, Default)]
pub struct UnitGraph {
    /// The units.
    pub graph: DiGraph<Unit, UnitDependency, u32>,
    /// Units that were asked for, in order of the selection.
    pub roots: Vec<NodeIndex<u32>>,
}

/// Resolves every selection on every pair, in parallel. The outer order is that of `selections`, the inner of `pairs`.
pub fn resolve(
    graph: &PackageGraph,
    platforms: &[Platform],
    pairs: &[Pair],
    selections: &[Selection],
) -> Vec<Vec<UnitGraph>> {
    let tables: Vec<PlatformTable> = pairs.par_iter().map(|&pair| PlatformTable::new(graph, platforms, pair)).collect();
    selections
        .par_iter()
        .map(|selection| {
            let reachable = reachable_dependencies(graph, selection);
            tables.par_iter().map(|table| unit_graph(graph, table, &reachable, selection)).collect()
        })
        .collect()
}

fn unit_graph(
    graph: &PackageGraph,
    platforms: &PlatformTable,
    reachable: &FixedBitSet,
    selection: &Selection,
) -> UnitGraph {
    let activated = activate_features(graph, platforms, reachable, selection);
    let mut builder =
        Builder { graph, platforms, reachable, activated, units: UnitGraph::default(), known: HashMap::new() };
    for &member in &selection.members {
        builder.add_root(member, selection.purpose);
    }
    builder.units
}

struct Builder<'a> {
    graph: &'a PackageGraph,
    platforms: &'a PlatformTable,
    reachable: &'a FixedBitSet,
    activated: ActivatedFeatures,
    units: UnitGraph,
    known: HashMap<(PackageIx, Role, UnitKind), NodeIndex<u32>>,
}

impl Builder<'_> {
    fn add_root(&mut self, member: PackageIx, purpose: Purpose) {
        match purpose {
            Purpose::Build => self.add_build_root(member),
            Purpose::Test => self.add_test_root(member),
        }
    }

    fn add_build_root(&mut self, member: PackageIx) {
        let package = &self.graph.graph[member];
        let bins = self.enabled(member, &package.bins);
        if package.proc_macro {
            let library = self.add(member, Role::Host, UnitKind::Build);
            self.units.roots.push(library);
        }
        if !bins.is_empty() || (package.lib.is_some() && !package.proc_macro) {
            let unit = self.add(member, Role::Target, UnitKind::Build);
            self.units.graph[unit].bins = bins;
            if package.proc_macro {
                self.depend_on_own_library(unit, member);
            }
            self.units.roots.push(unit);
        }
    }

    /// `cargo test` compiles what is tested with `--test`, examples as they are, and real binaries where integration
    /// tests may run them.
    fn add_test_root(&mut self, member: PackageIx) {
        let package = &self.graph.graph[member];
        let tested = |targets: &[Target]| {
            let enabled = self.enabled(member, targets);
            enabled.into_iter().filter(|&ix| targets[ix].tested).count()
        };
        let (bins, tests) = (tested(&package.bins), tested(&package.tests));
        let examples = self.enabled(member, &package.examples).len();
        let lib_tested = package.lib.as_ref().is_some_and(|lib| lib.tested);
        let beside_lib = bins + tests + examples > 0;
        if package.lib.as_ref().is_some_and(|lib| lib.doctested) {
            let role = if package.proc_macro { Role::Host } else { Role::Target };
            let library = self.add(member, role, UnitKind::Build);
            self.units.roots.push(library);
        }
        // The library of a proc-macro package is tested on the host, its other targets are not.
        let mut roles = Vec::new();
        if lib_tested {
            roles.push(if package.proc_macro { Role::Host } else { Role::Target });
        }
        if beside_lib && !roles.contains(&Role::Target) {
            roles.push(Role::Target);
        }
        for role in roles {
            let unit = self.add(member, role, UnitKind::Test);
            if role == Role::Target && beside_lib {
                self.depend_on_own_library(unit, member);
            }
            self.units.roots.push(unit);
        }
        let bins = self.enabled(member, &package.bins);
        if tests > 0 && !bins.is_empty() {
            let unit = self.add(member, Role::Target, UnitKind::Build);
            self.units.graph[unit].bins = bins;
            if package.proc_macro {
                self.depend_on_own_library(unit, member);
            }
        }
    }

    /// Targets whose required features are on. Cargo's `resolve_all_features`
    /// (`src/cargo/ops/cargo_compile/unit_generator.rs`): a target may also require `dependency/feature`.
    fn enabled(&self, member: PackageIx, targets: &[Target]) -> Vec<usize> {
        let mut on: BTreeSet<String> = self.feature_names(member, Role::Target).into_iter().collect();
        if targets.iter().any(|target| target.required_features.iter().any(|feature| feature.contains('/'))) {
            for (_, to, dependency) in self.graph.dependencies(member) {
                let host = dependency.table == DependencyTable::Build || self.graph.graph[to].proc_macro;
                let role = if host { Role::Host } else { Role::Target };
                let features = self.feature_names(to, role);
                on.extend(features.iter().map(|feature| format!("{}/{feature}", dependency.name_in_toml)));
            }
        }
        let is_on = |ix: &usize| targets[*ix].required_features.iter().all(|feature| on.contains(feature));
        (0..targets.len()).filter(is_on).collect()
    }

    /// The unit, made with all it depends on if it is new.
    fn add(&mut self, package: PackageIx, role: Role, kind: UnitKind) -> NodeIndex<u32> {
        if let Some(&unit) = self.known.get(&(package, role, kind)) {
            return unit;
        }
        let features = self.feature_names(package, role);
        let unit = self.units.graph.add_node(Unit { package, role, kind, features, bins: Vec::new() });
        self.known.insert((package, role, kind), unit);

        let graph = self.graph;
        let has_build_script = graph.graph[package].build_script.is_some();
        let mut seen = BTreeSet::new();
        for (edge, to, dependency) in graph.dependencies(package) {
            let target: &Package = &graph.graph[to];
            let for_build_script = dependency.table == DependencyTable::Build;
            let wanted = match dependency.table {
                DependencyTable::Normal => true,
                DependencyTable::Build => has_build_script,
                DependencyTable::Dev => kind == UnitKind::Test,
            };
            // A build script runs on the host, so its own dependencies are looked up there.
            let platform_role = if for_build_script { Role::Host } else { role };
            let active = wanted
                && self.reachable.contains(edge.index())
                && target.lib.is_some()
                && self.platforms.is_active(edge, platform_role)
                && (!dependency.optional || self.activated.is_dependency_on(package, role, &dependency.name_in_toml));
            if !active || !seen.insert((for_build_script, to)) {
                continue;
            }
            let to_role = if for_build_script || target.proc_macro { Role::Host } else { role };
            let to_unit = self.add(to, to_role, UnitKind::Build);
            let extern_name = dependency.extern_name.clone();
            self.units.graph.add_edge(unit, to_unit, UnitDependency { for_build_script, extern_name });
        }
        unit
    }

    /// Integration tests, and the bins of a proc-macro package, link the library of their own package.
    fn depend_on_own_library(&mut self, unit: NodeIndex<u32>, package: PackageIx) {
        let graph = self.graph;
        let Some(lib) = graph.graph[package].linkable_lib() else { return };
        let role = if graph.graph[package].proc_macro { Role::Host } else { Role::Target };
        let library = self.add(package, role, UnitKind::Build);
        let extern_name = lib.name.replace('-', "_");
        self.units.graph.add_edge(unit, library, UnitDependency { for_build_script: false, extern_name });
    }

    fn feature_names(&self, package: PackageIx, role: Role) -> Vec<String> {
        let names = &self.graph.graph[package].feature_names;
        self.activated.features(package, role).map(|ix| names[ix as usize].clone()).collect()
    }
}
